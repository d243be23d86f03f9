import { beforeEach, describe, expect, it } from "@effect/vitest"
import { Projection, ProjectionStore, View } from "@hexfold/core"
import { Effect, Exit, Layer, Metric, Schema } from "effect"
import fc from "fast-check"
import { Account } from "../../support/account.ts"
import {
  type Boxes,
  boxes,
  breakAll,
  hands,
  law,
  lawOfPoison,
  deadLetters,
  mend,
  pairs,
  put,
  records
} from "../../support/poisoned.ts"
import { connection, deposited, reaches, statusOf, stores } from "../../support/projected.ts"

beforeEach(() => Effect.runSync(breakAll))

/** Those of the records with these keys that a projection has written, also one that has stopped before it caught up. */
const writtenOf = ({ name, version }: View.Any, keys: ReadonlyArray<string>) =>
  Effect.flatMap(ProjectionStore.ProjectionStore, ({ load }) =>
    Effect.map(load({ view: name, version }, keys), ({ states }) => Object.fromEntries(states))
  )

/** The steps of a log, with projections between them that stop and start again. */
const stepsOf = (view: Boxes, numbers: ReadonlyArray<number>) =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom(...numbers)) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 9 }).map((batch) => Projection.catchUp(view, { batch })) }
    ),
    { maxLength: 50 }
  )

const all = Array.from({ length: 10 }, (_, n) => n)

const cases = [
  { view: boxes("skip"), numbers: all },
  { view: pairs("skip"), numbers: all },
  { view: boxes("park"), numbers: all },
  // Without the event that has no keys.
  { view: pairs("park"), numbers: all.filter((n) => n !== 6 && n !== 9) }
].map((each) => [`${each.view.name}, ${each.view.onPoison}`, each] as const)

type Step = readonly [box: string, n: number] | ReturnType<typeof Projection.catchUp>

const perform = (steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    for (const step of steps) yield* "length" in step ? Effect.asVoid(put(...step)) : Effect.asVoid(step)
  })

describe("whatever the batches and the restarts", () => {
  it.effect.each(cases)("the records are those of a fold without the events that failed: %s", ([, { numbers, view }]) =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(stepsOf(view, numbers), fc.integer({ min: 1, max: 9 }), (steps, batch) =>
          Effect.gen(function* () {
            yield* breakAll
            yield* perform(steps)
            yield* Projection.catchUp(view, { batch })
            expect(yield* records(view)).toEqual(yield* lawOfPoison(view))
            const left = yield* deadLetters(view)
            // Once more, in one batch.
            const again = yield* Effect.provide(
              Effect.gen(function* () {
                yield* perform(steps.filter((step) => "length" in step))
                yield* Projection.catchUp(view)
                return yield* deadLetters(view)
              }),
              Layer.fresh(stores)
            )
            expect(left).toEqual(again)
          }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)
        )
      )
    )
  )

  it.effect.each(cases.filter(([, { view }]) => view.onPoison === "park"))(
    "a retry of the parked events after the view was corrected gives the fold over the log: %s",
    ([, { numbers, view }]) =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(stepsOf(view, numbers), stepsOf(view, numbers), (before, after) =>
            Effect.gen(function* () {
              yield* breakAll
              yield* perform(before)
              // First, half of the events are corrected.
              hands.everyFourth = false
              yield* Projection.retryParked(view)
              yield* perform(after)
              yield* mend
              expect((yield* Projection.retryParked(view)).parked).toEqual([])
              yield* Projection.catchUp(view)
              expect(yield* records(view)).toEqual(yield* law(view))
              expect(yield* deadLetters(view)).toEqual([])
            }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)
          )
        )
      )
  )
})

describe("stop", () => {
  it.effect("marks the projection as failed in the store, until it advances again", () =>
    Effect.gen(function* () {
      const view = pairs("stop")
      hands.everyFourth = false
      for (const n of [1, 7, 2]) yield* put("a", n)
      const stopped = { view: "Pairs", position: 2, stream: "Box-a", streamVersion: 2, step: "evolve" }
      for (let i = 0; i < 2; i++) {
        expect(yield* Effect.flip(Projection.catchUp(view))).toMatchObject({ _tag: "ProjectionFailed", ...stopped })
        expect(yield* statusOf(view)).toMatchObject({
          position: 1,
          failure: { position: 2, type: "Put", error: { step: "evolve", cause: "Error: seven" } }
        })
      }
      expect(yield* writtenOf(view, ["a", "all"])).toEqual({ a: { ns: [1], sum: 1 }, all: { ns: [1], sum: 1 } })
      yield* mend
      yield* Projection.catchUp(view)
      expect((yield* statusOf(view))!.failure).toBeUndefined()
      expect(yield* records(view)).toEqual(yield* law(view))
    }).pipe(Effect.provide(stores))
  )

  it.effect("applies an event to all of its records or to none", () =>
    Effect.gen(function* () {
      const view = pairs("stop")
      hands.broken = new Set()
      yield* put("a", 1)
      // For the key `all` the sum 1 + 3 is a fourth; for the key b the sum 3 is not.
      yield* put("b", 3)
      yield* Effect.flip(Projection.catchUp(view))
      expect(Object.keys(yield* writtenOf(view, ["a", "b", "all"]))).toEqual(["a", "all"])
    }).pipe(Effect.provide(stores))
  )

  const causes = [
    ["a text with NUL", "a\0b", "a\uFFFDb"],
    ["half a surrogate pair", "a\uD800b", "a\uFFFDb"],
    ["one that is cut in half", `${"x".repeat(1_999)}\u{1F600}`, `${"x".repeat(1_999)}\uFFFD`],
    ["a long one", "x".repeat(5_000), "x".repeat(2_000)],
    ["no text", Object.create(null), "an error without a text"]
  ] as const

  it.effect.each(causes)("keeps an error that is %s", ([, cause, text]) =>
    Effect.gen(function* () {
      const view = View.make("Throwing", {
        from: [Account],
        state: Schema.Int,
        evolve: {
          MoneyDeposited: () => {
            throw cause
          }
        }
      })
      yield* deposited("a", 1)
      expect(Exit.isFailure(yield* Effect.exit(Projection.catchUp(view)))).toBe(true)
      expect((yield* statusOf(view))!.failure!.error).toEqual({ step: "evolve", cause: text })
    }).pipe(Effect.provide(stores))
  )
})

describe("skip", () => {
  it.effect("writes a dead letter for each record that lacks an event, and one for an event without keys", () =>
    Effect.gen(function* () {
      const view = pairs("skip")
      for (const [box, n] of [
        ["a", 1],
        ["b", 3],
        ["a", 6],
        ["a", 9],
        ["b", 2]
      ] as const)
        yield* put(box, n)
      expect(yield* Projection.catchUp(view)).toEqual({ position: 5, events: 3, commits: 1 })
      const letter = (key: string, position: number, stream: string, streamVersion: number, step: string) => ({
        ...{ key, position, history: 1, stream, streamVersion, type: "Put", parked: false },
        error: { step, cause: expect.any(String) }
      })
      expect(yield* deadLetters(view)).toEqual([
        letter("all", 2, "Box-b", 1, "evolve"),
        letter("", 3, "Box-a", 2, "decode"),
        letter("", 4, "Box-a", 3, "key")
      ])
      expect(yield* statusOf(view)).toMatchObject({ skipped: 3, parked: 0, failure: undefined })
      expect(yield* records(view)).toEqual({
        a: { ns: [1], sum: 1 },
        all: { ns: [1, 2], sum: 3 },
        b: { ns: [3, 2], sum: 5 }
      })
    }).pipe(Effect.provide(stores))
  )
})

describe("park", () => {
  it.effect("queues the events of a key after the one that failed, and goes on with other keys", () =>
    Effect.gen(function* () {
      const view = boxes("park")
      hands.everyFourth = false
      for (const [box, n] of [
        ["a", 1],
        ["a", 6],
        ["b", 1],
        ["a", 2]
      ] as const)
        yield* put(box, n)
      yield* Projection.catchUp(view, { batch: 3 })
      expect(yield* deadLetters(view)).toMatchObject([
        { key: "a", position: 2, parked: true, error: { step: "decode" } },
        { key: "a", position: 4, parked: true }
      ])
      expect((yield* deadLetters(view))[1]).not.toHaveProperty("error")
      expect(yield* records(view)).toEqual({ a: { ns: [1], sum: 1 }, b: { ns: [1], sum: 1 } })
      expect(yield* statusOf(view)).toMatchObject({ position: 4, parked: 1, skipped: 0 })
    }).pipe(Effect.provide(stores))
  )

  it.effect.each([
    [6, "decode"],
    [9, "key"]
  ] as const)("stops before an event if its keys are not known: %d", ([n, step]) =>
    Effect.gen(function* () {
      const view = pairs("park")
      for (const each of [7, 1, n]) yield* put("a", each)
      expect(yield* Effect.flip(Projection.catchUp(view))).toMatchObject({ position: 3, step })
      // The commit that stops the view also keeps the events before.
      expect(yield* statusOf(view)).toMatchObject({ position: 2, parked: 2, failure: { position: 3 } })
      yield* mend
      expect(yield* Projection.retryParked(view)).toEqual({ applied: 4, parked: [] })
      expect(yield* statusOf(view)).toMatchObject({ parked: 0, failure: { position: 3 } })
    }).pipe(Effect.provide(stores))
  )

  it.effect.each(["stop", "skip"] as const)("keeps a key parked when `onPoison` becomes %s", (policy) =>
    Effect.gen(function* () {
      hands.everyFourth = false
      yield* put("a", 7)
      yield* Projection.catchUp(boxes("park"))
      yield* put("a", 1)
      yield* Projection.catchUp(boxes(policy))
      expect(yield* deadLetters(boxes(policy))).toMatchObject([{ position: 1 }, { position: 2, parked: true }])
      yield* mend
      yield* Projection.retryParked(boxes(policy))
      expect(yield* records(boxes(policy))).toEqual(yield* law(boxes(policy)))
    }).pipe(Effect.provide(stores))
  )
})

it.effect("the layer goes on with the other views", () =>
  Effect.gen(function* () {
    for (const n of [1, 6, 2]) yield* put("a", n)
    yield* Effect.provide(
      Effect.andThen(reaches(boxes("park"), 3), reaches(pairs("stop"), 1)),
      Projection.layer([pairs("stop"), boxes("park")])
    )
    expect(yield* statusOf(pairs("stop"))).toMatchObject({ failure: { position: 2 } })
  }).pipe(Effect.provide(stores))
)

it.effect("reports its throughput with its commits", () =>
  Effect.gen(function* () {
    const { plain } = yield* connection
    const view = boxes("skip")
    yield* mend
    const slow: typeof plain = {
      ...plain,
      load: (generation, keys) => Effect.andThen(Effect.sleep("2 seconds"), plain.load(generation, keys))
    }
    for (let i = 0; i < 20; i++) yield* Effect.andThen(deposited("a", 1), put("a", 1))
    const working = Effect.provideService(Projection.run(view, { batch: 10 }), ProjectionStore.ProjectionStore, slow)
    yield* Effect.forkChild(working)
    yield* reaches(view, 40)
    expect((yield* statusOf(view))!.throughput).toEqual({ events: 5, positions: 10 })
  }).pipe(Effect.provide(stores))
)

it.effect("counts events, commits, dead letters and failures", () =>
  Effect.gen(function* () {
    hands.everyFourth = false
    const counters = Effect.map(Metric.snapshot, (all) =>
      Object.fromEntries(
        all.flatMap(({ attributes, id, state, type }) =>
          type === "Counter" && id.startsWith("hexfold_projection_")
            ? [[`${id} ${attributes!["view"]}`, state.count]]
            : []
        )
      )
    )
    for (const [box, n] of [
      ["a", 1],
      ["a", 7],
      ["a", 2],
      ["b", 6],
      ["b", 3]
    ] as const)
      yield* put(box, n)
    yield* Projection.catchUp(boxes("park"))
    yield* Effect.flip(Projection.catchUp(pairs("park")))
    hands.broken.delete(7)
    yield* Projection.retryParked(boxes("park"))
    expect(yield* counters).toEqual({
      "hexfold_projection_events_total Boxes": 3,
      "hexfold_projection_commits_total Boxes": 2,
      "hexfold_projection_parked_total Boxes": 4,
      "hexfold_projection_skipped_total Boxes": 0,
      "hexfold_projection_events_total Pairs": 1,
      "hexfold_projection_commits_total Pairs": 1,
      "hexfold_projection_parked_total Pairs": 4,
      "hexfold_projection_skipped_total Pairs": 0,
      "hexfold_projection_failures_total Pairs": 1
    })
  }).pipe(Effect.provide(stores), Effect.provideService(Metric.MetricRegistry, new Map()))
)
