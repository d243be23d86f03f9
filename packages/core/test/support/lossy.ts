/** A store in memory that loses its last commits on demand, and has transactions that roll back. */
import { MemoryEventStore } from "@hexfold/adapters-memory"
import type { EventStore } from "@hexfold/core"
import { AppendCheck } from "@hexfold/core/adapter"
import { Context, Effect, Exit, Stream } from "effect"

type Store = EventStore.EventStore["Service"]

/** The appends that a log consists of, and a store that has done them. */
interface Log {
  readonly appends: ReadonlyArray<EventStore.Append>
  readonly store: Store
}

/** The transaction that an operation joins. */
interface Transaction {
  log: Log
}

const Current = Context.Reference<Transaction | undefined>("test/lossy/Transaction", { defaultValue: () => undefined })

const logOf = (appends: ReadonlyArray<EventStore.Append>): Effect.Effect<Log> =>
  Effect.gen(function* () {
    const store = yield* MemoryEventStore.make()
    for (const append of appends) yield* Effect.orDie(store.append(append))
    return { appends, store }
  })

export interface Lossy {
  readonly store: Store
  /** Takes the last appends back, and returns them. */
  readonly lose: (appends: number) => Effect.Effect<ReadonlyArray<EventStore.Append>>
  /** The appends that have been committed and not lost. */
  readonly committed: () => ReadonlyArray<EventStore.Append>
  /** Is called after each change of the log: a commit or a loss. */
  changed: () => void
  /** What happens before each operation of the store. */
  pause: Effect.Effect<void>
  /**
   * Runs an effect in a transaction, or in a savepoint of one. It rolls back if the
   * effect fails, and if others have committed meanwhile.
   */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | "lost the race", R>
}

export const lossy: Effect.Effect<Lossy> = Effect.gen(function* () {
  let main = yield* logOf([])
  // A loss ends a history, as on every store.
  let present = 1
  const become = (log: Log) => {
    main = log
    lossy.changed()
  }

  const on = <A, E>(f: (log: Log) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.andThen(
        lossy.pause,
        Effect.suspend(() => f(Context.get(context, Current)?.log ?? main))
      )
    )
  const record = (before: Log, append: EventStore.Append, transaction: Transaction | undefined) => {
    const after = { ...before, appends: [...before.appends, append] }
    if (transaction === undefined) become(after)
    else transaction.log = after
  }
  const store: Store = {
    append: ({ history, ...append }) =>
      Effect.flatMap(Current, (transaction) =>
        on((log) => {
          const refusal =
            history === undefined ? undefined : AppendCheck.historyRefusal({ ...append, history }, present)
          if (refusal !== undefined) return Effect.fail(refusal)
          return log.store.append(append).pipe(
            Effect.tap(({ _tag }) =>
              Effect.sync(() => _tag === "Repeated" || record(transaction?.log ?? main, append, transaction))
            ),
            Effect.map((done) => (done._tag === "Repeated" ? done : { ...done, history: present }))
          )
        })
      ),
    readStreams: (requests, command) =>
      on((log) => Effect.map(log.store.readStreams(requests, command), (read) => ({ ...read, history: present }))),
    readStream: (streamId, options) => Stream.suspend(() => main.store.readStream(streamId, options)),
    readAll: (options) => Stream.suspend(() => main.store.readAll(options)),
    horizons: Stream.suspend(() => main.store.horizons),
    inTransaction: (context) => Context.get(context, Current) !== undefined
  }
  const lossy: Lossy = {
    store,
    pause: Effect.void,
    changed: () => {},
    committed: () => main.appends,
    lose: (count) =>
      Effect.suspend(() => {
        const { appends } = main
        const kept = Math.max(0, appends.length - count)
        return Effect.flatMap(logOf(appends.slice(0, kept)), (log) => {
          // Others may have committed meanwhile: then these appends are not the last ones.
          if (main.appends !== appends) return lossy.lose(count)
          present++
          become(log)
          return Effect.succeed(appends.slice(kept))
        })
      }),
    transaction: (effect) =>
      Effect.flatMap(Current, (outer) =>
        Effect.gen(function* () {
          const base = outer?.log ?? main
          const inner: Transaction = { log: yield* logOf(base.appends) }
          const exit = yield* Effect.exit(Effect.provideService(effect, Current, inner))
          if (Exit.isSuccess(exit)) {
            if ((outer?.log ?? main).appends !== base.appends) return yield* Effect.fail("lost the race" as const)
            if (outer === undefined) become(inner.log)
            else outer.log = inner.log
          }
          return yield* exit
        })
      )
  }
  return lossy
})
