import { ProjectionStore } from "@hexfold/core"
import { Effect } from "effect"
import { claim } from "./claims.ts"
import { commit, drop, type Maintaining } from "./commits.ts"
import * as deadLetters from "./deadLetters.ts"
import { find, type Generations, positionsOf, statesOf } from "./generations.ts"

type Store = ProjectionStore.ProjectionStore["Service"]

/** A projection store over generations. Several stores may share the same generations. */
export const projectionStoreOf = (generations: Generations, leftAfter: number, maintaining?: Maintaining): Store => {
  const lettersOf = (generation: ProjectionStore.Generation, what?: ProjectionStore.DeadLetterOptions | "count") =>
    Effect.sync(() => {
      const stored = find(generations, generation)
      return what === "count" ? deadLetters.count(stored) : deadLetters.select(stored, what)
    })

  return ProjectionStore.ProjectionStore.of({
    claim: (given) =>
      Effect.clockWith((clock) =>
        Effect.fromResult(claim(generations, given, { now: clock.currentTimeMillisUnsafe(), leftAfter }))
      ),

    load: (generation, keys) =>
      Effect.sync(() => {
        const stored = find(generations, generation)
        if (stored === undefined) return { states: new Map(), parked: new Set(), positions: [] }
        return {
          states: statesOf(stored, keys),
          parked: new Set(keys.filter((key) => stored.parked.has(key))),
          positions: positionsOf(generations, stored)
        }
      }),

    // One synchronous step, so nothing comes between the check and the writes.
    commit: (given) => Effect.suspend(() => Effect.fromResult(commit(generations, given, maintaining))),

    drop: (owner) => Effect.suspend(() => Effect.fromResult(drop(generations, owner))),

    deadLetters: lettersOf as Store["deadLetters"]
  })
}
