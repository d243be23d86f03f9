import { EventStore } from "@hexfold/core"
import { Deferred, Effect } from "effect"
import type { TroubledNode } from "../projections/trouble.ts"

/**
 * A node whose process is lost at a point: from the append with this number on, none is answered. `before`: the append has
 * not happened. `after`: it has.
 */
export const losing = (node: TroubledNode, number: number, when: "before" | "after") => {
  let appends = 0
  let isLost = false
  const eventStore: EventStore.EventStore["Service"] = {
    ...node.eventStore,
    append: (append) =>
      Effect.suspend(() => {
        if (isLost) return Effect.never
        if (++appends < number) return node.eventStore.append(append)
        isLost = true
        node.trouble = "gone"
        return when === "before" ? Effect.never : Effect.andThen(node.eventStore.append(append), Effect.never)
      })
  }
  const run: TroubledNode["run"] = (effect) =>
    node.run(Effect.provideService(effect, EventStore.EventStore, eventStore) as never)
  return { run, isLost: () => isLost, appends: () => appends }
}

/** A node whose append with this number waits until it is let through. */
export const held = (node: TroubledNode, number: number) => {
  const gate = Deferred.makeUnsafe<void>()
  let appends = 0
  const eventStore: EventStore.EventStore["Service"] = {
    ...node.eventStore,
    append: (append) =>
      Effect.suspend(() =>
        ++appends === number
          ? Effect.andThen(Deferred.await(gate), node.eventStore.append(append))
          : node.eventStore.append(append)
      )
  }
  const run: TroubledNode["run"] = (effect) =>
    node.run(Effect.provideService(effect, EventStore.EventStore, eventStore) as never)
  return { run, isHeld: () => appends >= number, letThrough: Deferred.succeed(gate, undefined) }
}
