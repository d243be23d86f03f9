import { assert } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Deferred, Effect, Stream } from "effect"
import { statusOf, until } from "../projections/tallies.ts"
import { open } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import {
  copier,
  type Definition,
  job,
  type Journals,
  newJournals,
  note,
  noteAtOnce,
  noteBroken,
  numbersOf,
  range,
  reacting,
  reactorOf
} from "./journals.ts"

/** A copier whose handler fails for the number 2 before its command. */
const failing = (journals: Journals, definition: Definition) =>
  copier(journals, (n) => (n === 2 ? Effect.fail(new Error("two is too much")) : Effect.void), definition)

/** An event that a handler cannot handle stops the reactor, is skipped, or waits with the later ones of its key. */
export const poisoning: Cases = {
  "an event that cannot be handled stops the reactor, and the earlier ones are done": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2, 3)
    const reactor = failing(journals, {})
    const failed = yield* Effect.flip(node.run(Reactor.catchUp(reactor, job)))
    assert.ok(failed._tag === "ReactionFailed")
    assert.deepStrictEqual([failed.step, failed.attempts, failed.streamVersion], ["react", 3, 2])
    assert.include(failed.message, "two is too much")
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1])
    const [status] = yield* statusOf(node, reactor)
    assert.strictEqual(status?.parts[0]?.failure?.position, failed.position)
    assert.strictEqual(status?.position, failed.position - 1)
    yield* node.run(Reactor.catchUp(copier(journals), job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1, 2, 3])
    const [mended] = yield* statusOf(node, reactor)
    assert.isUndefined(mended?.parts[0]?.failure)
  }),

  "with skip it leaves a dead letter, and goes on": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2, 3)
    const reactor = failing(journals, { onPoison: "skip" })
    yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1, 3])
    const letters = yield* node.run(Stream.runCollect(Reactor.deadLetters(reactor)))
    assert.deepStrictEqual(
      letters.map(({ error, key, parked, streamVersion }) => [streamVersion, key, parked, error?.step, error?.cause]),
      [[2, journals.source.streamId("a"), false, "react", "Error: two is too much"]]
    )
  }),

  "with park it keeps the event and the later ones of its key, in their order, and others go on": Effect.gen(
    function* () {
      const journals = newJournals()
      const node = yield* open
      yield* note(node, journals.source, "a", 1, 2, 3)
      yield* note(node, journals.source, "b", 1, 3)
      const reactor = failing(journals, { onPoison: "park" })
      yield* node.run(Reactor.catchUp(reactor, job))
      yield* note(node, journals.source, "a", 4)
      yield* node.run(Reactor.catchUp(reactor, job))
      assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1])
      assert.deepStrictEqual(yield* numbersOf(node, journals.target, "b"), [1, 3])
      const letters = yield* node.run(Stream.runCollect(Reactor.deadLetters(reactor)))
      assert.deepStrictEqual(
        letters.map(({ error, parked, streamVersion }) => [streamVersion, parked, error === undefined]),
        [
          [2, true, false],
          [3, true, true],
          [4, true, true]
        ]
      )
    }
  ),

  "parked events are handled again in their order, and then the key goes on": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2, 3)
    const parking = failing(journals, { onPoison: "park" })
    yield* node.run(Reactor.catchUp(parking, job))
    const first = yield* node.run(Reactor.retryParked(parking))
    assert.deepStrictEqual([first.handled, first.parked.map(({ streamVersion }) => streamVersion)], [0, [2]])
    const mended = copier(journals, undefined, { onPoison: "park" })
    const second = yield* node.run(Reactor.retryParked(mended))
    assert.deepStrictEqual([second.handled, second.parked], [2, []])
    assert.deepStrictEqual(yield* node.run(Stream.runCollect(Reactor.deadLetters(mended))), [])
    yield* note(node, journals.source, "a", 4)
    yield* node.run(Reactor.catchUp(mended, job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1, 2, 3, 4])
  }),

  "a parked key stays parked while ten versions are deployed, and then goes on in order": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2, 3)
    yield* node.run(Reactor.catchUp(failing(journals, { onPoison: "park" }), job))
    for (let version = 2; version <= 11; version++) {
      yield* note(node, journals.source, "a", 2 + version)
      yield* node.run(Reactor.catchUp(failing(journals, { onPoison: "park", version }), job))
    }
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1])
    const mended = copier(journals, undefined, { onPoison: "park", version: 11 })
    const { handled, parked } = yield* node.run(Reactor.retryParked(mended))
    assert.deepStrictEqual([handled, parked], [12, []])
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), range(1, 13))
  }),

  "a parked key stays parked for an event of several keys that waits while later events are read": Effect.gen(
    function* () {
      const journals = newJournals()
      const node = yield* open
      const gate = yield* Deferred.make<void>()
      const handled: Array<number> = []
      const reactor = reactorOf(
        journals,
        (n) =>
          Effect.gen(function* () {
            if (n === 2) yield* Effect.fail("two is too much")
            handled.push(n)
            if (n === 1) yield* Deferred.await(gate)
          }),
        { onPoison: "park", key: (n) => (n % 2 === 0 ? "even" : `${n}`) }
      )
      yield* note(node, journals.source, "a", 2)
      yield* node.run(Reactor.catchUp(reactor, job))
      yield* noteAtOnce(node, journals.source, "a", 1, 4)
      yield* reacting(node, reactor, job)
      yield* until("the first key of the event is handled", () => handled.length === 1)
      yield* note(node, journals.source, "a", 3)
      yield* until("a later event is handled", () => handled.length === 2)
      yield* Deferred.succeed(gate, undefined)
      const waits = () => node.commits.some(({ deadLetters }) => deadLetters?.put[0]?.streamVersion === 2)
      yield* until("the event is done", () => waits() || handled.length === 3)
      assert.deepStrictEqual(handled, [1, 3])
    }
  ),

  "an event of a retired type that does not decode is parked with the later ones of its stream": Effect.gen(
    function* () {
      const journals = newJournals()
      const node = yield* open
      yield* note(node, journals.source, "a", 1)
      yield* noteBroken(node, journals.source, "a")
      yield* noteAtOnce(node, journals.source, "a", 2)
      yield* note(node, journals.source, "b", 1)
      const reactor = copier(journals, undefined, { onPoison: "park" })
      yield* node.run(Reactor.catchUp(reactor, job))
      assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1])
      assert.deepStrictEqual(yield* numbersOf(node, journals.target, "b"), [1])
      const letters = yield* node.run(Stream.runCollect(Reactor.deadLetters(reactor)))
      const key = journals.source.streamId("a")
      assert.deepStrictEqual(
        letters.map((letter) => [letter.streamVersion, letter.key, letter.parked, letter.error?.step]),
        [
          [2, key, true, "decode"],
          [3, key, true, undefined]
        ]
      )
    }
  ),

  "of a stored event that has become several, the one that failed is named": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* noteAtOnce(node, journals.source, "a", 2, 1)
    yield* noteAtOnce(node, journals.source, "a", 1, 2)
    const parts: Array<unknown> = []
    for (const onPoison of ["stop", "skip"] as const) {
      const reactor = failing(journals, { onPoison, name: onPoison })
      const outcome = yield* Effect.result(node.run(Reactor.catchUp(reactor, job)))
      if (outcome._tag === "Failure" && outcome.failure._tag === "ReactionFailed") parts.push(outcome.failure.part)
      const letters = yield* node.run(Stream.runCollect(Reactor.deadLetters(reactor)))
      parts.push(...letters.map(({ error }) => error?.part))
    }
    assert.deepStrictEqual(parts, [0, 0, 1])
  }),

  "a handler that throws, or that interrupts itself, has failed": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2, 3)
    const reactor = copier(
      journals,
      (n) => {
        if (n === 1) throw new Error("thrown")
        return n === 2 ? Effect.interrupt : Effect.void
      },
      { onPoison: "skip" }
    )
    yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [3])
    const letters = yield* node.run(Stream.runCollect(Reactor.deadLetters(reactor)))
    assert.deepStrictEqual(
      letters.map(({ streamVersion }) => streamVersion),
      [1, 2]
    )
  })
}
