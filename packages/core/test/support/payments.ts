/** A topic: payments, by the number of an order. */
import { Topic } from "@hexfold/core"
import { Schema } from "effect"

export class PaymentReceived extends Schema.TaggedClass<PaymentReceived>()("PaymentReceived", {
  cents: Schema.Int,
  note: Schema.String
}) {}
export class PaymentBounced extends Schema.TaggedClass<PaymentBounced>()("PaymentBounced", {
  reason: Schema.String
}) {}

export const Payments = Topic.make("Payments", { key: Schema.Int, events: [PaymentReceived, PaymentBounced] })

export const received = (cents: number, note = ""): PaymentReceived => new PaymentReceived({ cents, note })
