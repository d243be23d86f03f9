import { assert } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Effect, Fiber } from "effect"
import { eventually } from "../eventually.ts"
import { statusOf, until } from "../projections/tallies.ts"
import { three, two } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { comesTo, copier, job, newJournals, note, numbersOf, range, reacting, reactorOf } from "./journals.ts"

/** One version of a reactor follows the other, and nothing is handled twice. */
export const deploying: Cases = {
  "a higher version takes over at its start, and goes on after what the lower one has done": Effect.gen(function* () {
    const journals = newJournals()
    const [old, next] = yield* two
    const handled: Array<string> = []
    const of = (version: number) =>
      copier(journals, (n) => Effect.sync(() => handled.push(`${version}: ${n}`)), { version })
    yield* reacting(old, of(1), { lease: "6 seconds" })
    yield* note(old, journals.source, "a", 1, 2)
    yield* comesTo(old, journals.target, "a", [1, 2])
    const ownerOf = Effect.map(statusOf(next, of(2)), ([status]) => status?.parts[0]?.owner)
    const former = yield* ownerOf
    yield* reacting(next, of(2), { lease: "6 seconds" })
    yield* note(old, journals.source, "a", 3)
    yield* comesTo(old, journals.target, "a", [1, 2, 3])
    yield* eventually(
      "the higher version has it",
      Effect.map(ownerOf, (owner) => owner !== undefined && owner !== former)
    )
    yield* note(old, journals.source, "a", 4)
    yield* comesTo(old, journals.target, "a", range(1, 4))
    assert.deepStrictEqual(
      handled.map((each) => each.slice(3)),
      ["1", "2", "3", "4"]
    )
    assert.strictEqual(handled.at(-1), "2: 4")
  }),

  "a lower version goes on only when no process of the higher one has worked for a lease": Effect.gen(function* () {
    const journals = newJournals()
    const [old, next] = yield* two
    const handled: Array<string> = []
    const of = (version: number) =>
      copier(journals, (n) => Effect.sync(() => handled.push(`${version}: ${n}`)), { version })
    const higher = yield* reacting(next, of(2))
    yield* note(old, journals.source, "a", 1)
    yield* comesTo(old, journals.target, "a", [1])
    yield* reacting(old, of(1))
    yield* note(old, journals.source, "a", 2)
    yield* comesTo(old, journals.target, "a", [1, 2])
    yield* Fiber.interrupt(higher)
    yield* note(old, journals.source, "a", 3)
    yield* comesTo(old, journals.target, "a", [1, 2, 3])
    assert.deepStrictEqual(handled, ["2: 1", "2: 2", "1: 3"])
    const ownerOf = Effect.map(statusOf(next, of(2)), ([status]) => status?.parts[0]?.owner)
    const former = yield* ownerOf
    yield* reacting(next, of(2))
    yield* eventually(
      "the higher version takes over again",
      Effect.map(ownerOf, (owner) => owner !== undefined && owner !== former)
    )
    yield* note(old, journals.source, "a", 4)
    yield* comesTo(old, journals.target, "a", range(1, 4))
    assert.strictEqual(handled.at(-1), "2: 4")
  }),

  "a lower version that still drains writes nothing over the higher one": Effect.gen(function* () {
    const journals = newJournals()
    const [old, next] = yield* two
    const of = (version: number) => copier(journals, undefined, { version })
    yield* reacting(old, of(1))
    yield* note(old, journals.source, "a", 1)
    yield* comesTo(old, journals.target, "a", [1])
    old.trouble = "slow"
    yield* note(old, journals.source, "a", 2)
    yield* until("a commit is held back", () => old.held() > 0)
    yield* next.run(Reactor.catchUp(of(2), job))
    const [before] = yield* statusOf(next, of(2))
    yield* old.deliver
    const [after] = yield* statusOf(next, of(2))
    assert.strictEqual(after?.position, before?.position)
    assert.strictEqual(after?.version, 2)
    assert.deepStrictEqual(yield* numbersOf(next, journals.target, "a"), [1, 2])
  }),

  "another definition of the same version does not work": Effect.gen(function* () {
    const journals = newJournals()
    const [first, second] = yield* two
    yield* note(first, journals.source, "a", 1)
    yield* first.run(Reactor.catchUp(copier(journals), job))
    const other = copier(journals, undefined, { key: () => "one" })
    yield* note(first, journals.source, "a", 2)
    const refused = yield* Effect.flip(second.run(Reactor.catchUp(other, job)))
    assert.strictEqual(refused._tag, "DefinitionDiffers")
    assert.deepStrictEqual(yield* numbersOf(first, journals.target, "a"), [1])
    const raised = copier(journals, undefined, { key: () => "one", version: 2 })
    yield* second.run(Reactor.catchUp(raised, job))
    assert.deepStrictEqual(yield* numbersOf(first, journals.target, "a"), [1, 2])
  }),

  "deployed ten times while events arrive, each is handled once": Effect.gen(function* () {
    const journals = newJournals()
    const [writer, ...nodes] = yield* three
    const of = (version: number) => copier(journals, undefined, { version })
    const ids = ["a", "b", "c"]
    const writing = yield* Effect.forkScoped(
      Effect.forEach(ids, (id) => note(writer, journals.source, id, ...range(1, 40)), {
        concurrency: "unbounded",
        discard: true
      })
    )
    let running = yield* reacting(nodes[0]!, of(1), { lease: "10 seconds" })
    for (let version = 2; version <= 10; version++) {
      const node = nodes[version % 2]!
      const next = yield* reacting(node, of(version), { lease: "10 seconds" })
      yield* eventually(
        `version ${version} has it`,
        Effect.map(statusOf(node, of(1)), ([status]) => status?.version === version)
      )
      yield* Fiber.interrupt(running)
      running = next
    }
    yield* Fiber.join(writing)
    for (const id of ids) yield* comesTo(writer, journals.target, id, range(1, 40))
  }),

  "what the stores keep is made ahead, and a reactor that works does not notice": Effect.gen(function* () {
    const journals = newJournals()
    const [node, other] = yield* two
    const of = (version: number) => copier(journals, undefined, { version })
    yield* note(node, journals.source, "a", 1)
    yield* node.run(Reactor.prepare([of(1)]))
    yield* node.run(Reactor.prepare([of(1)]))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [])
    yield* reacting(node, of(1), { lease: "10 seconds" })
    yield* comesTo(node, journals.target, "a", [1])
    yield* other.run(Reactor.prepare([of(2)]))
    const [status] = yield* statusOf(other, of(1))
    assert.deepStrictEqual([status?.version, status?.fingerprint], [1, of(1).fingerprint])
  }),

  "the parts of several processes share the keys, and another number of parts follows": Effect.gen(function* () {
    const journals = newJournals()
    const [first, second] = yield* two
    const ids = range(1, 8).map((n) => `s${n}`)
    const handled: Array<string> = []
    const reactor = reactorOf(journals, (n, id) => Effect.sync(() => handled.push(`${id}: ${n}`)))
    const all = (n: number) => ids.map((id) => `${id}: ${n}`)
    const add = (n: number) => Effect.forEach(ids, (id) => note(first, journals.source, id, n), { discard: true })
    const options = { parts: 3, maxParts: 2, lease: "10 seconds" } as const
    const running = [yield* reacting(first, reactor, options), yield* reacting(second, reactor, options)]
    yield* add(1)
    yield* until("all are handled", () => handled.length === 8)
    assert.sameMembers(handled, all(1))
    for (const fiber of running) yield* Fiber.interrupt(fiber)
    yield* add(2)
    yield* first.run(Reactor.catchUp(reactor, { ...job, parts: 2 }))
    assert.sameMembers(handled, [...all(1), ...all(2)])
    yield* add(3)
    yield* second.run(Reactor.catchUp(reactor, job))
    assert.sameMembers(handled, [...all(1), ...all(2), ...all(3)])
  })
}
