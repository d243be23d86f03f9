/**
 * The payment of an order, as far as we know. The provider knows more, and tells us later, or never. So a payment that is
 * reversed is reversed for good, whatever the provider answers afterwards: it is told to take the charge back.
 */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"
import { Cents } from "./Order.ts"

export class Request extends Schema.TaggedClass<Request>()("Request", { cents: Cents }) {}
/** The provider has charged the card. */
export class Confirm extends Schema.TaggedClass<Confirm>()("Confirm", { reference: Schema.String }) {}
/** The provider has refused. */
export class Refuse extends Schema.TaggedClass<Refuse>()("Refuse", { reason: Schema.String }) {}
/** We do not want the money any more, whether it has come or not. */
export class Reverse extends Schema.TaggedClass<Reverse>()("Reverse", {}) {}

export class PaymentRequested extends Schema.TaggedClass<PaymentRequested>()("PaymentRequested", { cents: Cents }) {}
export class PaymentConfirmed extends Schema.TaggedClass<PaymentConfirmed>()("PaymentConfirmed", {
  cents: Cents,
  reference: Schema.String
}) {}
export class PaymentRefused extends Schema.TaggedClass<PaymentRefused>()("PaymentRefused", { reason: Schema.String }) {}
export class PaymentReversed extends Schema.TaggedClass<PaymentReversed>()("PaymentReversed", {
  /** What had come by then. */
  received: Schema.Int
}) {}

export const Payment = Aggregate.make("Payment", {
  id: Schema.NonEmptyString,
  state: Schema.TaggedUnion({
    None: {},
    Requested: { cents: Cents },
    Paid: { cents: Cents },
    Refused: {},
    Reversed: {}
  }),
  initial: { _tag: "None" },
  commands: [Request, Confirm, Refuse, Reverse],
  events: [PaymentRequested, PaymentConfirmed, PaymentRefused, PaymentReversed],
  decide: {
    Request: ({ cents }, payment) =>
      payment._tag === "None" ? Decision.accept(new PaymentRequested({ cents })) : Decision.nothing,
    Confirm: ({ reference }, payment) =>
      payment._tag === "Requested"
        ? Decision.accept(new PaymentConfirmed({ cents: payment.cents, reference }))
        : Decision.nothing,
    Refuse: ({ reason }, payment) =>
      payment._tag === "Requested" ? Decision.accept(new PaymentRefused({ reason })) : Decision.nothing,
    Reverse: (_, payment) =>
      payment._tag === "Requested" || payment._tag === "Paid"
        ? Decision.accept(new PaymentReversed({ received: payment._tag === "Paid" ? payment.cents : 0 }))
        : Decision.nothing
  },
  evolve: {
    PaymentRequested: (_, { cents }) => ({ _tag: "Requested", cents }),
    PaymentConfirmed: (_, { cents }) => ({ _tag: "Paid", cents }),
    PaymentRefused: () => ({ _tag: "Refused" }),
    PaymentReversed: () => ({ _tag: "Reversed" })
  }
})
