/** Handles events of a reactor's scenario on stores in memory. */
import type { MemoryStores } from "@hexfold/adapters-memory"
import { type Aggregate, EventStore, type Reactor, type StreamId, type Topic } from "@hexfold/core"
import { EventCodec, Handling, Ids } from "@hexfold/core/adapter"
import { Clock, Deferred, Effect, type Exit, Fiber, Result, Stream } from "effect"
import { ScenarioFailure } from "../scenarios/compare.ts"
import { type Events, keepEvent } from "../scenarios/kept.ts"
import { inOrder } from "./shown.ts"

/** A command that the handler has executed. */
export interface Executing extends Handling.Executed {
  /** What came of it; undefined if it has not ended. */
  exit: Exit.Exit<unknown, unknown> | undefined
}

/** What came of the handling of an event. */
export interface Handled {
  readonly commands: ReadonlyArray<Executing>
  readonly exit: Exit.Exit<void, unknown>
}

/** Events of one stream. */
export interface Given {
  readonly stream: { readonly source: Events; readonly streamId: StreamId.StreamId }
  readonly events: () => ReadonlyArray<Aggregate.Tagged>
}

/** Appends events as a store keeps them. */
export const append = (
  { events, stream: { source, streamId } }: Given,
  which: string
): Effect.Effect<ReadonlyArray<EventStore.RecordedEvent>, ScenarioFailure, MemoryStores.Stores> =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const nextId = yield* Ids.Next
    const now = yield* Clock.currentTimeMillis
    const kept = yield* trying(() => events().map((event) => keepEvent(source, which, event).value))
    const codec = EventCodec.of(source as Topic.Declaring<string, Aggregate.Tagged>)
    const written = kept.map((event) => {
      const id = nextId(now)
      return { id, ...Result.getOrThrow(codec.encode(event)), metadata: { correlationId: id, causationId: id } }
    })
    if (written.length === 0) return []
    const parts = [{ writes: [{ streamId, events: written }], reads: [] }]
    const answer = yield* Effect.orDie(store.append({ conditions: [], parts }))
    return answer._tag === "Appended" ? answer.parts.flatMap(({ events }) => events) : []
  })

const trying = <A>(make: () => A): Effect.Effect<A, ScenarioFailure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(make())
    } catch (cause) {
      return cause instanceof ScenarioFailure ? Effect.fail(cause) : Effect.die(cause)
    }
  })

/** Handles an event once. With `stopAfter` the handler is interrupted after so many commands. */
export const handle = <R>(
  reactor: Reactor.Any,
  recorded: EventStore.RecordedEvent,
  stopAfter = Number.POSITIVE_INFINITY
): Effect.Effect<Handled, never, R | MemoryStores.Stores> =>
  Effect.gen(function* () {
    const commands: Array<Executing> = []
    const stopped = yield* Deferred.make<void>()
    const around: Handling.Around = (executed, execute) =>
      Effect.suspend(() => {
        const command: Executing = { ...executed, exit: undefined }
        commands.push(command)
        const isLast = commands.length === stopAfter
        const noting = Effect.onExit(execute, (exit) => Effect.sync(() => void (command.exit = exit)))
        if (!isLast) return noting
        return Effect.flatMap(Effect.exit(noting), () =>
          Effect.andThen(Deferred.succeed(stopped, undefined), Effect.never)
        )
      })
    // The type of a reactor says what its handlers need.
    const handling = Handling.once(reactor, recorded, around) as Effect.Effect<void, unknown, R | MemoryStores.Stores>
    const fiber = yield* Effect.forkChild(handling)
    yield* Effect.raceFirst(Fiber.await(fiber), Deferred.await(stopped))
    yield* Fiber.interrupt(fiber)
    return { commands, exit: yield* Fiber.await(fiber) }
  })

/** The events of the log by stream, as failures show them. */
export const logOf: Effect.Effect<ReadonlyArray<unknown>, never, MemoryStores.Stores> = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  const events = yield* Effect.orDie(Stream.runCollect(store.readAll()))
  const shown = events.map(({ data, streamId, type, version }) => ({ event: `${streamId} ${version}`, [type]: data }))
  return shown.sort((a, b) => (a.event < b.event ? -1 : 1)).map(inOrder)
})
