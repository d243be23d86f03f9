/** Two applications: a shop, which publishes what its orders have got, and a bank, which enters it. */
import { Aggregate, Decision, Publication, Topic } from "@hexfold/core"
import { Schema } from "effect"

/** The schemas of Postgres of the two. */
export const schemas = { shop: "shop", bank: "bank" } as const

/** The stream of NATS between them, and the bank's consumer of it. */
export const names = { stream: "orders", consumer: "bank" } as const

const Add = Schema.TaggedStruct("Add", { token: Schema.String })
const fields = { n: Schema.Int, token: Schema.String }
const Added = Schema.TaggedStruct("Added", fields)

/** An order counts what it has got: the events of one are numbered without a gap. */
export const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  decide: { Add: ({ token }, n) => Decision.accept(Added.make({ n: n + 1, token })) },
  evolve: { Added: (_, { n }) => n }
})

/** What a message is to the bank, by the number of the event. */
export const fateOf = (n: number): "entered" | "rejected" | "poison" =>
  n % 13 === 7 ? "poison" : n % 11 === 5 ? "rejected" : "entered"

const ItemAdded = Schema.TaggedStruct("ItemAdded", { n: Schema.Unknown, token: Schema.String })

export const OrdersV1 = Publication.make("orders.v1", {
  from: [Order],
  start: "beginning",
  source: "/shop/orders",
  contract: [ItemAdded],
  map: ({ n, token }) => ItemAdded.make({ n: fateOf(n) === "poison" ? `item ${n}` : n, token })
})

/** What the bank understands. It has read that the number is one. */
export const Body = Schema.Struct(fields)

const Enter = Schema.TaggedStruct("Enter", fields)
const Entered = Schema.TaggedStruct("Entered", fields)
/** The bank does not take it. */
class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}

export const Ledger = Aggregate.make("Ledger", {
  id: Schema.String,
  state: Schema.Null,
  initial: null,
  commands: [Enter],
  events: [Entered],
  errors: [Refused],
  decide: {
    Enter: ({ n, token }) =>
      fateOf(n) === "rejected" ? Decision.reject(new Refused()) : Decision.accept(Entered.make({ n, token }))
  },
  evolve: { Entered: () => null }
})

/** What the bank could not read. */
export const DeadMessages = Topic.make("DeadMessages", {
  key: Schema.String,
  events: [Schema.TaggedStruct("Dead", { token: Schema.String })]
})
