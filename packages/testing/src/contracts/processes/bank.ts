import { Aggregate, Decision, Executor, Process, Reactor } from "@hexfold/core"
import { type Duration, Effect, Schema, Stream } from "effect"
import type { TroubledNode } from "../projections/trouble.ts"
import { job, newShop, place, type Shop } from "./orders.ts"

class Charge extends Schema.TaggedClass<Charge>()("Charge", { order: Schema.String, cents: Schema.Int }) {}
class Charged extends Schema.TaggedClass<Charged>()("Charged", { order: Schema.String, cents: Schema.Int }) {}

/** A bank that cannot be used while it is down, and that may charge without telling anybody. */
export const newBank = ({ name }: Shop) => {
  const hands = { isDown: false }
  const account = Aggregate.make(`Account_${name}`, {
    id: Schema.String,
    state: Schema.Array(Schema.Int),
    initial: [],
    commands: [Charge],
    events: [Charged],
    decide: {
      Charge: ({ cents, order }) => {
        if (hands.isDown) throw new Error("the bank is down")
        return Decision.accept(new Charged({ order, cents }))
      }
    },
    evolve: { Charged: (all, { cents }) => [...all, cents] }
  })
  return { hands, account }
}

export type Bank = ReturnType<typeof newBank>

/** What differs between the processes of the cases. */
interface Definition {
  readonly after?: Duration.Input
  readonly fee?: number
  readonly version?: number
  readonly onPoison?: "park" | "skip"
}

/** A process that charges the price of an order and a fee, and ends when the order is cancelled: in time, or by it. */
export const billingOf = (
  { name, order }: Shop,
  { account }: Bank,
  { after = "1 hour", fee = 1, ...definition }: Definition = {}
) =>
  Process.make(`Billing_${name}`, {
    ...definition,
    from: [order],
    to: [account, order],
    timeouts: ["unpaid"],
    start: "beginning",
    state: Schema.Struct({ placed: Schema.Int }),
    initial: { placed: 0 },
    on: {
      Placed: {
        key: (_, { id }) => id,
        react: ({ placed }, { cents }, { id }) =>
          Process.next(
            { placed: placed + 1 },
            Process.send(account, id, new Charge({ order: id, cents })),
            Process.send(account, `fee-${id}`, new Charge({ order: id, cents: fee })),
            Process.timeout("unpaid", { after })
          )
      },
      Cancelled: { key: (_, { id }) => id, react: (state) => Process.end(state) }
    },
    onTimeout: { unpaid: (state, key) => Process.end(state, Process.send(order, key, { _tag: "Cancel", why: "late" })) }
  })

export type Billing = ReturnType<typeof billingOf>

/** What was charged of an order, and the fees. */
export const chargesOf = ({ run }: Pick<TroubledNode, "run">, { account }: Bank, id: string) =>
  Effect.map(
    run(Effect.all([Executor.load(account, id), Executor.load(account, `fee-${id}`)])),
    ([{ state: price }, { state: fees }]) => [price, fees] as const
  )

/** A process with a key. */
export const billOf = ({ run }: Pick<TroubledNode, "run">, { log }: Billing, id: string) =>
  Effect.map(run(Executor.load(log, id)), ({ state }) => state)

/** What the stream of a process says: the causes of its steps, and orders with who has given them. */
export const toldBy = ({ run }: Pick<TroubledNode, "run">, { log }: Billing, id: string) =>
  Effect.map(run(Stream.runCollect(Executor.history(log, id))), (facts) =>
    facts.flatMap(({ event: { data } }) =>
      data._tag === "Stepped"
        ? [data.cause._tag === "Order" ? `${data.step}: ${data.cause.order}` : `${data.step}: ${data.cause._tag}`]
        : data._tag === "Ordered"
          ? [`${data.order} by ${data.by}: ${data.why}`]
          : []
    )
  )

/** Who gives the orders, and why. */
export const anna = { by: "anna", why: "the bank was down" } as const

/** The keys of the dead letters. */
export const letters = ({ run }: TroubledNode, process: Billing) =>
  Effect.map(run(Stream.runCollect(Reactor.deadLetters(process))), (all) => all.map(({ key }) => key))

/** A shop with a process whose first step is recorded for each of these orders. */
export const billed = (
  node: TroubledNode,
  ...ids: ReadonlyArray<string>
): Effect.Effect<{ readonly shop: Shop; readonly bank: Bank; readonly process: Billing }, unknown> =>
  Effect.gen(function* () {
    const shop = newShop()
    const bank = newBank(shop)
    const process = billingOf(shop, bank)
    for (const id of ids) yield* place(node, shop, id, 70)
    yield* node.run(Reactor.catchUp(process, job))
    return { shop, bank, process }
  })
