import { assert } from "@effect/vitest"
import { Executor, Process, Reactor, Versions } from "@hexfold/core"
import { Effect, Fiber, Schema, Stream } from "effect"
import { eventually } from "../eventually.ts"
import { statusOf, until } from "../projections/tallies.ts"
import { open, two, type TroubledNode } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { held, losing } from "./losing.ts"
import { ends, fulfilmentOf, job, newShop, outcomeOf, place, running, type Shop } from "./orders.ts"

const Former = Schema.Struct({ isPlaced: Schema.Boolean })
const Current = Schema.Struct({ isPlaced: Schema.Boolean, by: Schema.Int })

const declared = ({ name, order, payment }: Shop, version: number) =>
  ({
    name: `Waiting_${name}`,
    from: [order, payment],
    to: [order],
    timeouts: ["unpaid"],
    start: "beginning",
    version
  }) as const

/** A process that waits for the payment of an order, as the first program has it. */
const formerOf = (shop: Shop) => {
  const { name, ...declaration } = declared(shop, 1)
  return Process.make(name, {
    ...declaration,
    state: Former,
    initial: { isPlaced: false },
    on: {
      Placed: {
        key: (_, { id }) => id,
        react: () => Process.next({ isPlaced: true }, Process.timeout("unpaid", { after: "14 days" }))
      },
      Charged: { key: ({ order }) => order, react: (state) => Process.end(state) }
    },
    onTimeout: { unpaid: (state) => Process.end(state) }
  })
}

/** The same as a later program has it: its state is another one, and it gives a command when the order is paid. */
const laterOf = (shop: Shop, version: number) => {
  const { name, ...declaration } = declared(shop, version)
  return Process.make(name, {
    ...declaration,
    state: Versions.first(Former).next(Current, ({ isPlaced }) => ({ isPlaced, by: 1 })),
    initial: { isPlaced: false, by: version },
    on: {
      Placed: {
        key: (_, { id }) => id,
        react: () => Process.next({ isPlaced: true, by: version }, Process.timeout("unpaid", { after: "14 days" }))
      },
      Charged: {
        key: ({ order }) => order,
        react: ({ by, isPlaced }, { order }) =>
          Process.end(
            { isPlaced, by: version },
            Process.send(shop.order, order, { _tag: "Cancel", why: `begun by ${by}, ended by ${version}` })
          )
      }
    },
    onTimeout: { unpaid: (state) => Process.end(state) }
  })
}

const pay = ({ run }: Pick<TroubledNode, "run">, { payment }: Shop, id: string) =>
  run(Executor.execute(payment, id, { _tag: "Charge", order: id, cents: 1 }))

const stateOf = ({ run }: Pick<TroubledNode, "run">, { order }: Shop, id: string) =>
  Effect.map(run(Executor.load(order, id)), ({ state }) => state)

const becomes = (node: Pick<TroubledNode, "run">, shop: Shop, id: string, expected: ReadonlyArray<string>) =>
  eventually(
    `the order ${id} is ${expected.join(", ")}`,
    Effect.map(stateOf(node, shop, id), (state) => JSON.stringify(state) === JSON.stringify(expected))
  )

const waits = ({ run }: Pick<TroubledNode, "run">, { log }: ReturnType<typeof formerOf>, id: string) =>
  eventually(
    `the process ${id} waits`,
    Effect.map(run(Executor.load(log, id)), ({ state: { setting, step } }) => step === 1 && setting.length === 0)
  )

/** Processes that wait while programs change, and owners that leave in the middle. */
export const deploying: Cases = {
  "a process that waits goes on in the next program, with its state brought up to date": Effect.gen(function* () {
    const shop = newShop()
    const [old, next] = yield* two
    const former = yield* running(old, formerOf(shop))
    yield* place(old, shop, "a", 70)
    yield* waits(old, formerOf(shop), "a")
    // Both programs run for a while, as in a rolling deployment. One of them takes the order that comes meanwhile.
    const ownerOf = Effect.map(statusOf(next, laterOf(shop, 2)), ([status]) => status?.parts[0]?.owner)
    const first = yield* ownerOf
    yield* running(next, laterOf(shop, 2))
    yield* place(old, shop, "b", 70)
    yield* eventually(
      "the next program works",
      Effect.map(ownerOf, (owner) => owner !== undefined && owner !== first)
    )
    yield* pay(old, shop, "a")
    yield* becomes(next, shop, "a", ["placed", "cancelled: begun by 1, ended by 2"])
    yield* Fiber.interrupt(former)
    yield* pay(old, shop, "b")
    yield* eventually(
      "the other order is ended too",
      Effect.map(stateOf(next, shop, "b"), (state) => state.length === 2)
    )
  }),

  "a process that waits while ten programs are deployed goes on with the answer, once": Effect.gen(function* () {
    const shop = newShop()
    const node = yield* open
    yield* place(node, shop, "a", 70)
    yield* node.run(Reactor.catchUp(formerOf(shop), job))
    for (let version = 2; version <= 11; version++) yield* node.run(Reactor.catchUp(laterOf(shop, version), job))
    yield* pay(node, shop, "a")
    yield* node.run(Reactor.catchUp(laterOf(shop, 11), job))
    assert.deepStrictEqual(yield* stateOf(node, shop, "a"), ["placed", "cancelled: begun by 1, ended by 11"])
    const { state } = yield* node.run(Executor.load(laterOf(shop, 11).log, "a"))
    assert.deepStrictEqual([state.status, state.step, state.waiting, state.sending], ["ended", 2, [], []])
  }),

  "an answer that is recorded before the step that waits for it is taken": Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    yield* place(other, shop, "a", 70)
    const slow = held(node, 1)
    yield* running(slow, laterOf(shop, 1), { lease: "10 seconds" })
    yield* until("the first step is about to be recorded", slow.isHeld)
    yield* pay(other, shop, "a")
    yield* slow.letThrough
    yield* becomes(other, shop, "a", ["placed", "cancelled: begun by 1, ended by 1"])
  }),

  "a command that a former program has recorded is sent by the next one, once": Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    yield* place(other, shop, "a", 70)
    const lost = losing(node, 1, "after")
    yield* running(lost, fulfilmentOf(shop), { lease: "300 millis" })
    yield* until("the step is recorded", lost.isLost)
    const next = fulfilmentOf(shop, { version: 2 })
    yield* running(other, next, { lease: "300 millis" })
    yield* ends(other, next, "a")
    assert.deepStrictEqual(yield* outcomeOf(other, shop, "a"), { order: ["placed"], payment: [70] })
  }),

  "an owner that leaves between a command and its answer makes no failure final": Effect.gen(function* () {
    const shop = newShop()
    const [node, other] = yield* two
    const process = fulfilmentOf(shop, { onPoison: "skip" })
    yield* place(other, shop, "a", 70)
    const slow = held(node, 2)
    const leaving = yield* running(slow, process, { stopWithin: "0 millis" })
    yield* until("the first command is under way", slow.isHeld)
    yield* Fiber.interrupt(leaving)
    yield* running(other, process)
    yield* ends(other, process, "a")
    assert.deepStrictEqual(yield* outcomeOf(other, shop, "a"), { order: ["placed"], payment: [70] })
    assert.deepStrictEqual(yield* other.run(Stream.runCollect(Reactor.deadLetters(process))), [])
  })
}
