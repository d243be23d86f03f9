import { assert } from "@effect/vitest"
import { Projection, type ProjectionStore } from "@hexfold/core"
import { DateTime, Duration, Effect, Fiber, Stream } from "effect"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import {
  all,
  AllParking,
  AllStruck,
  assertLaw,
  async,
  catchUp,
  inline,
  isInline,
  NextStruck,
  notes,
  on,
  openWith,
  poison,
  recordsOf,
  viewsOf
} from "./notes.ts"
import { appendOne } from "../eventStore/appendOne.ts"

/** Appends until `stop` is run; `more` waits until some more appends are done. */
const load = (node: Node, name: string) =>
  Effect.gen(function* () {
    let n = 0
    let stopped = false
    const loading = yield* Effect.forkChild(
      Effect.whileLoop({
        while: () => !stopped,
        body: () =>
          Effect.forEach(
            Array.from({ length: 5 }, (_, i) => i),
            (i) => appendOne(node.eventStore, notes({ [`${name}${i}`]: [n++], shared: [n] })),
            { concurrency: "unbounded" }
          ).pipe(Effect.andThen(Effect.yieldNow)),
        step: () => {}
      })
    )
    const stop = Effect.andThen(
      Effect.sync(() => (stopped = true)),
      Fiber.join(loading)
    )
    return { stop, more: Effect.suspend(() => waitUntil(() => n, n + 20)) }
  })

const waitUntil = (count: () => number, target: number) =>
  Effect.whileLoop({ while: () => count() < target, body: () => Effect.sleep("1 millis"), step: () => {} })

/** Promise 8: whatever makes an inline view async, each event is applied once. */
export const switching: Cases = {
  "8 an event that cannot be applied does not fail its append; the projection stops at it": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    yield* catchUp(one, all(inline))
    yield* appendOne(one.eventStore, notes({ a: [1] }))
    const appends = yield* Effect.forEach(
      [notes({ a: [2] }), notes({ b: [poison] }), notes({ c: [3] })],
      (append) => appendOne(one.eventStore, append),
      { concurrency: "unbounded" }
    )
    const { position } = appends[1]!.events[0]!
    assert.isFalse(yield* isInline(one, inline.All))
    for (const view of [inline.Each, inline.History]) {
      assert.isTrue(yield* isInline(one, view))
      yield* assertLaw(one, view)
    }
    const failed = yield* Effect.flip(catchUp(one, [inline.All]))
    assert.deepInclude(failed, { _tag: "ProjectionFailed", position, step: "evolve" })
    yield* assertLaw(one, inline.All, position - 1)
    assert.isFalse(yield* isInline(one, inline.All))
  }),

  "8 an append of a process that does not know a view makes the view async, and nothing is lost": needs(
    "otherProcesses"
  )(function* () {
    const one = yield* openWith(all(inline))
    for (const stranger of [
      yield* openWith([]),
      yield* openWith([async.All]),
      yield* openWith(all(viewsOf("inline", 2)))
    ]) {
      yield* catchUp(one, all(inline))
      yield* appendOne(one.eventStore, notes({ a: [1] }))
      yield* appendOne(stranger.eventStore, notes({ a: [2], b: [3] }))
      for (const view of all(inline)) assert.isFalse(yield* isInline(one, view))
      yield* appendOne(one.eventStore, notes({ a: [4] }))
      yield* catchUp(one, all(inline))
      for (const view of all(inline)) {
        assert.isTrue(yield* isInline(one, view))
        yield* assertLaw(one, view)
      }
    }
  }),

  "8 a view that appends no longer maintain knows the history of its position": needs(
    "otherProcesses",
    "lostCommits"
  )(function* () {
    const [one, stranger] = [yield* openWith([inline.All]), yield* openWith([])]
    yield* catchUp(one, [inline.All])
    for (const n of [1, 2, 3]) yield* appendOne(one.eventStore, notes({ a: [n] }))
    yield* appendOne(stranger.eventStore, notes({ a: [4] }))
    assert.isFalse(yield* isInline(one, inline.All))
    yield* one.loseLast(2)
    // The log grows beyond the position of the view, so only its history tells that the log has lost it.
    for (const n of [5, 6, 7]) yield* appendOne(stranger.eventStore, notes({ b: [n] }))
    const failed = yield* Effect.flip(catchUp(one, [inline.All]))
    assert.nestedPropertyVal(failed, "reason._tag", "PositionFromAnotherHistory")
  }),

  "8 a process with another definition of the same version applies no event that the others do not apply": needs(
    "otherProcesses"
  )(function* () {
    const [one, two] = [yield* openWith([inline.All]), yield* openWith([AllStruck])]
    yield* catchUp(one, [inline.All])
    yield* appendOne(one.eventStore, notes({ a: [1] }))
    yield* appendOne(two.eventStore, notes({ a: [2] }, undefined, undefined, "Struck"))
    yield* appendOne(two.eventStore, notes({ a: [3] }))
    // Only a rebuild takes the version over for another definition.
    yield* on(two, Projection.rebuild(AllStruck))
    assert.isTrue(yield* isInline(two, AllStruck))
    // This node remembers the view, and does not look it up again before it appends.
    yield* appendOne(one.eventStore, notes({ a: [4] }, undefined, undefined, "Struck"))
    assert.isFalse(yield* isInline(one, AllStruck))
    yield* catchUp(two, [AllStruck])
    const { all } = yield* recordsOf(two, AllStruck)
    assert.strictEqual(all?.sum, 10)
  }),

  "8 a view is switched between inline and async under load without a rebuild": needs("otherProcesses")(function* () {
    const nodes = yield* Effect.all([openWith(all(inline)), openWith(all(inline)), openWith([])])
    const [one, two] = nodes
    const loads = yield* Effect.all([load(one, "one"), load(two, "two")])
    for (let round = 0; round < 4; round++) {
      yield* catchUp(two, all(async))
      yield* loads[round % 2]!.more
      yield* catchUp(one, all(inline))
      yield* loads[(round + 1) % 2]!.more
      // A node that does not know the views appends once.
      if (round === 2) yield* appendOne(nodes[2].eventStore, notes({ shared: [1], stranger: [2] }))
    }
    for (const { stop } of loads) yield* stop
    yield* catchUp(one, all(inline))
    for (const view of all(inline)) yield* assertLaw(two, view)
  }),

  "8 two processes that promote a view at one moment both leave it right": needs("otherProcesses")(function* () {
    const [one, two] = [yield* openWith(all(inline)), yield* openWith(all(inline))]
    const { more, stop } = yield* load(one, "one")
    for (let round = 0; round < 5; round++) {
      yield* Effect.all([catchUp(one, all(inline)), catchUp(two, all(inline))], { concurrency: "unbounded" })
      for (const view of all(inline)) assert.isTrue(yield* isInline(one, view))
      yield* more
      yield* catchUp(two, all(async))
    }
    yield* stop
    yield* catchUp(two, all(inline))
    for (const view of all(inline)) yield* assertLaw(one, view)
  }),

  "8 a claim of a part of a view makes the view async": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    yield* catchUp(one, all(inline))
    yield* appendOne(one.eventStore, notes({ a: [1] }))
    const generation = { view: "Each", version: 1 }
    const claim = { generation, owner: "one", lease: Duration.minutes(1), inline: true }
    const part = { index: 0, of: 2 }
    const { position } = (yield* one.viewStore.status).find(({ view }) => view === "Each")!
    const claimed = yield* one.projectionStore.claim({ ...claim, part })
    assert.deepInclude(claimed, { _tag: "Owned", inline: false, position })
    assert.isFalse(yield* isInline(one, inline.Each))
  }),

  "8 a view with parked keys or in parts is not left to appends": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    const { events } = yield* appendOne(one.eventStore, notes({ a: [1] }))
    const letter = {
      position: 1,
      history: 1,
      stream: events[0]!.streamId,
      streamVersion: 1,
      type: "Noted",
      at: DateTime.makeUnsafe(0),
      key: "a",
      parked: true,
      error: { step: "evolve", cause: "too much" }
    }
    for (const [view, part] of [
      [inline.Each, undefined],
      [inline.All, { index: 0, of: 2 }]
    ] as const) {
      const generation = { view: view.name, version: 1 }
      const whole = part === undefined ? {} : { part }
      const claim = { generation, owner: "one", lease: Duration.minutes(1), inline: true, ...whole }
      const claimed = yield* one.projectionStore.claim(claim)
      assert.ok(claimed._tag === "Owned")
      const { epoch, position: from } = claimed
      const deadLetters = { put: part === undefined ? [letter] : [], remove: [] }
      yield* one.projectionStore.commit({
        owner: { generation, epoch },
        from,
        to: from + 1,
        deadLetters,
        asks: "serve inline"
      })
      assert.isFalse(yield* isInline(one, view))
    }
  }),

  "8 a build that lags the one which appends maintain does not take over": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    const { events } = yield* appendOne(one.eventStore, notes({ a: [1] }))
    yield* catchUp(one, [inline.Each])
    const later = yield* appendOne(one.eventStore, notes({ a: [2] }))
    const generation = { view: "Each", version: 1, build: 2 }
    const claimed = yield* one.projectionStore.claim({ generation, owner: "two", lease: Duration.minutes(1) })
    assert.ok(claimed._tag === "Owned")
    const { epoch } = claimed
    const places = [0, events[0]!.position, later.events[0]!.position] as const
    for (const i of [0, 1] as const) {
      const [from, to] = [places[i], places[i + 1]!]
      yield* one.projectionStore.commit({ owner: { generation, epoch }, from, to, asks: "serve" })
      yield* assertServed(one, "Each", i + 1)
    }
  }),

  "8 a later build takes over from one that appends maintain, and does not lag it when it does": needs(
    "otherProcesses"
  )(function* () {
    const [one, two] = [yield* openWith(all(inline)), yield* openWith(all(inline))]
    yield* appendOne(one.eventStore, notes({ a: [1], b: [2] }))
    yield* catchUp(one, all(inline))
    const { more, stop } = yield* load(one, "one")
    yield* more
    // The new build is made while appends maintain the former one, and takes over whether or not they stop.
    for (const view of all(inline)) {
      const { build, position } = yield* on(two, Projection.rebuild(view, { pause: "10 millis" }))
      assert.strictEqual(build, 2)
      assert.isAbove(position, 0)
      yield* assertServed(two, view.name, 2)
    }
    yield* stop
    yield* catchUp(two, all(inline))
    for (const view of all(inline)) yield* assertLaw(two, view)
    yield* catchUp(one, all(inline))
    for (const view of all(inline)) yield* assertServed(two, view.name, 2)
  }),

  "8 a build that appends cannot maintain takes over too, while appends go on": needs("otherProcesses")(function* () {
    const [one, two] = [yield* openWith([AllStruck]), yield* openWith([AllParking])]
    yield* appendOne(one.eventStore, notes({ a: [poison] }))
    yield* catchUp(one, [AllStruck])
    const commit = (commit: ProjectionStore.Commit) =>
      commit.asks === "serve inline"
        ? Effect.andThen(Effect.orDie(appendOne(one.eventStore, notes({ a: [1] }))), two.projectionStore.commit(commit))
        : two.projectionStore.commit(commit)
    const rebuilding = on(
      { ...two, projectionStore: { ...two.projectionStore, commit } },
      Projection.rebuild(AllParking)
    )
    const { build } = yield* Effect.timeout(rebuilding, "2 minutes")
    assert.strictEqual(build, 2)
    assert.isFalse(yield* isInline(one, AllStruck))
    yield* appendOne(one.eventStore, notes({ a: [2] }))
    yield* catchUp(two, [AllParking])
    assert.deepStrictEqual(yield* recordsOf(two, AllParking), {})
    const waiting = yield* two.projectionStore.deadLetters({ view: "All", version: 1, build })
    assert.strictEqual(waiting.length, (yield* Stream.runCollect(one.eventStore.readAll())).length)
  }),

  "8 an earlier version that appends cannot maintain leaves the version that serves inline": needs("otherProcesses")(
    function* () {
      const [one, two] = [yield* openWith([AllParking]), yield* openWith([NextStruck])]
      yield* appendOne(one.eventStore, notes({ a: [poison] }))
      yield* catchUp(one, [AllParking])
      yield* catchUp(two, [NextStruck])
      yield* catchUp(one, [AllParking])
      assert.isTrue(yield* isInline(two, NextStruck))
    }
  )
}

/** The only version of a view is answered by a build. */
const assertServed = ({ viewStore }: Node, view: string, build: number) =>
  Effect.map(viewStore.status, (all) =>
    assert.strictEqual(all.find((each) => each.view === view && each.serves)?.build, build)
  )
