import { assert } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Deferred, Effect, Fiber } from "effect"
import { eventually } from "../eventually.ts"
import { statusOf, until } from "../projections/tallies.ts"
import { open, two, type TroubledNode } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { monitored } from "../monitored.ts"
import { type Definition, job, type Journals, newJournals, note, range, reacting, reactorOf } from "./journals.ts"

const ids = range(1, 6).map((n) => `s${n}`)

/** A reactor that lists what it has handled, by keys of its own. */
const listing = (journals: Journals, handled: Array<string>, definition: Definition, gate?: Effect.Effect<void>) =>
  reactorOf(
    journals,
    (n, id) =>
      Effect.gen(function* () {
        if (id === "s1" && gate !== undefined) yield* gate
        handled.push(`${id}: ${n}`)
      }),
    definition
  )

const byId = (_n: number, id: string) => id
const byOther = (_n: number, id: string) => `${id} other ${id.length}`

const addTo = (node: TroubledNode, journals: Journals, n: number) =>
  Effect.forEach(ids, (id) => note(node, journals.source, id, n), { discard: true })

const all = (...ns: ReadonlyArray<number>) => ns.flatMap((n) => ids.map((id) => `${id}: ${n}`))

/** A reactor of several parts that were stopped at different positions. */
const stoppedApart = (node: TroubledNode, journals: Journals, handled: Array<string>, definition: Definition) =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const first = listing(journals, handled, definition, Deferred.await(gate))
    yield* addTo(node, journals, 1)
    yield* addTo(node, journals, 2)
    const running = yield* reacting(node, first, { parts: 3, lease: "4 seconds", stopWithin: "1 millis" })
    yield* until("all but one stream are handled", () => handled.length === 2 * (ids.length - 1))
    yield* eventually(
      "the parts are at different positions",
      Effect.map(statusOf(node, first), ([status]) => new Set(status?.parts.map(({ position }) => position)).size > 1)
    )
    yield* Fiber.interrupt(running)
    return listing(journals, handled, definition)
  })

const refusedAs = (
  node: TroubledNode,
  reactor: Reactor.Any & Reactor.Reactor<string, never, never, never>,
  parts: number
) => Effect.map(Effect.flip(node.run(Reactor.catchUp(reactor, { ...job, parts }))), ({ _tag }) => _tag)

/** A version whose keys are others takes the parts only where none can lose an event. */
export const rekeying: Cases = {
  "a version with other keys does not work before all parts have ended at one position, and says so": Effect.gen(
    function* () {
      const journals = newJournals()
      const [node, other] = yield* two
      const handled: Array<string> = []
      const former = yield* stoppedApart(node, journals, handled, { key: byId })
      const next = listing(journals, handled, { key: byOther, version: 2 })
      for (const parts of [3, 1, 2]) {
        assert.strictEqual(yield* refusedAs(other, next as never, parts), "KeysDiffer")
      }
      const status = yield* other.run(monitored(next))
      assert.deepStrictEqual([status.state, status.rekeyed], ["other keys", 1])
      assert.isTrue(status.faults.some(({ reason }) => reason === "other keys"))
      // It has claimed nothing, so the former version works at once.
      const [known] = yield* statusOf(node, former)
      assert.strictEqual(known?.version, 1)
      yield* node.run(Reactor.catchUp(former, { ...job, parts: 1 }))
      assert.sameMembers(handled, all(1, 2))
      yield* addTo(node, journals, 3)
      yield* other.run(Reactor.catchUp(next, { ...job, parts: 3 }))
      assert.sameMembers(handled, all(1, 2, 3))
      yield* addTo(node, journals, 4)
      yield* other.run(Reactor.catchUp(next, { ...job, parts: 2 }))
      assert.sameMembers(handled, all(1, 2, 3, 4))
    }
  ),

  "a version with other keys waits while the former one works, and takes all parts when that has ended": Effect.gen(
    function* () {
      const journals = newJournals()
      const [node, other] = yield* two
      const handled: Array<string> = []
      const former = listing(journals, handled, { key: byId })
      const running = yield* reacting(node, former, { parts: 3, lease: "4 seconds" })
      yield* addTo(node, journals, 1)
      yield* until("all are handled", () => handled.length === ids.length)
      const next = listing(journals, handled, { key: byOther, version: 2 })
      yield* reacting(other, next, { parts: 3, lease: "4 seconds" })
      yield* addTo(node, journals, 2)
      yield* until("all are handled", () => handled.length === 2 * ids.length)
      const [during] = yield* statusOf(node, former)
      assert.strictEqual(during?.version, 1)
      yield* Fiber.interrupt(running)
      // Its parts have ended at one position, or the former program brings them there.
      yield* eventually(
        "the higher version has all parts",
        Effect.gen(function* () {
          const [status] = yield* statusOf(other, next)
          if (status?.version === 1) yield* Effect.ignore(node.run(Reactor.catchUp(former, { ...job, parts: 1 })))
          return (
            status?.version === 2 && status.parts.length === 3 && status.parts.every(({ owner }) => owner !== undefined)
          )
        })
      )
      yield* addTo(node, journals, 3)
      yield* until("all are handled", () => handled.length === 3 * ids.length)
      assert.sameMembers(handled, all(1, 2, 3))
    }
  ),

  "versions with one keyVersion, and those whose keys are the streams, follow each other at any time": Effect.gen(
    function* () {
      for (const definition of [{ key: byId, keyVersion: 1 }, {}]) {
        const journals = newJournals()
        const [node, other] = yield* two
        const handled: Array<string> = []
        yield* stoppedApart(node, journals, handled, definition)
        const next = listing(journals, handled, { ...definition, version: 2 })
        yield* other.run(Reactor.catchUp(next, { ...job, parts: 3 }))
        assert.sameMembers(handled, all(1, 2))
      }
    }
  ),

  "with one part, a version with other keys takes over at its start": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const handled: Array<string> = []
    yield* addTo(node, journals, 1)
    yield* node.run(Reactor.catchUp(listing(journals, handled, { key: byId }), job))
    yield* addTo(node, journals, 2)
    yield* node.run(Reactor.catchUp(listing(journals, handled, { key: byOther, version: 2 }), job))
    yield* addTo(node, journals, 3)
    yield* node.run(Reactor.catchUp(listing(journals, handled, { key: byId, version: 3 }), { ...job, parts: 2 }))
    assert.sameMembers(handled, all(1, 2, 3))
  }),

  "a parked event is handled again by a version with other keys": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1)
    const definition = { key: byId, onPoison: "park" } as const
    yield* node.run(
      Reactor.catchUp(
        reactorOf(journals, () => Effect.fail("no"), definition),
        job
      )
    )
    const handled: Array<string> = []
    const next = listing(journals, handled, { key: byOther, onPoison: "park", version: 2 })
    yield* node.run(Reactor.catchUp(next, job))
    const retried = yield* node.run(Reactor.retryParked(next))
    assert.deepStrictEqual([handled, retried.handled, retried.parked], [["a: 1"], 1, []])
  })
}
