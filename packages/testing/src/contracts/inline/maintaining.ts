import { assert } from "@effect/vitest"
import { Projection, View } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Duration, Effect, Exit, Fiber } from "effect"
import { type Cases, needs } from "../plan.ts"
import { all, assertLaw, async, catchUp, inline, isInline, notes, on, openWith, recordsOf } from "./notes.ts"
import { appendOne } from "../eventStore/appendOne.ts"
import { appendTo, events, newStream } from "../eventStore/streams.ts"

const together = { concurrency: "unbounded" } as const

/** Promise 8: events that are committed are in the records. */
export const maintaining: Cases = {
  "8 a record is there as soon as the append returns": needs("otherProcesses")(function* () {
    const one = yield* openWith(all(inline))
    yield* appendOne(one.eventStore, notes({ a: [1, 2], b: [3] }))
    yield* catchUp(one, all(inline))
    for (const view of all(inline)) assert.isTrue(yield* isInline(one, view))
    const other = yield* openWith(all(inline))
    for (let n = 1; n <= 12; n++) {
      yield* appendOne(other.eventStore, notes({ a: [n], c: [n, n + 1] }))
      for (const view of all(inline)) yield* assertLaw(one, view)
    }
    for (const view of all(inline)) assert.isTrue(yield* isInline(one, view))
  }),

  "8 hundreds of concurrent appends from three nodes are applied once and in order": needs("otherProcesses")(
    function* () {
      const nodes = yield* Effect.all([openWith(all(inline)), openWith(all(inline)), openWith(all(inline))])
      yield* catchUp(nodes[0], all(inline))
      yield* Effect.forEach(
        Array.from({ length: 450 }, (_, i) => i),
        (i) =>
          Effect.gen(function* () {
            const node = nodes[i % 3]!
            // Few appends share a stream with another node. No lock of a stream keeps the others in order.
            const ns = { [`n${i % 30}`]: [i, i + 1], ...(i % 14 === 0 ? { [`m${i % 4}`]: [i] } : {}) }
            const appended = yield* Effect.exit(
              appendOne(node.eventStore, notes(ns, i % 5 === 0 ? Expectation.noStream : Expectation.any))
            )
            if (Exit.isFailure(appended)) return
            const history = yield* node.viewStore.load(
              { view: "History", version: 1 },
              appended.value.events.map((event) => View.perEvent(event, event))
            )
            const kept = appended.value.events.filter(({ data }) => (data as { n: number }).n % 11 !== 10)
            assert.strictEqual(history.states.size, kept.length)
          }),
        together
      )
      for (const view of all(inline)) {
        yield* assertLaw(nodes[1], view)
        assert.isTrue(yield* isInline(nodes[2], view))
      }
    }
  ),

  "8 conflicts and repeats among other appends apply nothing": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    yield* catchUp(one, all(inline))
    yield* appendOne(one.eventStore, notes({ a: [1] }, Expectation.noStream, { id: "first", fingerprint: "a" }))
    const exits = yield* Effect.forEach(
      [
        notes({ a: [2] }, Expectation.noStream),
        notes({ b: [3] }, Expectation.any, { id: "first", fingerprint: "a" }),
        notes({ c: [4] }),
        notes({ d: [5], a: [6] }, Expectation.noStream),
        notes({ e: [7] }, Expectation.any, { id: "second", fingerprint: "e" })
      ],
      (append) => Effect.exit(appendOne(one.eventStore, append)),
      together
    )
    assert.deepStrictEqual(exits.map(Exit.isSuccess), [false, true, true, false, true])
    for (const view of all(inline)) yield* assertLaw(one, view)
    assert.deepStrictEqual(Object.keys(yield* recordsOf(one, inline.Each)).sort(), ["a", "c", "e"])
  }),

  "8 appends that are interrupted are in the records if they are in the log": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    yield* catchUp(one, all(inline))
    for (let round = 0; round < 20; round++) {
      const appending = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => i),
        (i) => Effect.forkChild(appendOne(one.eventStore, notes({ [`n${i}`]: [round] })), { startImmediately: true })
      )
      for (let i = 0; i < round; i++) yield* Effect.yieldNow
      yield* Fiber.interruptAll(appending)
    }
    // Waits for the appends under way, which write the same streams.
    yield* appendOne(one.eventStore, notes(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, [1]]))))
    for (const view of all(inline)) yield* assertLaw(one, view)
  }),

  "8 an append inside a transaction maintains views with it, or not at all": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    const [one, other] = [yield* openWith(all(inline)), yield* openWith(all(inline))]
    const { transaction } = one
    yield* catchUp(other, all(inline))
    const appending = (fails: boolean) =>
      transaction(
        Effect.gen(function* () {
          yield* appendOne(one.eventStore, notes({ a: [1] }))
          yield* appendOne(one.eventStore, notes({ a: [2], b: [3] }))
          assert.strictEqual(Object.keys(yield* recordsOf(one, inline.Each)).length, 2)
          if (fails) return yield* Effect.fail("undone" as const)
        })
      )
    assert.strictEqual(yield* Effect.flip(appending(true)), "undone")
    assert.deepStrictEqual(yield* recordsOf(other, inline.All), {})
    yield* appending(false)
    for (const view of all(inline)) {
      yield* assertLaw(other, view)
      assert.isTrue(yield* isInline(other, view))
    }
  }),

  "8 verifying beside a transaction that stays open raises no false alarm": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    const [one, other] = [yield* openWith([inline.Each]), yield* openWith([inline.Each])]
    const { transaction } = one
    yield* catchUp(other, [inline.Each])
    yield* appendOne(other.eventStore, notes({ b: [1] }))
    yield* transaction(
      Effect.gen(function* () {
        yield* appendOne(one.eventStore, notes({ a: [1] }))
        yield* appendOne(other.eventStore, notes({ b: [2] }))
        const { different, unjudged } = yield* on(other, Projection.verify(inline.Each))
        assert.deepStrictEqual({ different, unjudged }, { different: 0, unjudged: 1 })
      })
    )
    const { compared, different } = yield* on(other, Projection.verify(inline.Each))
    assert.deepStrictEqual({ compared, different }, { compared: 2, different: 0 })
  }),

  "8 a generation that appends maintain refuses commits": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    yield* appendOne(one.eventStore, notes({ a: [1] }))
    yield* catchUp(one, all(inline))
    const generation = { view: "Each", version: 1 }
    const claimed = yield* one.projectionStore.claim({
      generation,
      owner: "one",
      lease: Duration.minutes(1),
      inline: true
    })
    assert.ok(claimed._tag === "Owned" && claimed.inline)
    const { epoch, position } = claimed
    const put = [{ key: "a", state: 1 }]
    for (const to of [position, position + 1]) {
      const commit = { owner: { generation, epoch }, from: position, to, records: { put, remove: [] } }
      assert.strictEqual((yield* Effect.flip(one.projectionStore.commit(commit)))._tag, "CommitConflict")
    }
    yield* assertLaw(one, inline.Each)
  }),

  "8 a commit that makes a view inline applies the events that are there already": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    yield* appendOne(one.eventStore, notes({ a: [1], b: [2] }))
    const generation = { view: "All", version: 1 }
    const claimed = yield* one.projectionStore.claim({
      generation,
      owner: "one",
      lease: Duration.minutes(1),
      inline: true
    })
    assert.ok(claimed._tag === "Owned")
    const commit = { owner: { generation, epoch: claimed.epoch }, from: 0, to: 0 }
    yield* one.projectionStore.commit({ ...commit, asks: "serve inline" })
    yield* appendOne(one.eventStore, notes({ a: [3] }))
    assert.isTrue(yield* isInline(one, inline.All))
    yield* assertLaw(one, inline.All)
  }),

  "8 the count of changes grows with the appends that touch records, and with no other": needs("otherProcesses")(
    function* () {
      const [one, other] = [yield* openWith(all(inline)), yield* openWith(all(inline))]
      yield* catchUp(one, all(inline))
      const changes = Effect.map(one.viewStore.status, (found) => found.find(({ view }) => view === "All")!.changes)
      for (let n = 1; n <= 6; n++) {
        for (const writer of [one, other]) {
          const before = yield* changes
          assert.strictEqual(yield* changes, before)
          yield* appendOne(writer.eventStore, notes({ a: [n] }, undefined, undefined, "Struck"))
          yield* appendTo(writer.eventStore, newStream("Other"), events(2, "Noted"))
          assert.strictEqual(yield* changes, before)
          yield* appendOne(writer.eventStore, notes({ [`s${n}`]: [n, n] }))
          const after = yield* changes
          assert.isAbove(after, before)
          yield* appendTo(writer.eventStore, newStream("Other"), events(1))
          assert.strictEqual(yield* changes, after)
        }
      }
      // The projection takes over, and appends again: the count goes on.
      const before = yield* changes
      yield* on(other, Projection.catchUp(async.All))
      yield* appendOne(one.eventStore, notes({ a: [1] }))
      yield* on(other, Projection.catchUp(async.All))
      const followed = yield* changes
      yield* on(one, Projection.catchUp(inline.All, { pause: "10 millis" }))
      assert.isTrue(yield* isInline(one, inline.All))
      const again = yield* changes
      assert.notStrictEqual(again, before)
      yield* appendOne(other.eventStore, notes({ a: [2] }))
      assert.isAbove(yield* changes, again)
      assert.isAbove(followed, 0)
    }
  ),

  "8 waiting for an inline view takes no time": Effect.gen(function* () {
    const one = yield* openWith(all(inline))
    yield* catchUp(one, all(inline))
    const { events } = yield* appendOne(one.eventStore, notes({ a: [1] }))
    yield* on(one, Projection.waitUntil(inline.All, events.at(-1)!.position, { timeout: "2 minutes" }))
  }),

  "8 stores that do not know a view refuse to maintain it": needs("otherProcesses")(function* () {
    for (const node of [yield* openWith([]), yield* openWith(all(async))]) {
      yield* appendOne(node.eventStore, notes({ a: [1] }))
      const error = yield* Effect.flip(on(node, Projection.catchUp(inline.Each)))
      assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
      assert.isFalse(yield* isInline(node, inline.Each))
    }
  })
}
