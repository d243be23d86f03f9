import { assert } from "@effect/vitest"
import { Deadline, Executor, Query, Reactor, Records } from "@hexfold/core"
import { DateTime, Duration, Effect, Layer } from "effect"
import { eventually } from "../eventually.ts"
import { open, two, type TroubledNode } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { job, newShop, place, type Shop } from "./orders.ts"

const options = { lease: "2 seconds", pause: "20 millis" } as const

/** Executes the commands of deadlines in a node until the case ends. */
const executing = ({ run }: TroubledNode, { order, reserve }: Shop) =>
  Effect.forkScoped(run(Layer.launch(Deadline.layer([order, reserve], options))))

const cancelOrder = ({ run }: TroubledNode, { order }: Shop, id: string, when: Deadline.Options, why = "late") =>
  run(Deadline.schedule(order, id, { _tag: "Cancel", why }, when))

const stateOf = ({ run }: TroubledNode, { order }: Shop, id: string) =>
  Effect.map(run(Executor.load(order, id)), ({ state }) => state)

const comesTo = (node: TroubledNode, shop: Shop, id: string, state: ReadonlyArray<string>) =>
  eventually(
    `the order ${id} comes to ${state.join(", ")}`,
    Effect.map(stateOf(node, shop, id), (all) => JSON.stringify(all) === JSON.stringify(state))
  )

/** Commands at a later time are executed once, or cancelled. */
export const scheduling: Cases = {
  "a command is executed when its time has come, on an aggregate and over a boundary": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    yield* executing(node, shop)
    yield* cancelOrder(node, shop, "a", { after: "50 millis" })
    yield* node.run(Deadline.schedule(shop.reserve, { _tag: "ReserveStock", order: "b" }, { after: "50 millis" }))
    yield* comesTo(node, shop, "a", ["cancelled: late"])
    yield* eventually(
      "the stock is reserved",
      Effect.map(node.run(Executor.load(shop.stock, "all")), ({ state }) => state.includes("b"))
    )
  }),

  "a deadline that is set again under its id is set once": Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    const id = `deadline ${shop.name}`
    for (const each of [node, other, node]) yield* cancelOrder(each, shop, "a", { after: "100 millis", id })
    yield* executing(node, shop)
    yield* executing(other, shop)
    yield* comesTo(node, shop, "a", ["cancelled: late"])
    yield* cancelOrder(node, shop, "a", { after: 0, id })
    yield* cancelOrder(node, shop, "b", { after: 0 })
    yield* comesTo(node, shop, "b", ["cancelled: late"])
    assert.deepStrictEqual(yield* stateOf(node, shop, "a"), ["cancelled: late"])
  }),

  "a deadline that is cancelled is not executed": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const id = yield* cancelOrder(node, shop, "a", { after: "150 millis" })
    assert.isTrue(yield* node.run(Deadline.cancel(id)))
    assert.isTrue(yield* node.run(Deadline.cancel(id)))
    assert.isFalse(yield* node.run(Deadline.cancel(`unknown ${shop.name}`)))
    yield* executing(node, shop)
    yield* cancelOrder(node, shop, "b", { after: "200 millis" })
    yield* comesTo(node, shop, "b", ["cancelled: late"])
    assert.deepStrictEqual(yield* stateOf(node, shop, "a"), [])
  }),

  "a cancellation at the moment of the deadline: one of the two wins": Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    yield* executing(node, shop)
    yield* executing(other, shop)
    const ids = Array.from({ length: 40 }, (_, i) => `o${i}`)
    const cancelled = yield* Effect.forEach(
      ids,
      (id, i) =>
        Effect.gen(function* () {
          const deadline = yield* cancelOrder(node, shop, id, { after: "100 millis" })
          yield* Effect.sleep(Duration.millis(80 + 6 * i))
          return yield* (i % 2 === 0 ? node : other).run(Deadline.cancel(deadline))
        }),
      { concurrency: "unbounded" }
    )
    yield* cancelOrder(node, shop, "last", { after: 0 })
    yield* comesTo(node, shop, "last", ["cancelled: late"])
    for (const [i, id] of ids.entries()) yield* comesTo(node, shop, id, cancelled[i]! ? [] : ["cancelled: late"])
  }),

  "commands to one target are executed in the order of their times": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    const began = yield* DateTime.now
    const at = (millis: number) => ({ at: DateTime.addDuration(began, millis) })
    for (const n of [5, 2, 4, 1, 3]) yield* cancelOrder(node, shop, "a", at(10 * n), String(n))
    yield* executing(node, shop)
    yield* comesTo(
      node,
      shop,
      "a",
      [1, 2, 3, 4, 5].map((n) => `cancelled: ${n}`)
    )
  }),

  "a handler that is run again sets the same deadline": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    let runs = 0
    const reactor = Reactor.make(`Later_${shop.name}`, {
      from: [shop.order],
      start: "beginning",
      on: {
        Placed: (_, { id }) =>
          Effect.gen(function* () {
            yield* Deadline.schedule(shop.order, id, { _tag: "Cancel", why: "later" }, { after: "20 millis" })
            if (++runs < 3) yield* Effect.fail("once more")
          })
      }
    })
    yield* place(node, shop, "a", 1)
    yield* node.run(Reactor.catchUp(reactor, job))
    yield* executing(node, shop)
    yield* comesTo(node, shop, "a", ["placed", "cancelled: later"])
    yield* cancelOrder(node, shop, "b", { after: 0 })
    yield* comesTo(node, shop, "b", ["cancelled: late"])
    assert.deepStrictEqual(yield* stateOf(node, shop, "a"), ["placed", "cancelled: later"])
  }),

  "the deadlines that wait are records of a view": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    yield* executing(node, shop)
    const at = DateTime.makeUnsafe("9000-01-01T00:00:00Z")
    const id = yield* cancelOrder(node, shop, "a", { at })
    const waiting = node.run(
      Effect.orElseSucceed(
        Records.query(Deadline.Waiting, Query.from(Deadline.Waiting, { where: { at: at.epochMilliseconds } })),
        () => ({ rows: [] })
      )
    )
    const ids = Effect.map(waiting, ({ rows }) => rows.map(({ key }) => key).filter((key) => key === id))
    yield* eventually(
      "it waits",
      Effect.map(ids, (all) => all.length === 1)
    )
    yield* node.run(Deadline.cancel(id))
    yield* eventually(
      "it waits no more",
      Effect.map(ids, (all) => all.length === 0)
    )
  })
}
