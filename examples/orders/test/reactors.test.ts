import { expect, it } from "@effect/vitest"
import { ReactorScenario } from "@hexfold/testing"
import { Effect } from "effect"
import { Books, Enter } from "../src/Books.ts"
import { Order, OrderCancelled, OrderPlaced } from "../src/Order.ts"
import { type Mail, Mails, Warehouse } from "../src/outside.ts"
import { Payment, PaymentConfirmed, PaymentRequested, PaymentReversed } from "../src/Payment.ts"
import { KeepBooks, PackParcels, SendMail } from "../src/reactors.ts"
import { Dispatch, Shipment, ShipmentPrepared } from "../src/Shipment.ts"

const { command } = ReactorScenario

it.effect(
  "the books have each payment once, and take it out again when it is reversed",
  () =>
    ReactorScenario.of(KeepBooks)
      .given(Payment.at("7"), new PaymentRequested({ cents: 500 }))
      .when(Payment.at("7"), new PaymentConfirmed({ cents: 500, reference: "r" }))
      .then(command(Books, "sales", new Enter({ order: "7", cents: 500 })))
      .thenRepeats()
      .when(Payment.at("7"), new PaymentReversed({ received: 500 }))
      .then(command(Books, "sales", new Enter({ order: "7", cents: -500 })))
      .thenRepeats()
      .when(Payment.at("8"), new PaymentReversed({ received: 0 }))
      .thenNothing().run
)

it.effect("a parcel leaves when it is packed, and is packed under one key", () =>
  Effect.gen(function* () {
    const asks: Array<string> = []
    const pack = ({ key, order }: { readonly key: string; readonly order: string }) =>
      Effect.sync(() => (asks.push(key), `T-${order}`))
    yield* ReactorScenario.of(PackParcels)
      .when(Shipment.at("7"), new ShipmentPrepared())
      .then(command(Shipment, "7", new Dispatch({ tracking: "T-7" })))
      .thenRepeats()
      .run.pipe(Effect.provideService(Warehouse, { pack }))
    expect(asks.length).toBeGreaterThan(1)
    expect(new Set(asks).size).toBe(1)
  })
)

it.effect("the customer gets one mail about each end, under one key", () =>
  Effect.gen(function* () {
    const mails: Array<Mail> = []
    const ordered = { customer: "anna", item: "lamp", quantity: 1, cents: 500 }
    yield* ReactorScenario.of(SendMail)
      .given(Order.at("7"), new OrderPlaced(ordered))
      .when(Order.at("7"), new OrderCancelled({ customer: "anna", why: "not paid in time" }))
      .thenNothing()
      .thenRepeats()
      .run.pipe(Effect.provideService(Mails, { send: (mail) => Effect.sync(() => void mails.push(mail)) }))
    expect(new Set(mails.map(({ key }) => key)).size).toBe(1)
    expect(mails[0]).toMatchObject({ to: "anna", text: "Order 7 is cancelled: not paid in time" })
  })
)
