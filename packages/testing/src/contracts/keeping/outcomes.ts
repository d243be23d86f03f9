import { assert } from "@effect/vitest"
import { Records, type View, ViewStore } from "@hexfold/core"
import { Effect, Exit } from "effect"
import { keys, letter, type Outcome, sorted } from "./generated.ts"

/** The outcome that a store has of a view. */
const outcomeOf = Effect.fnUntraced(function* (
  store: ViewStore.ViewStore["Service"],
  { name, version }: View.Any
) {
  const generation = { view: name, version }
  const { states } = yield* store.load(generation, keys)
  const letters = yield* store.deadLetters(generation)
  const failures = letters.map(({ error }) => error)
  const statuses = yield* store.status
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
  store: ViewStore.ViewStore["Service"],
  view: View.Any,
  expected: Outcome,
  message: string
) {
  assert.deepStrictEqual(yield* outcomeOf(store, view), expected, message)
  // A reader can decode all of them.
  const read = yield* Effect.exit(Effect.provideService(Records.getMany(view, keys), ViewStore.ViewStore, store))
  assert.isTrue(Exit.isSuccess(read), `every record can be decoded: ${message}`)
})
