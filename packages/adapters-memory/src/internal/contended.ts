import { ConcurrencyConflict, type EventStore } from "@hexfold/core"
import { Effect } from "effect"

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
      return Effect.flatMap(store.readStreams([{ streamId }], append.command), ({ appended, streams }) =>
        // A repeat is answered first, as by every append, and `Any` never conflicts.
        appended !== undefined || expected._tag === "Any"
          ? store.append(append)
          : Effect.fail(
              new ConcurrencyConflict({ stream: streamId, expected, actual: streams[0]!.version, attempts: 1 })
            )
      )
    })
  const yielding = Effect.forEach(Array.from({ length: yields }), () => Effect.yieldNow, { discard: true })
  return { ...store, append: (append) => Effect.andThen(yielding, conflicting(append)) }
}
