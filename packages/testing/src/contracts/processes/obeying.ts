import { assert } from "@effect/vitest"
import { Operator, Reactor } from "@hexfold/core"
import { Effect, Fiber } from "effect"
import { eventually } from "../eventually.ts"
import { two } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { anna, billed, billOf, chargesOf, letters } from "./bank.ts"
import { losing } from "./losing.ts"
import { job, outcomeOf, place } from "./orders.ts"

/** An order of an operator that is lost is carried out by the owner of the process. */
export const obeying: Cases = {
  "an order whose operator is lost between any two appends is carried out by the owner, once": Effect.gen(function* () {
    // The nodes of a point are closed before the next one: what they leave behind is used again.
    const isLostAt = (number: number, when: "before" | "after") =>
      Effect.gen(function* () {
        const [node, other] = yield* two
        const { bank, process, shop } = yield* billed(other, "a")
        const lost = losing(node, number, when)
        const operator = yield* Effect.forkScoped(
          lost.run(Operator.restart(process, "a", { step: 1, ...anna, orderId: `order ${process.name}` }))
        )
        yield* eventually(
          "it is lost, or has ended",
          Effect.sync(() => lost.isLost() || operator.pollUnsafe() !== undefined)
        )
        const isOrdered = number > 1 || when === "after"
        // The append of the one that was lost may still be under way.
        yield* eventually(
          "the order is carried out",
          Effect.map(
            Effect.andThen(other.run(Reactor.catchUp(process, job)), billOf(other, process, "a")),
            ({ cancelling, sending, setting, step }) =>
              step === (isOrdered ? 2 : 1) && sending.length + setting.length + cancelling.length === 0
          )
        )
        assert.deepStrictEqual((yield* chargesOf(other, bank, "a"))[0], isOrdered ? [70, 70] : [70])
        assert.deepStrictEqual((yield* outcomeOf(other, shop, "a")).order, ["placed"])
        yield* Fiber.interrupt(operator)
        return lost.isLost()
      }).pipe(Effect.scoped)
    let number = 1
    while ((yield* isLostAt(number, "before")) && (yield* isLostAt(number, "after"))) number++
  }),

  "an order reaches a parked process without its operator, and the events that wait keep their order": Effect.gen(
    function* () {
      const [node, other] = yield* two
      const { bank, process, shop } = yield* billed(other, "a")
      bank.hands.isDown = true
      yield* place(other, shop, "a", 80)
      yield* other.run(Reactor.catchUp(process, job))
      const lost = losing(node, 1, "after")
      const operator = yield* Effect.forkScoped(lost.run(Operator.restart(process, "a", { step: 1, ...anna })))
      yield* eventually(
        "it is lost, or has ended",
        Effect.sync(() => lost.isLost() || operator.pollUnsafe() !== undefined)
      )
      assert.isTrue(lost.isLost())
      bank.hands.isDown = false
      yield* eventually(
        "the order is carried out",
        Effect.map(
          Effect.andThen(other.run(Reactor.catchUp(process, job)), billOf(other, process, "a")),
          ({ sending, step }) => step === 3 && sending.length === 0
        )
      )
      yield* Fiber.interrupt(operator)
      assert.deepStrictEqual((yield* chargesOf(other, bank, "a"))[0], [70, 70])
      assert.deepStrictEqual(yield* letters(other, process), ["a"])
      yield* other.run(Reactor.retryParked(process))
      yield* place(other, shop, "a", 90)
      yield* other.run(Reactor.catchUp(process, job))
      assert.deepStrictEqual((yield* chargesOf(other, bank, "a"))[0], [70, 70, 90])
      assert.deepStrictEqual(yield* letters(other, process), [])
    }
  )
}
