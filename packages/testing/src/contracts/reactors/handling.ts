import { assert } from "@effect/vitest"
import { Executor, Reactor } from "@hexfold/core"
import { DateTime, Deferred, Effect, Stream } from "effect"
import { until } from "../projections/tallies.ts"
import { open, two } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import {
  comesTo,
  copier,
  job,
  lastOf,
  newJournals,
  note,
  noteAtOnce,
  noteUnknown,
  noting,
  numbersOf,
  range,
  reacting,
  reactorOf
} from "./journals.ts"

/** Each event is handled, in order per key, by one owner. */
export const handling: Cases = {
  "every event is handled, and those of one stream in their order": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const ids = ["a", "b", "c", "d", "e"]
    yield* reacting(node, copier(journals))
    yield* Effect.forEach(ids, (id) => note(node, journals.source, id, ...range(1, 20)), { concurrency: "unbounded" })
    for (const id of ids) yield* comesTo(node, journals.target, id, range(1, 20))
  }),

  "events of different keys are handled at once, and those of one key one after the other": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    for (const id of ["a", "b", "c"]) yield* note(node, journals.source, id, 1, 2)
    const gate = yield* Deferred.make<void>()
    const running = new Map<string, number>()
    let most = 0
    let together = 0
    const handle = (_n: number, id: string) =>
      Effect.gen(function* () {
        running.set(id, (running.get(id) ?? 0) + 1)
        together = Math.max(together, running.size)
        most = Math.max(most, ...running.values())
        yield* Deferred.await(gate)
        running.set(id, running.get(id)! - 1)
      })
    yield* reacting(node, copier(journals, handle))
    yield* until("three handlers run", () => running.size === 3)
    yield* Deferred.succeed(gate, undefined)
    for (const id of ["a", "b", "c"]) yield* comesTo(node, journals.target, id, [1, 2])
    assert.deepStrictEqual([together, most], [3, 1])
  }),

  "no more handlers run at once than the concurrency says": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const ids = range(1, 12).map((n) => `s${n}`)
    for (const id of ids) yield* note(node, journals.source, id, 1)
    let running = 0
    let most = 0
    const handle = () =>
      Effect.acquireUseRelease(
        Effect.sync(() => void (most = Math.max(most, ++running))),
        () => Effect.yieldNow,
        () => Effect.sync(() => void running--)
      )
    yield* node.run(Reactor.catchUp(copier(journals, handle), { ...job, concurrency: 3 }))
    assert.deepStrictEqual([most, running], [3, 0])
  }),

  "a key of its own puts events of several streams into one order": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    for (const n of range(1, 15)) yield* note(node, journals.source, `s${n % 3}`, n)
    const reactor = reactorOf(journals, (n) => noting(journals.target, "all", n), { key: () => "one" })
    yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "all"), range(1, 15))
  }),

  "a handler that stands still holds up its key, and as many others as the window and the concurrency allow":
    Effect.gen(function* () {
      const journals = newJournals()
      const node = yield* open
      yield* note(node, journals.source, "stuck", 1, 2)
      for (const n of range(1, 6)) yield* note(node, journals.source, "free", n)
      const gate = yield* Deferred.make<void>()
      const handle = (_n: number, id: string) => (id === "stuck" ? Deferred.await(gate) : Effect.void)
      yield* reacting(node, copier(journals, handle))
      yield* comesTo(node, journals.target, "free", range(1, 6))
      assert.deepStrictEqual(yield* numbersOf(node, journals.target, "stuck"), [])
      yield* Deferred.succeed(gate, undefined)
      yield* comesTo(node, journals.target, "stuck", [1, 2])
    }),

  "it begins where it is told to: at the beginning, now, after a position, at a time": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2)
    const after = yield* lastOf(node, journals.source)
    const events = yield* Stream.runCollect(node.eventStore.readAll({ aggregates: [journals.source.name] }))
    const since = DateTime.addDuration(events.at(-1)!.recordedAt, 1)
    yield* until("the clock goes on", () => Date.now() > since.epochMilliseconds)
    const seen = new Map<string, Array<number>>()
    const starting = (name: string, start: Reactor.Start) => {
      seen.set(name, [])
      return reactorOf(journals, (n) => Effect.sync(() => seen.get(name)!.push(n)), { name, start })
    }
    const now = starting("Now", "now")
    yield* node.run(Reactor.catchUp(now, job))
    yield* note(node, journals.source, "a", 3)
    const all = [now, starting("Beginning", "beginning"), starting("After", { after }), starting("Since", { since })]
    for (const reactor of all) yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(Object.fromEntries(seen), { Now: [3], Beginning: [1, 2, 3], After: [3], Since: [3] })
    yield* note(node, journals.source, "a", 4)
    for (const reactor of all) yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(Object.fromEntries(seen), {
      Now: [3, 4],
      Beginning: [1, 2, 3, 4],
      After: [3, 4],
      Since: [3, 4]
    })
  }),

  "what a handler executes carries the correlation on, and names the event as its cause": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1)
    yield* node.run(Reactor.catchUp(copier(journals), job))
    const events = yield* Stream.runCollect(
      node.eventStore.readAll({ aggregates: [journals.source.name, journals.target.name] })
    )
    const [cause, effect] = events
    assert.deepStrictEqual(effect!.metadata, {
      correlationId: cause!.metadata.correlationId,
      causationId: cause!.id
    })
  }),

  "the key of a handling is the same in each repetition, and of no other event": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2)
    const keys: Array<readonly [number, string]> = []
    const handle = (n: number) =>
      Effect.flatMap(Reactor.key, (key) => {
        keys.push([n, key])
        return keys.length === 1 ? Effect.fail("once more") : Effect.void
      })
    yield* node.run(Reactor.catchUp(reactorOf(journals, handle), job))
    assert.deepStrictEqual(
      keys.map(([n]) => n),
      [1, 1, 2]
    )
    assert.strictEqual(keys[0]![1], keys[1]![1])
    assert.notStrictEqual(keys[1]![1], keys[2]![1])
  }),

  "an imported event is passed, unless the reactor says otherwise": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const id = crypto.randomUUID()
    const imported = {
      id,
      type: "Noted",
      data: { _tag: "Noted", n: 1 },
      metadata: { correlationId: id, causationId: id },
      recordedAt: DateTime.makeUnsafe("2020-01-01T00:00:00Z")
    }
    yield* node.eventStore.append({
      conditions: [],
      parts: [{ writes: [{ streamId: journals.source.streamId("a"), events: [imported] }], reads: [] }]
    })
    yield* note(node, journals.source, "b", 2)
    const seen: Record<string, Array<number>> = { Pass: [], React: [] }
    for (const name of ["Pass", "React"] as const) {
      const reactor = reactorOf(journals, (n) => Effect.sync(() => seen[name]!.push(n)), {
        name,
        imported: name === "Pass" ? "pass" : "react"
      })
      yield* node.run(Reactor.catchUp(reactor, job))
    }
    assert.deepStrictEqual(seen, { Pass: [2], React: [1, 2] })
  }),

  "an event of a newer program is waited for, and the lease is given to a process of it": Effect.gen(function* () {
    const journals = newJournals()
    const [old, next] = yield* two
    yield* reacting(old, copier(journals))
    yield* note(old, journals.source, "a", 1)
    yield* comesTo(old, journals.target, "a", [1])
    yield* noteUnknown(old, journals.source, "b")
    yield* note(old, journals.source, "a", 2)
    const held = old.run(Reactor.catchUp(copier(journals), job))
    const failed = yield* Effect.flip(held)
    assert.ok(failed._tag === "ReactionFailed" && failed.step === "unknown")
    assert.deepStrictEqual(yield* numbersOf(next, journals.target, "a"), [1])
  }),

  "what comes before an event of a newer program is handled once, however long that takes": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1)
    yield* noteUnknown(node, journals.source, "b")
    const gate = yield* Deferred.make<void>()
    let runs = 0
    const handle = () => {
      runs++
      return Deferred.await(gate)
    }
    yield* reacting(node, copier(journals, handle))
    yield* until("a handler runs", () => runs === 1)
    const claims = node.claims()
    yield* until("the lease was renewed a few times", () => node.claims() > claims + 5)
    yield* Deferred.succeed(gate, undefined)
    yield* comesTo(node, journals.target, "a", [1])
    assert.strictEqual(runs, 1)
  }),

  "an event of an older program between two of the newer one is handled in its place": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1)
    yield* noteAtOnce(node, journals.source, "a", 2, 3)
    yield* note(node, journals.source, "a", 4)
    yield* node.run(Reactor.catchUp(copier(journals), job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), range(1, 4))
  }),

  "a command with an id of its own keeps it": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2)
    const reactor = reactorOf(journals, () =>
      Executor.execute(journals.target, "t", { _tag: "Note", n: 7 }, { commandId: `own ${journals.target.name}` })
    )
    yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "t"), [7])
  })
}
