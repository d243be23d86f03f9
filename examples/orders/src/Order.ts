/** An order of a customer: open until it is completed or cancelled. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

export const Cents = Schema.Int.check(Schema.isGreaterThan(0))
export const Quantity = Schema.Int.check(Schema.isGreaterThan(0))

const content = { customer: Schema.String, item: Schema.NonEmptyString, quantity: Quantity, cents: Cents }

export class Place extends Schema.TaggedClass<Place>()("Place", content) {}
/** The customer does not want it any more. */
export class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", {}) {}
export class Complete extends Schema.TaggedClass<Complete>()("Complete", { tracking: Schema.String }) {}
export class Cancel extends Schema.TaggedClass<Cancel>()("Cancel", { why: Schema.String }) {}

export class OrderPlaced extends Schema.TaggedClass<OrderPlaced>()("OrderPlaced", content) {}
export class OrderWithdrawn extends Schema.TaggedClass<OrderWithdrawn>()("OrderWithdrawn", {}) {}
export class OrderCompleted extends Schema.TaggedClass<OrderCompleted>()("OrderCompleted", {
  customer: Schema.String,
  tracking: Schema.String
}) {}
export class OrderCancelled extends Schema.TaggedClass<OrderCancelled>()("OrderCancelled", {
  customer: Schema.String,
  why: Schema.String
}) {}

export class NotOpen extends Schema.TaggedError<NotOpen>()("NotOpen", { status: Schema.String }) {}

export const Order = Aggregate.make("Order", {
  id: Schema.NonEmptyString,
  state: Schema.TaggedUnion({
    New: {},
    Open: { customer: Schema.String, isWithdrawn: Schema.Boolean },
    Completed: { tracking: Schema.String },
    Cancelled: { why: Schema.String }
  }),
  initial: { _tag: "New" },
  commands: [Place, Withdraw, Complete, Cancel],
  events: [OrderPlaced, OrderWithdrawn, OrderCompleted, OrderCancelled],
  errors: [NotOpen],
  decide: {
    Place: ({ _tag, ...ordered }, order) =>
      order._tag === "New" ? Decision.accept(new OrderPlaced(ordered)) : Decision.nothing,
    // Whether it is too late, the process knows. It cancels the order if it can.
    Withdraw: (_, order) =>
      order._tag !== "Open"
        ? Decision.reject(new NotOpen({ status: order._tag }))
        : order.isWithdrawn
          ? Decision.nothing
          : Decision.accept(new OrderWithdrawn()),
    Complete: ({ tracking }, order) =>
      order._tag === "Open"
        ? Decision.accept(new OrderCompleted({ customer: order.customer, tracking }))
        : Decision.nothing,
    Cancel: ({ why }, order) =>
      order._tag === "Open" ? Decision.accept(new OrderCancelled({ customer: order.customer, why })) : Decision.nothing
  },
  evolve: {
    OrderPlaced: (_, { customer }) => ({ _tag: "Open", customer, isWithdrawn: false }),
    OrderWithdrawn: (order) => (order._tag === "Open" ? { ...order, isWithdrawn: true } : order),
    OrderCompleted: (_, { tracking }) => ({ _tag: "Completed", tracking }),
    OrderCancelled: (_, { why }) => ({ _tag: "Cancelled", why })
  }
})
