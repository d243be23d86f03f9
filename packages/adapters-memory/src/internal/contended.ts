import { ConcurrencyConflict, type EventStore, StreamLocks } from "@hexfold/core"
import { Context, Effect } from "effect"

type Store = EventStore.EventStore["Service"]

/** A store whose appends conflict and yield as if other processes used it. */
export const contended = (
  store: Store,
  { conflictEvery, yields = 0 }: { readonly conflictEvery?: number; readonly yields?: number }
): Store => {
  if (conflictEvery === undefined && yields === 0) return store
  let appends = 0
  const conflicting: Store["append"] = (append) =>
    Effect.suspend(() => {
      const [condition] = append.conditions
      if (conflictEvery === undefined || condition === undefined || ++appends % conflictEvery !== 0) {
        return store.append(append)
      }
      const { expected, streamId } = condition
      const isRepeat = ({ command }: EventStore.Part) =>
        Effect.map(store.readStreams([], command), ({ appended }) => appended !== undefined)
      return Effect.gen(function* () {
        // A repeat is answered first, as by every append, and `Any` never conflicts.
        const keyed = append.parts.filter(({ command }) => command !== undefined)
        const repeats = yield* Effect.forEach(keyed, isRepeat)
        if (expected._tag === "Any" || repeats.includes(true)) return yield* store.append(append)
        const { streams } = yield* store.readStreams([{ streamId }])
        const actual = streams[0]!.version
        return yield* Effect.fail(new ConcurrencyConflict({ stream: streamId, expected, actual, attempts: 1 }))
      })
    })
  const yielding = Effect.forEach(Array.from({ length: yields }), () => Effect.yieldNow, { discard: true })
  return { ...store, append: (append) => Effect.andThen(yielding, conflicting(append)) }
}

/** An append in memory is one synchronous step, so there is nothing to lock. */
export const locks: Context.Context<StreamLocks.StreamLocks> = Context.make(StreamLocks.StreamLocks, {
  hold: (_streams, _commandIds, effect) => effect
})
