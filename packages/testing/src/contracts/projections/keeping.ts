import { assert } from "@effect/vitest"
import { Projection, View } from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Effect, Result, Schema, SchemaGetter } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { assertOutcome } from "../keeping/outcomes.ts"
import { append, expected, generate, type Kept, logOf, nameOf, viewOf } from "../keeping/generated.ts"
import type { Cases } from "../plan.ts"
import { add, newTally } from "./tallies.ts"
import { open, type TroubledNode } from "./trouble.ts"

// A short lease ends on a busy machine, and its owner gives up what takes longer.
const patient = { lease: "1 minute", pause: "20 millis" } as const

/** The next event gets what the store keeps, and not what the handler has returned. */
export const keeping: Cases = {
  "the same events make the same records, byte for byte, wherever batches end, also in a rebuild": Effect.gen(
    function* () {
      const node = yield* open
      for (const kept of generate(8)) yield* isKept(node, kept)
    }
  ),

  "an event that makes a record which could not be read back stops the view, is skipped, or parks the key": Effect.gen(
    function* () {
      const node = yield* open
      for (const make of unkept) {
        for (const onPoison of ["stop", "skip", "park"] as const) yield* isRefused(node, make, onPoison)
      }
    }
  )
}

/** States that no store keeps: each is too large, too deep, not JSON, refused by its schema, or another one when it is decoded. */
const unkept: ReadonlyArray<() => typeof Page.Type> = [
  () => ({ ...page, text: "x".repeat(CommitCheck.maxRecordBytes) }),
  () => ({ ...page, json: Array.from({ length: 1_001 }).reduce<Schema.Json>((json) => [json], null) }),
  () => ({ ...page, text: "\0" }),
  () => ({ ...page, json: { "\ud800": 1 } }),
  () => ({ ...page, count: 0.5 }),
  () => ({ ...page, lower: "Ann" })
]

const lower = Schema.String.pipe(
  Schema.decode({
    decode: SchemaGetter.transform((text: string) => text.toLowerCase()),
    encode: SchemaGetter.passthrough()
  })
)

const Page = Schema.Struct({ text: Schema.String, count: Schema.Int, lower, json: Schema.Json })

const page: typeof Page.Type = { text: "", count: 0, lower: "ann", json: null }

const isRefused = Effect.fnUntraced(function* (
  node: TroubledNode,
  make: () => typeof Page.Type,
  onPoison: View.OnPoison
) {
  const tally = newTally()
  const view = View.make(`Pages_${tally.name}`, {
    from: [tally],
    onPoison,
    state: Page,
    evolve: { Added: (before, { n }) => (n === 0 ? make() : { ...page, count: (before?.count ?? 0) + n }) }
  })
  yield* add(node, tally, "a", 1)
  yield* add(node, tally, "b", 1)
  const position = yield* add(node, tally, "a", 0)
  yield* add(node, tally, "a", 1)
  yield* add(node, tally, "b", 1)
  for (const batch of [1_000, 1]) {
    if (batch === 1) yield* node.run(Effect.ignore(Projection.rebuild(view, { ...patient, batch })))
    const caughtUp = yield* Effect.result(node.run(Projection.catchUp(view, { ...patient, batch })))
    const failure = Result.isFailure(caughtUp) ? caughtUp.failure : undefined
    if (onPoison === "stop") {
      assert.strictEqual(failure?._tag, "ProjectionFailed")
      assert.include(failure, { position, step: "encode" })
    } else assert.isUndefined(failure)
    const { states } = yield* node.projectionStore.load({ view: view.name, version: 1 }, ["a", "b"])
    const counts = Array.from(states, ([key, state]) => [key, (state as { readonly count: number }).count])
    assert.deepStrictEqual(Object.fromEntries(counts), {
      a: onPoison === "skip" ? 2 : 1,
      b: onPoison === "stop" ? 1 : 2
    })
    const letters = yield* node.projectionStore.deadLetters({ view: view.name, version: 1 })
    assert.deepStrictEqual(
      letters.map(({ error, key, parked }) => [key, parked, error?.step]),
      onPoison === "stop" ? [] : onPoison === "skip" ? [["a", false, "encode"]] : [["a", true, "encode"], ["a", true, undefined]] // prettier-ignore
    )
  }
})

const isKept = Effect.fnUntraced(function* (node: TroubledNode, kept: Kept) {
  for (const n of kept.ns) yield* appendOne(node.eventStore, append(kept, [n]))
  const log = yield* logOf(node.eventStore, kept)
  for (const batch of [1, 1_000]) {
    const view = viewOf(kept, `Batch${batch}`)
    const message = `batch ${batch} of ${nameOf(kept)}`
    const outcome = expected(kept, log)
    const caughtUp = yield* Effect.result(node.run(Projection.catchUp(view, { ...patient, batch })))
    if (Result.isFailure(caughtUp)) assert.strictEqual(caughtUp.failure._tag, "ProjectionFailed", message)
    yield* assertOutcome(node, view, outcome, message)
    if (outcome.stopped !== undefined) continue
    assert.deepStrictEqual((yield* node.run(Projection.verify(view))).differences, [], message)
    if (batch === 1) continue
    yield* node.run(Projection.rebuild(view, { ...patient, batch: 3 }))
    yield* assertOutcome(node, view, outcome, `a rebuild after ${message}`)
  }
})
