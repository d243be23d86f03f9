import { assert } from "@effect/vitest"
import { Records, type View, ViewStore } from "@hexfold/core"
import { Effect, Exit } from "effect"
import type { Node } from "../nodes.ts"
import { keys, letter, type Outcome, sorted } from "./generated.ts"

type Stores = Pick<Node, "projectionStore" | "viewStore">

/** The outcome that a store has of a view. */
const outcomeOf = Effect.fnUntraced(function* ({ projectionStore, viewStore }: Stores, { name, version }: View.Any) {
  const generation = { view: name, version }
  const { states } = yield* projectionStore.load(generation, keys)
  const letters = yield* projectionStore.deadLetters(generation)
  const failures = letters.map(({ error }) => error)
  const statuses = yield* viewStore.status
  const parts = statuses.filter(({ replaced, view }) => view === name && !replaced).flatMap((each) => each.parts)
  // What a view has kept, it can always load again.
  for (const error of [...failures, ...parts.map(({ failure }) => failure?.error)]) {
    assert.notStrictEqual(error?.step, "load", error?.cause)
  }
  const outcome: Outcome = {
    records: sorted(Array.from(states, ([key, state]) => [key, JSON.stringify(state)] as const)),
    stopped: parts.find(({ failure }) => failure !== undefined)?.failure?.position,
    deadLetters: letters.map(({ key, parked, position }) => letter(position, key, parked))
  }
  return outcome
})

export const assertOutcome = Effect.fnUntraced(function* (
  stores: Stores,
  view: View.Any,
  expected: Outcome,
  message: string
) {
  assert.deepStrictEqual(yield* outcomeOf(stores, view), expected, message)
  // A view that an event has stopped before it has caught up does not answer.
  if (expected.stopped !== undefined) return
  // A reader can decode all of them.
  const reading = Effect.provideService(Records.getMany(view, keys), ViewStore.ViewStore, stores.viewStore)
  const read = yield* Effect.exit(reading)
  assert.isTrue(Exit.isSuccess(read), `every record can be decoded: ${message}`)
})
