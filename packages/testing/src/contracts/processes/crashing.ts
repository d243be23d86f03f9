import { assert } from "@effect/vitest"
import { Executor, Reactor } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { eventually } from "../eventually.ts"
import { two, type TroubledNode } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { losing } from "./losing.ts"
import { ends, fulfilmentOf, instanceOf, newShop, outcomeOf, place, running, type Shop, unlucky } from "./orders.ts"

/** Each order has its one right end: nothing is charged, given back or cancelled twice. */
const isRight = (node: TroubledNode, shop: Shop, id: string, cents: number) =>
  Effect.map(outcomeOf(node, shop, id), (outcome) =>
    assert.deepStrictEqual(
      outcome,
      cents > 100
        ? { order: ["placed", "cancelled: more than 100"], payment: [] }
        : { order: ["placed"], payment: [cents] }
    )
  )

// The lease is long enough for a busy machine: an owner that works keeps it.
const options = { lease: "1 second" } as const

/** Loses an owner at an append, and returns whether there was such an append. */
const lostAt = (number: number, cents: number, when: "before" | "after") =>
  Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    const process = fulfilmentOf(shop)
    yield* place(other, shop, "a", cents)
    const lost = losing(node, number, when)
    yield* running(lost, process, options)
    yield* eventually(
      "it is lost, or has ended",
      Effect.map(
        instanceOf(other, process, "a"),
        ({ sending, status }) => lost.isLost() || (status === "ended" && sending.length === 0)
      )
    )
    yield* running(other, process, options)
    yield* ends(other, process, "a")
    yield* isRight(other, shop, "a", cents)
    const facts = yield* other.run(Stream.runCollect(Executor.history(process.log, "a")))
    const causes = facts.flatMap(({ event: { data } }) => (data._tag === "Stepped" ? [JSON.stringify(data.cause)] : []))
    assert.strictEqual(new Set(causes).size, causes.length)
    return lost.isLost()
  }).pipe(Effect.scoped)

/** Loses an owner at each of its appends. Some are lost beside each other, because each waits for the end of a lease. */
const lostAtEach = (cents: number, when: "before" | "after") =>
  Effect.gen(function* () {
    const points = [0, 1, 2, 3]
    for (let first = 1; ; first += points.length) {
      const lost = yield* Effect.forEach(points, (i) => lostAt(first + i, cents, when), { concurrency: "unbounded" })
      if (lost.includes(false)) return
    }
  })

/** A process that is lost between any two steps goes on in another one, and nothing has a second effect. */
export const crashing: Cases = {
  "an owner that is lost before any of its appends": lostAtEach(70, "before"),
  "an owner that is lost after any of its appends": lostAtEach(70, "after"),
  "an owner that is lost before any of its appends while it compensates": lostAtEach(170, "before"),
  "an owner that is lost after any of its appends while it compensates": lostAtEach(170, "after"),

  "a command that fails for a technical reason parks the key, and goes out when it is tried again": Effect.gen(
    function* () {
      const shop = newShop()
      const [node, other] = yield* two
      const process = fulfilmentOf(shop)
      yield* place(node, shop, "a", unlucky)
      yield* place(node, shop, "b", 70)
      yield* running(other, process)
      yield* ends(other, process, "b")
      const parked = Effect.map(node.run(Stream.runCollect(Reactor.deadLetters(process))), (letters) =>
        letters.map(({ key, parked }) => [key, parked])
      )
      yield* eventually(
        "the key is parked, with the event that has come since",
        Effect.map(parked, (all) => all.length === 2)
      )
      assert.deepStrictEqual(yield* parked, [
        ["a", true],
        ["a", true]
      ])
      const { sending } = yield* instanceOf(node, process, "a")
      assert.deepStrictEqual(
        sending.map(({ target }) => target),
        [shop.payment.name]
      )
      assert.deepStrictEqual(yield* outcomeOf(node, shop, "a"), { order: ["placed"], payment: [] })
    }
  )
}
