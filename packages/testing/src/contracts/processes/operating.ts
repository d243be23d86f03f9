import { assert } from "@effect/vitest"
import { Executor, Operator, Reactor } from "@hexfold/core"
import { Effect } from "effect"
import { open } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { anna, billed, billingOf, billOf, chargesOf, letters, toldBy } from "./bank.ts"
import { job, place } from "./orders.ts"

/** Orders of an operator are recorded, carried out once, and never lost. */
export const operating: Cases = {
  "restarted from a step, its commands are executed again under new ids, and its timeouts are asked for anew":
    Effect.gen(function* () {
      const node = yield* open
      const { bank, process } = yield* billed(node, "a", "b")
      const before = yield* billOf(node, process, "a")
      yield* node.run(Operator.restart(process, "a", { step: 1, ...anna }))
      assert.deepStrictEqual(yield* chargesOf(node, bank, "a"), [
        [70, 70],
        [1, 1]
      ])
      assert.deepStrictEqual(yield* chargesOf(node, bank, "b"), [[70], [1]])
      const after = yield* billOf(node, process, "a")
      assert.deepStrictEqual([after.status, after.step, after.state], ["running", 2, { placed: 1 }])
      assert.deepStrictEqual([after.sending, after.setting, after.cancelling, after.waiting.length], [[], [], [], 1])
      assert.notStrictEqual(after.waiting[0]!.timerId, before.waiting[0]!.timerId)
      assert.isAbove(after.waiting[0]!.at.epochMilliseconds, before.waiting[0]!.at.epochMilliseconds)
      assert.deepStrictEqual(yield* toldBy(node, process, "a"), [
        "1: Event",
        "restart by anna: the bank was down",
        "2: restart"
      ])
      // The owner handles the order, too, and nothing is done twice.
      yield* node.run(Reactor.catchUp(process, job))
      assert.deepStrictEqual(yield* chargesOf(node, bank, "a"), [
        [70, 70],
        [1, 1]
      ])
    }),

  "restarted with commands once, only those are executed that were not": Effect.gen(function* () {
    const node = yield* open
    const { bank, process, shop } = yield* billed(node, "a")
    // The present program asks for another fee.
    const dearer = billingOf(shop, bank, { fee: 2 })
    yield* node.run(Operator.restart(dearer, "a", { step: 1, commands: "once", ...anna }))
    assert.deepStrictEqual(yield* chargesOf(node, bank, "a"), [[70], [1, 2]])
    yield* node.run(Operator.restart(process, "a", { step: 2, ...anna }))
    assert.deepStrictEqual(yield* chargesOf(node, bank, "a"), [
      [70, 70],
      [1, 2, 1]
    ])
  }),

  "a process that is parked can be restarted, and its parked events are handled after that": Effect.gen(function* () {
    const node = yield* open
    const { bank, process, shop } = yield* billed(node, "a")
    bank.hands.isDown = true
    yield* place(node, shop, "a", 80)
    yield* place(node, shop, "a", 90)
    yield* node.run(Reactor.catchUp(process, job))
    assert.deepStrictEqual(yield* letters(node, process), ["a", "a"])
    assert.strictEqual((yield* billOf(node, process, "a")).sending.length, 2)
    bank.hands.isDown = false
    yield* node.run(Operator.restart(process, "a", { step: 1, ...anna }))
    assert.deepStrictEqual(yield* letters(node, process), [])
    // What the second step had to send is not sent any more.
    assert.deepStrictEqual(yield* chargesOf(node, bank, "a"), [
      [70, 70, 90],
      [1, 1, 1]
    ])
    assert.deepStrictEqual(yield* toldBy(node, process, "a"), [
      "1: Event",
      "2: Event",
      "restart by anna: the bank was down",
      "3: restart",
      "4: Event"
    ])
    yield* node.run(Reactor.catchUp(process, job))
    assert.deepStrictEqual(yield* letters(node, process), [])
  }),

  "what cannot be restarted is refused before anything is recorded": Effect.gen(function* () {
    const node = yield* open
    const { process } = yield* billed(node, "a")
    for (const [key, step] of [
      ["a", 2],
      ["a", 0],
      ["unknown", 1]
    ] as const) {
      const refused = yield* Effect.flip(node.run(Operator.restart(process, key, { step, ...anna })))
      assert.strictEqual(refused._tag, "RestartRefused")
    }
    const nobody = yield* Effect.flip(node.run(Operator.restart(process, "a", { step: 1, by: "", why: "none" })))
    assert.strictEqual(nobody._tag, "InvalidCommand")
    yield* node.run(Operator.cancel(process, { keys: ["a", "unknown"], ...anna }))
    const ordered = yield* Effect.flip(node.run(Operator.restart(process, "a", { step: 2, ...anna })))
    assert.strictEqual(ordered._tag, "RestartRefused")
    assert.deepStrictEqual(yield* toldBy(node, process, "a"), [
      "1: Event",
      "cancel by anna: the bank was down",
      "2: cancel"
    ])
    assert.deepStrictEqual(yield* toldBy(node, process, "unknown"), [])
  }),

  "many are cancelled by a filter: what they wait for does not come, and later events do nothing": Effect.gen(
    function* () {
      const node = yield* open
      const { bank, process, shop } = yield* billed(node, "a", "b", "c")
      yield* place(node, shop, "b", 80)
      yield* node.run(Reactor.catchUp(process, job))
      const cancelled = yield* node.run(
        Operator.cancel(process, { keys: "all", where: ({ state }) => state.placed === 1, ...anna })
      )
      assert.sameMembers([...cancelled.ordered], ["a", "c"])
      assert.deepStrictEqual([cancelled.failed, cancelled.parked], [[], []])
      const again = yield* node.run(Operator.cancel(process, { keys: ["a"], ...anna }))
      assert.deepStrictEqual(again.ordered, [])
      for (const id of ["a", "b", "c"]) yield* place(node, shop, id, 90)
      yield* node.run(Reactor.catchUp(process, job))
      assert.deepStrictEqual((yield* chargesOf(node, bank, "a"))[0], [70])
      assert.deepStrictEqual((yield* chargesOf(node, bank, "b"))[0], [70, 80, 90])
      const { cancelling, held, status, waiting } = yield* billOf(node, process, "a")
      assert.deepStrictEqual([status, waiting, cancelling, held?.timers.length], ["cancelled", [], [], 1])
    }
  ),

  "a cancelled process that is resumed sends what had no answer under its ids, and asks for its timeouts again":
    Effect.gen(function* () {
      const node = yield* open
      const { bank, process, shop } = yield* billed(node, "a")
      bank.hands.isDown = true
      yield* place(node, shop, "a", 80)
      yield* node.run(Reactor.catchUp(process, job))
      const open2 = (yield* billOf(node, process, "a")).sending.map(({ commandId }) => commandId)
      const before = (yield* billOf(node, process, "a")).waiting[0]!
      yield* node.run(Operator.cancel(process, { keys: "parked", ...anna }))
      assert.deepStrictEqual(yield* letters(node, process), [])
      bank.hands.isDown = false
      yield* node.run(Reactor.catchUp(process, job))
      assert.deepStrictEqual((yield* chargesOf(node, bank, "a"))[0], [70])
      const { held } = yield* billOf(node, process, "a")
      assert.deepStrictEqual(
        held?.sends.map(({ commandId }) => commandId),
        open2
      )
      yield* node.run(Operator.resume(process, { keys: "all", ...anna }))
      assert.deepStrictEqual(yield* chargesOf(node, bank, "a"), [
        [70, 80],
        [1, 1]
      ])
      const { sending, status, waiting } = yield* billOf(node, process, "a")
      assert.deepStrictEqual([status, sending, waiting.length], ["running", [], 1])
      assert.strictEqual(waiting[0]!.at.epochMilliseconds, before.at.epochMilliseconds)
      assert.notStrictEqual(waiting[0]!.timerId, before.timerId)
    }),

  "those that are parked are resumed, with a record of who has ordered it": Effect.gen(function* () {
    const node = yield* open
    const { bank, process, shop } = yield* billed(node, "a", "b", "c")
    bank.hands.isDown = true
    for (const id of ["a", "b"]) yield* place(node, shop, id, 80)
    yield* node.run(Reactor.catchUp(process, job))
    const early = yield* node.run(Operator.resume(process, { keys: "parked", where: (_, key) => key === "a", ...anna }))
    assert.deepStrictEqual([early.ordered, early.parked.map(({ key }) => key)], [["a"], ["a"]])
    bank.hands.isDown = false
    const { ordered, parked } = yield* node.run(Operator.resume(process, { keys: "parked", ...anna }))
    assert.deepStrictEqual([[...ordered].toSorted(), parked], [["a", "b"], []])
    for (const id of ["a", "b"]) assert.deepStrictEqual((yield* chargesOf(node, bank, id))[0], [70, 80])
    assert.deepStrictEqual(yield* toldBy(node, process, "b"), [
      "1: Event",
      "2: Event",
      "resume by anna: the bank was down"
    ])
  }),

  "an order under one id is given once": Effect.gen(function* () {
    const node = yield* open
    const { bank, process } = yield* billed(node, "a")
    const order = { step: 1, ...anna, orderId: `order ${process.name}` }
    for (let times = 0; times < 3; times++) yield* node.run(Operator.restart(process, "a", order))
    assert.deepStrictEqual((yield* chargesOf(node, bank, "a"))[0], [70, 70])
  }),

  "an ended process is restarted, and an event of the target ends it again": Effect.gen(function* () {
    const node = yield* open
    const { process, shop } = yield* billed(node, "a")
    const end = node.run(Executor.execute(shop.order, "a", { _tag: "Cancel", why: "enough" }))
    yield* end
    yield* node.run(Reactor.catchUp(process, job))
    assert.strictEqual((yield* billOf(node, process, "a")).status, "ended")
    yield* node.run(Operator.restart(process, "a", { step: 1, ...anna }))
    assert.strictEqual((yield* billOf(node, process, "a")).status, "running")
    yield* end
    yield* node.run(Reactor.catchUp(process, job))
    assert.strictEqual((yield* billOf(node, process, "a")).status, "ended")
    assert.deepStrictEqual(yield* letters(node, process), [])
  })
}
