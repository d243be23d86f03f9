import { assert } from "@effect/vitest"
import { Executor, Process, Projection, Query, Reactor, Records, View } from "@hexfold/core"
import { Effect, Schema, Stream } from "effect"
import { open, two } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { ends, fulfilmentOf, instanceOf, job, newerOf, newShop, outcomeOf, place, running, wrap } from "./orders.ts"

/** Steps, their commands and their answers. */
export const stepping: Cases = {
  "its commands go out, and their events take it on to its end": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = fulfilmentOf(shop)
    yield* running(node, process)
    yield* place(node, shop, "a", 70)
    yield* ends(node, process, "a")
    assert.deepStrictEqual(yield* outcomeOf(node, shop, "a"), { order: ["placed"], payment: [70] })
    const { state } = yield* instanceOf(node, process, "a")
    assert.deepStrictEqual(state, { paid: true, reserved: true })
  }),

  "a rejection is a step: it is given the error and the command, and compensates": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = fulfilmentOf(shop)
    yield* running(node, process)
    yield* place(node, shop, "a", 170)
    yield* ends(node, process, "a")
    assert.deepStrictEqual(yield* outcomeOf(node, shop, "a"), {
      order: ["placed", "cancelled: more than 100"],
      payment: []
    })
  }),

  "of more orders than the stock has, each comes to one right end": Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    const process = fulfilmentOf(shop)
    yield* running(node, process)
    yield* running(other, process)
    const ids = ["a", "b", "c", "d", "e", "f"]
    yield* Effect.forEach(ids, (id) => place(node, shop, id, 70), { concurrency: "unbounded" })
    for (const id of ids) yield* ends(node, process, id)
    const all = yield* Effect.forEach(ids, (id) => outcomeOf(node, shop, id))
    const sold = all.filter(({ order }) => order.length === 1)
    const soldOut = all.filter(({ order }) => order.length === 2)
    assert.deepStrictEqual([sold.length, soldOut.length], [3, 3])
    for (const { payment } of sold) assert.deepStrictEqual(payment, [70])
    for (const { payment } of soldOut) assert.deepStrictEqual(payment, [70, -70])
  }),

  "its stream says what it saw, decided, sent and got back, in order": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = fulfilmentOf(shop)
    yield* place(node, shop, "a", 170)
    yield* node.run(Reactor.catchUp(process, job))
    const facts = yield* node.run(Stream.runCollect(Executor.history(process.log, "a")))
    const told = facts.map(({ event: { data } }) =>
      data._tag === "Stepped" ? [data.step, data.cause._tag, data.sends.map(({ target }) => target)] : [data._tag]
    )
    assert.deepStrictEqual(told.slice(0, 3), [
      [1, "Event", [shop.payment.name, shop.reserve.name]],
      ["Settled"],
      [2, "Rejection", [shop.order.name]]
    ])
    const [first] = facts
    const [placed] = yield* Stream.runCollect(node.eventStore.readAll({ aggregates: [shop.order.name], limit: 1 }))
    assert.deepStrictEqual(first!.event.metadata, {
      correlationId: placed!.metadata.correlationId,
      causationId: placed!.id
    })
  }),

  "a view can be made of the streams of a process": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const process = fulfilmentOf(shop)
    const view = View.make(`Steps_${shop.name}`, {
      from: [process.log],
      state: Schema.Struct({ steps: Schema.Int }),
      key: (_event, { id }) => id,
      evolve: { Stepped: (_, { step }) => ({ steps: step }) }
    })
    yield* place(node, shop, "a", 70)
    yield* node.run(Reactor.catchUp(process, job))
    yield* node.run(Reactor.catchUp(process, job))
    yield* node.run(Projection.catchUp(view, job))
    const { rows } = yield* node.run(Records.query(view, Query.from(view)))
    assert.deepStrictEqual(
      rows.map(({ key, state }) => [key, state.steps]),
      [["a", 3]]
    )
  }),

  "an event of a newer program is waited for, and passed by a process of it": Effect.gen(function* () {
    const shop = newShop()
    const [old, next] = yield* two
    const process = fulfilmentOf(shop)
    yield* place(old, shop, "a", 70)
    yield* wrap(old, shop, "a")
    yield* place(old, shop, "b", 70)
    const failed = yield* Effect.flip(old.run(Reactor.catchUp(process, job)))
    assert.ok(failed._tag === "ReactionFailed" && failed.step === "unknown", failed.message)
    const paid = (id: string) => Effect.map(old.run(Executor.load(shop.payment, id)), ({ state }) => state)
    assert.deepStrictEqual([yield* paid("a"), yield* paid("b")], [[70], []])
    const newer = newerOf(shop)
    const newerProcess = fulfilmentOf(newer)
    yield* running(next, newerProcess)
    for (const id of ["a", "b"]) yield* ends(next, newerProcess, id)
    assert.deepStrictEqual((yield* next.run(Executor.load(newer.order, "a"))).state, ["placed", "wrapped"])
    assert.deepStrictEqual([yield* paid("a"), yield* paid("b")], [[70], [70]])
  }),

  "an event after the end does nothing, and one that is ignored is not recorded": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const once = Process.make(`Once_${shop.name}`, {
      from: [shop.order],
      to: [],
      start: "beginning",
      state: Schema.Int,
      initial: 0,
      on: {
        Placed: {
          key: () => "all",
          react: (count, { cents }) => (cents === 1 ? Process.ignore : Process.next(count + cents))
        },
        Cancelled: { key: () => "all", react: (count) => Process.end(count) }
      }
    })
    for (const cents of [5, 1, 7]) yield* place(node, shop, "a", cents)
    yield* node.run(Executor.execute(shop.order, "a", { _tag: "Cancel", why: "enough" }))
    yield* place(node, shop, "a", 9)
    yield* node.run(Reactor.catchUp(once, job))
    const { state, version } = yield* node.run(Executor.load(once.log, "all"))
    assert.deepStrictEqual([state.status, state.state, state.step, version], ["ended", 12, 3, 3])
  })
}
