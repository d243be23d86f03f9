import { assert } from "@effect/vitest"
import { Projection, type View } from "@hexfold/core"
import { Effect, Fiber, Layer, Stream } from "effect"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import { monitored } from "../monitored.ts"
import {
  add,
  type Counted,
  type Entries,
  isFolded,
  job,
  law,
  load,
  newTally,
  projecting,
  quick,
  reaches,
  recordsOf,
  settles,
  statusOf,
  until,
  viewOf
} from "./tallies.ts"
import { type TroubledNode, three, two } from "./trouble.ts"

/** A view that cannot apply one number until it is mended. */
const poisoned = (onPoison: View.OnPoison) => {
  const hands = { broken: true }
  const tally = newTally()
  const view = viewOf(tally, { onPoison, isPoison: (n) => hands.broken && n === poison })
  const mend = Effect.sync(() => void (hands.broken = false))
  return { tally, view, other: viewOf(tally, { name: "Others" }), mend }
}

const poison = -13

const isSound = ({ event }: Counted) => event.n !== poison

/** What a view does about events that cannot be applied. */
export const poisoning: Cases = {
  "the view stops at the event and reports it, and other views go on; mended, it applies that event and all later ones":
    Effect.gen(function* () {
      const { mend, other, tally, view } = poisoned("stop")
      const [node, writer] = yield* two
      const writing = yield* load([writer], tally)
      yield* Effect.forkScoped(node.run(Layer.launch(Projection.layer([view, other], quick))))
      const before = yield* add(writer, tally, "s1", 1)
      yield* reaches(writer, [view, other], before)
      const position = yield* add(writer, tally, "s1", poison)
      yield* eventually(
        "the view says that it has stopped",
        Effect.map(writer.run(monitored(view)), ({ state }) => state === "failed")
      )
      const [stopped] = yield* statusOf(writer, view)
      assert.include(stopped?.parts[0]?.failure, { position, type: "Added" })
      assert.strictEqual(stopped?.position, position - 1)
      yield* settles(writer, tally, other, writing)
      const past = yield* law(writer, tally, view, (event) => event.position < position)
      assert.deepStrictEqual(yield* recordsOf(writer, view), past)
      yield* mend
      yield* writer.run(Projection.catchUp(view, job))
      yield* isFolded(writer, tally, view)
      assert.isUndefined((yield* statusOf(writer, view))[0]?.parts[0]?.failure)
    }),

  "the view skips the event, with a dead letter for each of its keys": Effect.gen(function* () {
    const { tally, view } = poisoned("skip")
    const [node, writer] = yield* two
    const writing = yield* load([writer], tally)
    yield* projecting(node, view)
    const skipped = [yield* add(writer, tally, "s1", poison), yield* add(writer, tally, "s2", poison)]
    yield* until("more is written", () => writing.written() > 100)
    const position = yield* writing.stop
    yield* reaches(writer, view, Math.max(position, ...skipped))
    assert.deepStrictEqual(yield* recordsOf(writer, view), yield* law(writer, tally, view, isSound))
    const deadLetters = yield* writer.run(Stream.runCollect(Projection.deadLetters(view)))
    assert.deepStrictEqual(
      deadLetters.map(({ key, parked, position }) => ({ key, parked, position })),
      skipped.flatMap((position, i) => ["all", `s${i + 1}`].map((key) => ({ key, parked: false, position })))
    )
  }),

  "the view parks keys, which are retried while the owner goes on": Effect.gen(function* () {
    const { mend, tally, view } = poisoned("park")
    const [owner, writer, operator] = yield* three
    const writing = yield* load([writer], tally)
    yield* projecting(owner, view, { batch: 5 })
    const position = yield* add(writer, tally, "s1", poison)
    yield* reaches(writer, view, position)
    const retried = yield* operator.run(Projection.retryParked(view, { keys: ["s1"] }))
    assert.strictEqual(retried.applied, 0)
    assert.include(retried.parked[0], { key: "s1", position })
    yield* until("more waits", () => writing.written() > 100)
    yield* mend
    // The key `all` gets a dead letter with each event, so a commit of the owner sometimes comes before the retry.
    const retrying = Effect.all(
      [1, 2, 3].map(() => operator.run(Effect.ignore(Projection.retryParked(view)))),
      {
        concurrency: "unbounded"
      }
    )
    yield* eventually(
      "nothing is parked",
      Effect.andThen(
        retrying,
        Effect.map(parkedOf(operator, view), (parked) => parked === 0)
      )
    )
    yield* settles(writer, tally, view, writing)
    assert.strictEqual(yield* parkedOf(operator, view), 0)
  }),

  "the view parks keys of parts whose owners change": Effect.gen(function* () {
    const { mend, tally, view } = poisoned("park")
    const [first, second, writer] = yield* three
    const writing = yield* load([writer], tally)
    const running = yield* projecting(first, view, { parts: 3, batch: 5 })
    for (const id of ["s1", "s2", "s3", "s4"]) yield* add(writer, tally, id, poison, 1)
    const position = yield* add(writer, tally, "s5", poison, 1)
    yield* reaches(writer, view, position)
    yield* projecting(second, view, { parts: 3, batch: 5 })
    first.trouble = "gone"
    yield* Fiber.interrupt(running)
    yield* until("more waits", () => writing.written() > 100)
    yield* mend
    yield* eventually(
      "nothing is parked",
      Effect.andThen(
        Effect.ignore(writer.run(Projection.retryParked(view))),
        Effect.map(parkedOf(writer, view), (parked) => parked === 0)
      )
    )
    yield* settles(writer, tally, view, writing)
  })
}

/** The number of keys that are parked. */
const parkedOf = ({ projectionStore }: TroubledNode, { name, version }: Entries) =>
  Effect.map(projectionStore.deadLetters({ view: name, version }, "count"), ({ parked }) => parked)
