import { assert } from "@effect/vitest"
import { type ProjectionStore, Reactor } from "@hexfold/core"
import { Deferred, Effect } from "effect"
import { eventually } from "../eventually.ts"
import { statusOf, until } from "../projections/tallies.ts"
import { open, two } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import {
  comesTo,
  copier,
  job,
  lastOf,
  newJournals,
  note,
  noting,
  numbersOf,
  range,
  reacting,
  reactorOf
} from "./journals.ts"

/** An owner is lost that has done everything but its first event. The next ones, of so many parts, handle that one alone. */
const leavesOnlyTheStuckOne = (parts: number) =>
  Effect.gen(function* () {
    const journals = newJournals()
    const [owner, other] = yield* two
    yield* note(owner, journals.source, "stuck", 1)
    for (const id of ["a", "b", "c", "d", "e", "f"]) yield* note(owner, journals.source, id, 1, 2)
    const handled: Array<string> = []
    const gate = yield* Deferred.make<void>()
    const handle = (n: number, id: string) =>
      id === "stuck" ? Deferred.await(gate) : Effect.sync(() => handled.push(`${id}${n}`))
    yield* reacting(owner, reactorOf(journals, handle))
    yield* until("the others are handled", () => handled.length === 12)
    const last = yield* lastOf(owner, journals.source)
    const hasDone = ({ records }: ProjectionStore.Commit) =>
      /"done":\[[\d,]*?(\d+)\]/.exec(JSON.stringify(records))?.[1] === String(last)
    yield* until("what is done is written", () => owner.commits.some(hasDone))
    owner.trouble = "gone"
    const again: Array<string> = []
    yield* other.run(
      Reactor.catchUp(
        reactorOf(journals, (n, id) => Effect.sync(() => again.push(`${id}${n}`))),
        { ...job, parts }
      )
    )
    assert.deepStrictEqual(again, ["stuck1"])
    yield* Deferred.succeed(gate, undefined)
  })

/** What is handled again has no second effect in the store. */
export const repeating: Cases = {
  "a handler that fails after its commands is run again, and its commands have no second effect": Effect.gen(
    function* () {
      const journals = newJournals()
      const node = yield* open
      yield* note(node, journals.source, "a", 1, 2)
      let runs = 0
      const reactor = reactorOf(journals, (n, id) =>
        Effect.gen(function* () {
          runs++
          yield* noting(journals.target, id, n)
          yield* noting(journals.target, id, n)
          if (runs < 3) yield* Effect.fail("after the commands")
        })
      )
      yield* node.run(Reactor.catchUp(reactor, job))
      assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1, 1, 2, 2])
      assert.strictEqual(runs, 4)
    }
  ),

  "a command that the handler itself tries again keeps its place": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1)
    let isFirst = true
    const reactor = reactorOf(journals, (n, id) =>
      Effect.retry(
        Effect.suspend(() => {
          const unsure = isFirst
          isFirst = false
          const executing = noting(journals.target, id, n)
          // The append has happened, and its answer is lost.
          return unsure ? Effect.andThen(executing, Effect.fail("no answer")) : executing
        }),
        { times: 2, while: (error) => error === "no answer" }
      )
    )
    yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1, 1])
  }),

  "another command at the place of one that was executed is refused": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1)
    const errors: Array<string> = []
    let run = 0
    const reactor = reactorOf(
      journals,
      (_n, id) =>
        Effect.gen(function* () {
          yield* Effect.tapError(noting(journals.target, id, ++run), (error) =>
            Effect.sync(() => void errors.push(error._tag))
          )
          yield* Effect.fail("again")
        }),
      { onPoison: "skip" }
    )
    yield* node.run(Reactor.catchUp(reactor, job))
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1])
    assert.deepStrictEqual(errors, ["CommandIdReused", "CommandIdReused"])
  }),

  "an owner that is lost in the middle of a handler is followed by one that handles the event again": Effect.gen(
    function* () {
      const journals = newJournals()
      const [owner, other] = yield* two
      yield* note(owner, journals.source, "a", ...range(1, 5))
      const gate = yield* Deferred.make<void>()
      let reached = false
      const stuck = reactorOf(journals, (n, id) =>
        Effect.gen(function* () {
          yield* noting(journals.target, id, n)
          if (n < 3) return
          reached = true
          yield* Deferred.await(gate)
        })
      )
      yield* reacting(owner, stuck)
      yield* until("the handler stands still", () => reached)
      owner.trouble = "gone"
      yield* reacting(other, copier(journals))
      yield* comesTo(other, journals.target, "a", range(1, 5))
      yield* Deferred.succeed(gate, undefined)
      owner.trouble = "none"
      yield* note(other, journals.source, "a", 6)
      yield* comesTo(other, journals.target, "a", range(1, 6))
    }
  ),

  "an owner that claims the work and goes is followed by another one after its lease": Effect.gen(function* () {
    const journals = newJournals()
    const [owner, other] = yield* two
    yield* note(owner, journals.source, "a", ...range(1, 3))
    owner.trouble = "deaf"
    yield* reacting(owner, copier(journals))
    yield* eventually(
      "the work is claimed",
      Effect.map(statusOf(other, copier(journals)), ([status]) => status?.parts[0]?.owner !== undefined)
    )
    yield* reacting(other, copier(journals))
    yield* comesTo(other, journals.target, "a", range(1, 3))
  }),

  "an owner whose commits are late changes nothing when they arrive": Effect.gen(function* () {
    const journals = newJournals()
    const [owner, other] = yield* two
    yield* reacting(owner, copier(journals))
    yield* note(owner, journals.source, "a", 1)
    yield* comesTo(owner, journals.target, "a", [1])
    owner.trouble = "late"
    yield* note(owner, journals.source, "a", ...range(2, 5))
    yield* until("a commit is held back", () => owner.held() > 0)
    yield* reacting(other, copier(journals))
    yield* note(other, journals.source, "b", 1)
    yield* comesTo(other, journals.target, "b", [1])
    yield* owner.deliver
    owner.trouble = "none"
    yield* note(other, journals.source, "a", 6)
    yield* comesTo(other, journals.target, "a", range(1, 6))
  }),

  "what was done after an event that is not done is not handled again": leavesOnlyTheStuckOne(1),

  "what was done is not handled again when the keys are divided into more parts": leavesOnlyTheStuckOne(4),

  "one part works at a time, and each event is handled by one of many processes": Effect.gen(function* () {
    const journals = newJournals()
    const nodes = yield* two
    const handled: Array<number> = []
    const reactor = copier(journals, (n) => Effect.sync(() => handled.push(n)))
    for (const node of nodes) {
      yield* reacting(node, reactor, { lease: "10 seconds" })
      yield* reacting(node, reactor, { lease: "10 seconds" })
    }
    yield* note(nodes[0], journals.source, "a", ...range(1, 30))
    yield* comesTo(nodes[1], journals.target, "a", range(1, 30))
    assert.deepStrictEqual(handled, range(1, 30))
    const [status] = yield* statusOf(nodes[0], reactor)
    assert.strictEqual(status?.parts.length, 1)
  })
}
