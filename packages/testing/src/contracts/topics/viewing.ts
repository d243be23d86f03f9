import { assert } from "@effect/vitest"
import { Executor, Projection, Query, Records, View } from "@hexfold/core"
import { Effect, Option, Schema } from "effect"
import type { Cases } from "../plan.ts"
import { job, newTally, projecting, type Tally } from "../projections/tallies.ts"
import { open, type TroubledNode, three, two } from "../projections/trouble.ts"
import { newName, oldPaymentsOf, paymentsOf, type Payments, received } from "./payments.ts"

const State = Schema.Struct({ cents: Schema.Array(Schema.Int), counted: Schema.Int, orders: Schema.Array(Schema.Int) })
const none: typeof State.Type = { cents: [], counted: 0, orders: [] }

/** A record for each order, and one for all under `all`. It follows a topic and an aggregate. */
const viewOf = (topic: Payments, tally: Tally) =>
  View.make(`Paid_${topic.name}`, {
    from: [topic, tally],
    state: State,
    key: { Received: (_, { id }) => [String(id), "all"], Bounced: () => [], Added: () => "all" },
    evolve: {
      Received: (state = none, { cents }, { id }) => ({
        ...state,
        cents: [...state.cents, cents],
        orders: [...state.orders, id]
      }),
      Bounced: (state) => state,
      Added: (state = none) => ({ ...state, counted: state.counted + 1 })
    }
  })

type Paid = ReturnType<typeof viewOf>

const recordsOf = (node: TroubledNode, view: Paid) =>
  Effect.map(node.run(Records.query(view, Query.from(view))), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

const made = () => {
  const [topic, tally] = [paymentsOf(newName()), newTally()]
  return { topic, tally, view: viewOf(topic, tally) }
}

/** Views follow a topic as they follow an aggregate. */
export const viewing: Cases = {
  "a view of a topic and an aggregate has each event, and a publisher that has waited reads what it published":
    Effect.gen(function* () {
      const { tally, topic, view } = made()
      const [one, other, client] = yield* three
      for (const node of [one, other]) yield* projecting(node, view, { parts: 4, maxParts: 2 })
      yield* Effect.forEach(
        Array.from({ length: 60 }, (_, i) => i),
        (i) =>
          Effect.gen(function* () {
            const key = 1 + (i % 10)
            yield* Executor.publish(topic, key, received(i)).pipe(Projection.waitFor([view], { timeout: "2 minutes" }))
            const record = Option.getOrThrow(yield* Records.get(view, String(key)))
            assert.include(record.cents, i)
            if (i % 3 === 0) {
              yield* Executor.execute(tally, `t${i}`, { _tag: "Add", n: i }).pipe(
                Projection.waitFor([view], { timeout: "2 minutes" })
              )
            }
          }).pipe(client.run),
        { concurrency: 20, discard: true }
      )
      const records = yield* recordsOf(client, view)
      const { all, ...ofOrders } = records
      assert.strictEqual(all!.counted, 20)
      assert.deepStrictEqual(
        [...all!.cents].sort((a, b) => a - b),
        Array.from({ length: 60 }, (_, i) => i)
      )
      assert.deepStrictEqual(Object.keys(ofOrders).length, 10)
      for (const [key, { cents, orders }] of Object.entries(ofOrders)) {
        assert.deepStrictEqual(
          orders,
          Array.from({ length: 6 }, () => Number(key))
        )
        for (const each of cents) assert.strictEqual(1 + (each % 10), Number(key))
      }
    }),

  "a rebuild, and a view without a key of its own, have what older programs have published": Effect.gen(function* () {
    const name = newName()
    const [topic, node] = [paymentsOf(name), yield* open]
    const byOrder = View.make(`ByOrder_${name}`, {
      from: [topic],
      state: Schema.Array(Schema.Int),
      evolve: { Received: (all = [], { cents }) => [...all, cents] }
    })
    const old = [{ _tag: "Received", euros: 1 }, { _tag: "Split", cents: [2, 3] }, { _tag: "Announced" }] as const
    yield* node.run(Executor.publish(oldPaymentsOf(name), 4, old))
    const { position } = yield* node.run(Executor.publish(topic, 4, received(5)))
    yield* node.run(Projection.catchUp(byOrder, job))
    assert.deepStrictEqual(yield* node.run(Records.get(byOrder, "4")), Option.some([100, 2, 3, 5]))
    yield* node.run(Executor.publish(topic, 5, received(6)))
    const before = Effect.provide(Records.get(byOrder, "4"), Records.at(byOrder, { position: position - 1 }))
    assert.deepStrictEqual(yield* node.run(before), Option.some([100, 2, 3]))
    yield* node.run(Projection.rebuild(byOrder, job))
    assert.deepStrictEqual(
      yield* node.run(Records.getMany(byOrder, ["4", "5"])),
      new Map([
        ["4", [100, 2, 3, 5]],
        ["5", [6]]
      ])
    )
  }),

  "an event of a topic that cannot be applied parks its records, and no others": Effect.gen(function* () {
    const [owner, client] = yield* two
    const [topic, tally] = [paymentsOf(newName()), newTally()]
    const view = View.make(`Parking_${topic.name}`, {
      from: [topic, tally],
      onPoison: "park",
      state: Schema.Array(Schema.Int),
      evolve: {
        Received: (all = [], { cents }) => {
          if (cents < 0) throw new Error("it cannot be applied")
          return [...all, cents]
        }
      }
    })
    yield* projecting(owner, view)
    for (const cents of [1, -1, 2]) yield* client.run(Executor.publish(topic, 1, received(cents)))
    yield* client.run(
      Executor.publish(topic, 2, received(3)).pipe(Projection.waitFor([view], { timeout: "2 minutes" }))
    )
    const keys = [topic.streamId(1), topic.streamId(2)] as const
    const records = yield* client.run(Records.getMany(view, keys))
    assert.deepStrictEqual(
      records,
      new Map([
        [keys[0], [1]],
        [keys[1], [3]]
      ])
    )
  })
}
