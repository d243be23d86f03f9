import { assert } from "@effect/vitest"
import { Executor, Process, Reactor } from "@hexfold/core"
import { Duration, Effect, Fiber, Schema, Stream } from "effect"
import { eventually } from "../eventually.ts"
import { open, two, type TroubledNode } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { job, newShop, place, running, type Shop } from "./orders.ts"

/**
 * A process that cancels an order when it is not paid in time. It ends when the order is paid.
 */
const reminderOf = ({ name, order, payment }: Shop, after: Duration.Input) =>
  Process.make(`Reminder_${name}`, {
    from: [order, payment],
    to: [order],
    timeouts: ["unpaid"],
    start: "beginning",
    state: Schema.Struct({ reminded: Schema.Int }),
    initial: { reminded: 0 },
    on: {
      Placed: {
        key: (_, { id }) => id,
        react: (state) => Process.next(state, Process.timeout("unpaid", { after }))
      },
      Charged: { key: ({ order }) => order, react: (state) => Process.end(state) }
    },
    onTimeout: {
      unpaid: ({ reminded }, key) =>
        Process.end({ reminded: reminded + 1 }, Process.send(order, key, { _tag: "Cancel", why: "not paid" }))
    }
  })

const pay = ({ run }: TroubledNode, { payment }: Shop, id: string) =>
  run(Executor.execute(payment, id, { _tag: "Charge", order: id, cents: 1 }))

const stateOf = ({ run }: TroubledNode, { order }: Shop, id: string) =>
  Effect.map(run(Executor.load(order, id)), ({ state }) => state)

const isCancelled = (node: TroubledNode, shop: Shop, id: string) =>
  eventually(
    `the order ${id} is cancelled`,
    Effect.map(stateOf(node, shop, id), (state) => state.length > 1)
  )

/** The steps of a process, by their causes. */
const causesOf = ({ run }: TroubledNode, { log }: ReturnType<typeof reminderOf>, id: string) =>
  Effect.map(run(Stream.runCollect(Executor.history(log, id))), (facts) =>
    facts.flatMap(({ event: { data } }) => (data._tag === "Stepped" ? [data.cause._tag] : []))
  )

/** Timeouts come once, and not after they were taken back. */
export const expiring: Cases = {
  "a timeout comes when its time has come": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = reminderOf(shop, "50 millis")
    yield* running(node, process)
    yield* place(node, shop, "a", 70)
    yield* isCancelled(node, shop, "a")
    assert.deepStrictEqual(yield* causesOf(node, process, "a"), ["Event", "Timeout"])
  }),

  "a timeout that is taken back does not come": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = reminderOf(shop, "300 millis")
    yield* running(node, process)
    yield* place(node, shop, "a", 70)
    yield* pay(node, shop, "a")
    yield* place(node, shop, "b", 70)
    // The later timeout has come, so the time of the earlier one is over.
    yield* isCancelled(node, shop, "b")
    assert.deepStrictEqual(yield* stateOf(node, shop, "a"), ["placed"])
    assert.deepStrictEqual(yield* causesOf(node, process, "a"), ["Event", "Event"])
  }),

  "a timeout that is asked for again begins anew": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = reminderOf(shop, "300 millis")
    yield* running(node, process)
    yield* place(node, shop, "a", 70)
    yield* place(node, shop, "a", 70)
    yield* eventually(
      "the order is cancelled",
      Effect.map(stateOf(node, shop, "a"), (state) => state.length > 2)
    )
    yield* place(node, shop, "b", 70)
    yield* isCancelled(node, shop, "b")
    assert.deepStrictEqual(yield* causesOf(node, process, "a"), ["Event", "Event", "Timeout"])
    const { state } = yield* node.run(Executor.load(process.log, "a"))
    assert.deepStrictEqual([state.state.reminded, state.waiting, state.setting, state.cancelling], [1, [], [], []])
  }),

  "a timeout whose time comes while nobody works comes afterwards": Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    const process = reminderOf(shop, "50 millis")
    const first = yield* running(node, process)
    yield* place(node, shop, "a", 70)
    yield* eventually(
      "the timer is set",
      Effect.map(
        node.run(Executor.load(process.log, "a")),
        ({ state }) => state.step === 1 && state.setting.length === 0
      )
    )
    yield* Fiber.interrupt(first)
    yield* running(other, process)
    yield* isCancelled(other, shop, "a")
    assert.deepStrictEqual(yield* causesOf(other, process, "a"), ["Event", "Timeout"])
  }),

  "a payment and its deadline in one instant: one of the two ends the process, and never both": Effect.gen(
    function* () {
      const shop = newShop()
      const [node, other] = yield* two
      const process = reminderOf(shop, "100 millis")
      yield* running(node, process)
      yield* running(other, process)
      const ids = Array.from({ length: 40 }, (_, i) => `o${i}`)
      yield* Effect.forEach(
        ids,
        (id, i) =>
          Effect.gen(function* () {
            yield* place(node, shop, id, 70)
            yield* Effect.sleep(Duration.millis(60 + 3 * i))
            yield* pay(i % 2 === 0 ? node : other, shop, id)
          }),
        { concurrency: "unbounded" }
      )
      for (const id of ids) {
        yield* eventually(
          `the process ${id} has ended`,
          Effect.map(
            node.run(Executor.load(process.log, id)),
            ({ state: { sending, status } }) => status === "ended" && sending.length === 0
          )
        )
        const causes = yield* causesOf(node, process, id)
        const state = yield* stateOf(node, shop, id)
        const isLate = causes.includes("Timeout")
        assert.deepStrictEqual(causes, isLate ? ["Event", "Timeout"] : ["Event", "Event"])
        assert.deepStrictEqual(state, isLate ? ["placed", "cancelled: not paid"] : ["placed"])
      }
    }
  ),

  "a timeout is counted from the time of its event, whenever that is handled": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = reminderOf(shop, "1 hour")
    yield* place(node, shop, "a", 70)
    yield* node.run(Reactor.catchUp(process, job))
    const [placed] = yield* Stream.runCollect(node.eventStore.readAll({ aggregates: [shop.order.name], limit: 1 }))
    const { state } = yield* node.run(Executor.load(process.log, "a"))
    const [waiting] = state.waiting
    assert.strictEqual(
      waiting!.at.epochMilliseconds,
      placed!.recordedAt.epochMilliseconds + Duration.toMillis("1 hour")
    )
  })
}
