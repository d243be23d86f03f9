import { assert } from "@effect/vitest"
import { Projection, Query, Records } from "@hexfold/core"
import { Duration, Effect, Fiber } from "effect"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import {
  answers,
  type Entries,
  job,
  law,
  load,
  newTally,
  newView,
  owned,
  projecting,
  reaches,
  recordsOf,
  settles,
  statusOf,
  type Tally,
  until,
  viewOf,
  worked
} from "./tallies.ts"
import { open, type TroubledNode, three, two } from "./trouble.ts"

/**
 * Reads a view until `end` is run, by key and by query in turn. Each answer is
 * the fold up to some position, by one version. Neither the position nor the
 * version goes back.
 */
const reading = Effect.fnUntraced(function* (node: TroubledNode, view: Entries) {
  let isOver = false
  let reads = 0
  const byKey = node.run(Records.getMany(view, keys))
  const byQuery = Effect.map(
    node.run(Records.query(view, Query.from(view))),
    ({ rows }) => new Map(rows.map(({ key, state }) => [key, state]))
  )
  const looking = Effect.gen(function* () {
    let seen = { version: 0, positions: [] as ReadonlyArray<number> }
    for (; !isOver; reads++) {
      const states = yield* reads % 2 === 0 ? byKey : byQuery
      const all = states.get("all") ?? seen
      assert.isAtLeast(all.version, seen.version)
      assert.deepStrictEqual(all.positions.slice(0, seen.positions.length), seen.positions)
      const ofStreams = keys.flatMap((key) => (key === "all" ? [] : (states.get(key)?.positions ?? [])))
      if (states.size > 0)
        assert.deepStrictEqual(
          [...ofStreams].sort((a, b) => a - b),
          all.positions
        )
      assert.strictEqual(new Set(Array.from(states.values(), ({ version }) => version)).size, states.size === 0 ? 0 : 1)
      seen = all
      yield* Effect.sleep("1 millis")
    }
  })
  const fiber = yield* Effect.forkScoped(looking)
  return {
    more: Effect.suspend(() => {
      const before = reads
      return until("more is read", () => reads > before + 5 || fiber.pollUnsafe() !== undefined)
    }),
    end: Effect.suspend(() => {
      isOver = true
      return Fiber.join(fiber)
    })
  }
})

const keys = ["all", ...Array.from({ length: 12 }, (_, i) => `s${i}`)]

/** Drops a version, or one of its builds. */
const dropped = (node: TroubledNode, tally: Tally, version: number, build?: number) => {
  const view = viewOf(tally)
  return node.run(Projection.drop({ view, version, ...(build === undefined ? {} : { build }) }))
}

/** Generations that are built beside those that serve replace them. */
export const rebuilding: Cases = {
  "a rebuild under load replaces the records at once, and readers see no records that go back": Effect.gen(
    function* () {
      const { tally, view } = newView()
      const [owner, builder, reader] = yield* three
      const writing = yield* load([owner, builder], tally)
      yield* projecting(owner, view)
      yield* until("the owner works", () => worked(owner))
      const readers = yield* reading(reader, view)
      let last = 1
      for (let i = 0; i < 2; i++) {
        const { build, replaced } = yield* builder.run(Projection.rebuild(view, { ...job, batch: 7 }))
        assert.isAbove(build, last)
        assert.deepStrictEqual(replaced, { version: 1, build: last })
        const made = owner.commits.length
        yield* until("the owner goes on with the new records", () => owner.commits.slice(made).some(isOf(build)))
        assert.lengthOf(yield* dropped(builder, tally, 1, last), 1)
        yield* readers.more
        last = build
      }
      yield* settles(reader, tally, view, writing)
      yield* readers.end
      const serving = (yield* statusOf(reader, view)).filter(({ serves }) => serves)
      assert.deepStrictEqual(
        serving.map(({ build }) => build),
        [last]
      )
    }
  ),

  "a rebuild under load of the events after a position": Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, builder] = yield* two
    const writing = yield* load([owner, builder], tally)
    yield* projecting(owner, view)
    yield* until("more is written", () => writing.written() > 30)
    yield* answers(builder, view)
    yield* eventually(
      "there is something to leave out",
      Effect.map(recordsOf(builder, view), (all) => Object.keys(all).length > 0)
    )
    const [before] = yield* statusOf(builder, view)
    const after = before!.position
    assert.isAbove(after, 0)
    const { build } = yield* builder.run(Projection.rebuild(view, { ...job, after }))
    const made = owner.commits.length
    yield* until("the owner goes on with the new records", () => owner.commits.slice(made).some(isOf(build)))
    const position = yield* writing.stop
    yield* reaches(builder, view, position)
    const wanted = yield* law(builder, tally, view, (event) => event.position > after)
    assert.deepStrictEqual(yield* recordsOf(builder, view), wanted)
  }),

  "a rebuild whose connection comes and goes ends with the right records": Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, builder] = yield* two
    const writing = yield* load([owner], tally)
    yield* projecting(owner, view)
    yield* until("there is something to build", () => writing.written() > 100)
    // What gets no answer is asked again when a third of the lease is over.
    const options = { ...job, lease: "4 seconds", batch: 7 } as const
    const building = yield* Effect.forkScoped(builder.run(Projection.rebuild(view, options)))
    for (const trouble of ["late", "deaf", "down"] as const) {
      const made = builder.commits.length
      yield* until("it goes on", () => worked(builder, made) || building.pollUnsafe() !== undefined)
      builder.trouble = trouble
      yield* Effect.sleep("50 millis")
      builder.trouble = "none"
      yield* builder.deliver
    }
    assert.isAbove((yield* Fiber.join(building)).build, 1)
    yield* settles(owner, tally, view, writing)
  }),

  "a new version is built under load beside the former one, readers of each see its own records, and the former is dropped":
    Effect.gen(function* () {
      const tally = newTally()
      const [first, second] = [viewOf(tally), viewOf(tally, { version: 2 })]
      const [old, next, reader] = yield* three
      const writing = yield* load([old, next], tally)
      const running = yield* projecting(old, first)
      yield* until("there is something to build", () => writing.written() > 50 && worked(old))
      const readers = yield* reading(reader, first)
      yield* projecting(next, second, { batch: 7 })
      yield* eventually(
        "the new version serves",
        Effect.map(statusOf(reader, second), (all) => all.some(({ serves, version }) => serves && version === 2))
      )
      yield* readers.more
      const later = yield* reading(reader, second)
      yield* later.more
      yield* readers.end
      yield* Fiber.interrupt(running)
      const claim = { generation: { view: first.name, version: 1 }, owner: "another", lease: Duration.minutes(2) }
      yield* owned(old, claim)
      const refused = yield* Effect.flip(dropped(reader, tally, 1))
      assert.deepInclude(refused, { _tag: "DropRefused", reason: "Owned" })
      yield* old.projectionStore.claim({ ...claim, lease: Duration.zero })
      assert.lengthOf(yield* dropped(reader, tally, 1), 1)
      assert.deepInclude(yield* Effect.flip(dropped(reader, tally, 2)), { _tag: "DropRefused", reason: "Serves" })
      yield* later.more
      yield* settles(reader, tally, second, writing)
      yield* later.end
      assert.lengthOf(yield* statusOf(reader, second), 1)
    }),

  "a new version in parts serves when all parts have caught up": Effect.gen(function* () {
    const tally = newTally()
    const [first, second] = [viewOf(tally), viewOf(tally, { version: 2 })]
    const [old, next] = yield* two
    const late = yield* open
    const writing = yield* load([old, next], tally)
    yield* projecting(old, first)
    yield* until("there is something to build", () => writing.written() > 50 && worked(old))
    // Nobody works on the last part, so the other two are alone in catching up.
    const claim = { generation: { view: second.name, version: 2 }, owner: "another", lease: Duration.minutes(5) }
    const last = { ...claim, part: { index: 2, of: 3 } }
    yield* owned(late, last)
    const { position: reached } = (yield* statusOf(next, first)).find(({ version }) => version === 1)!
    assert.isAbove(reached, 0)
    const options = { parts: 3, maxParts: 2, batch: 7 }
    yield* projecting(next, second, options)
    yield* eventually(
      "two parts have caught up",
      Effect.map(statusOf(next, second), (all) => {
        const { parts, serves } = all.find(({ version }) => version === 2)!
        assert.deepStrictEqual([serves, parts[2]!.position], [false, 0])
        return parts.slice(0, 2).every(({ position }) => position >= reached)
      })
    )
    yield* late.projectionStore.claim({ ...last, lease: Duration.zero })
    yield* projecting(late, second, options)
    yield* eventually(
      "it serves",
      Effect.map(statusOf(next, second), (all) => all.some(({ serves, version }) => serves && version === 2))
    )
    yield* settles(next, tally, second, writing)
  })
}

const isOf = (build: number) => (commit: TroubledNode["commits"][number]) => commit.owner.generation.build === build
