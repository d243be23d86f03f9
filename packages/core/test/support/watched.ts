/** A store in memory that notes what is asked of it, and lets others come between. */
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { EventStore, EventStoreError, Executor, StateCache, Reason } from "@hexfold/core"
import { Effect, Schedule } from "effect"

type Hook = Effect.Effect<unknown, EventStoreError, EventStore.EventStore>

export interface Watched {
  readonly store: EventStore.EventStore["Service"]
  /** The requests of each `readStreams`, without the places of events. */
  readonly reads: Array<ReadonlyArray<EventStore.StreamRequest>>
  readonly appends: Array<EventStore.Append>
  /** What happens before each of the next reads, one for each. */
  readonly beforeReads: Array<Hook>
  readonly beforeAppends: Array<Hook>
  readonly afterAppends: Array<Hook>
  /** Runs a program on the watched store; after conflicts it tries again at once. */
  readonly run: <A, E, R>(program: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, EventStore.EventStore>>
  /** Runs a program on the store itself, as another process does. */
  readonly behind: <A, E, R>(
    program: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, never, Exclude<R, EventStore.EventStore>>
}

export const watched: Effect.Effect<Watched> = Effect.map(MemoryEventStore.make(), (plain) => {
  const reads: Watched["reads"] = []
  const appends: Watched["appends"] = []
  const beforeReads: Array<Hook> = []
  const beforeAppends: Array<Hook> = []
  const afterAppends: Array<Hook> = []
  const elsewhere = <A, E, R>(program: Effect.Effect<A, E, R>) =>
    program.pipe(
      Effect.provideService(EventStore.EventStore, plain),
      Effect.provideService(StateCache.Current, undefined)
    )
  const next = (hooks: Array<Hook>) => Effect.suspend(() => elsewhere(hooks.shift() ?? Effect.yieldNow))
  const store: EventStore.EventStore["Service"] = {
    ...plain,
    readStreams: (requests, command) => {
      reads.push(requests.map(({ position: _, ...request }) => request))
      return Effect.andThen(next(beforeReads), plain.readStreams(requests, command))
    },
    append: (append) => {
      appends.push(append)
      return Effect.andThen(next(beforeAppends), plain.append(append)).pipe(Effect.tap(next(afterAppends)))
    }
  }
  return {
    store,
    reads,
    appends,
    beforeReads,
    beforeAppends,
    afterAppends,
    run: (program) =>
      program.pipe(
        Effect.provideService(EventStore.EventStore, store),
        Effect.provideService(Executor.CurrentRetryPolicy, Schedule.recurs(4))
      ),
    behind: (program) => Effect.orDie(elsewhere(program))
  }
})

export const unavailable = (operation: "append" | "readStreams") =>
  new EventStoreError({
    operation,
    reason: new Reason.Unavailable({ detail: "down" })
  })
