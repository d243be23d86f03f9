import { Process } from "@hexfold/core"
import { ProcessScenario } from "@hexfold/testing"
import { describe, it } from "vitest"
import { Fulfilment } from "../src/Fulfilment.ts"
import { Cancel, Complete, Order, OrderPlaced, OrderWithdrawn } from "../src/Order.ts"
import { Payment, PaymentConfirmed, PaymentRefused, Request, Reverse } from "../src/Payment.ts"
import { AlreadyDispatched, Prepare, Shipment, ShipmentDispatched, ShipmentStopped, Stop } from "../src/Shipment.ts"
import { OutOfStock, Release, Reserve, Stock, StockReserved, TakeOut } from "../src/Stock.ts"

const placed = new OrderPlaced({ customer: "anna", item: "lamp", quantity: 2, cents: 4_900 })
const reserved = new StockReserved({ order: "7", quantity: 2 })
const confirmed = new PaymentConfirmed({ cents: 4_900, reference: "r" })

const begun = ProcessScenario.of(Fulfilment).given(Order.at("7"), placed)

/** What takes everything back. */
const givenUp = (why: string) => [
  Process.send(Stock, "lamp", new Release({ order: "7" })),
  Process.send(Payment, "7", new Reverse()),
  Process.send(Order, "7", new Cancel({ why }))
]

const prepares = {
  commands: [Process.send(Shipment, "7", new Prepare())],
  cancels: ["unpaid"],
  timeouts: { unshipped: "3 days" }
} as const

describe("the fulfilment", () => {
  it("reserves the goods and asks for the money at once", () => {
    ProcessScenario.of(Fulfilment)
      .when(Order.at("7"), placed)
      .then({
        commands: [
          Process.send(Stock, "lamp", new Reserve({ order: "7", quantity: 2 })),
          Process.send(Payment, "7", new Request({ cents: 4_900 }))
        ],
        timeouts: { unpaid: "30 minutes" }
      })
  })

  it("ships when both are there, whichever comes first", () => {
    begun
      .when(Stock.at("lamp"), reserved)
      .then({ state: { item: "lamp", isReserved: true, isPaid: false } })
      .when(Payment.at("7"), confirmed)
      .then(prepares)
    begun
      .when(Payment.at("7"), confirmed)
      .then({ state: { item: "lamp", isReserved: false, isPaid: true } })
      .when(Stock.at("lamp"), reserved)
      .then(prepares)
  })

  const ready = begun.given(Stock.at("lamp"), reserved).given(Payment.at("7"), confirmed)

  it("completes the order when the carrier has the parcel", () => {
    ready.when(Shipment.at("7"), new ShipmentDispatched({ tracking: "T" })).then({
      commands: [
        Process.send(Stock, "lamp", new TakeOut({ order: "7" })),
        Process.send(Order, "7", new Complete({ tracking: "T" }))
      ],
      ends: true
    })
  })

  it("takes everything back when there is no stock, the card is refused, or nobody pays", () => {
    begun.whenRejected(Stock, new OutOfStock({ available: 1 })).then({ commands: givenUp("out of stock"), ends: true })
    begun
      .given(Stock.at("lamp"), reserved)
      .when(Payment.at("7"), new PaymentRefused({ reason: "expired" }))
      .then({ commands: givenUp("the payment was refused: expired"), ends: true })
    begun
      .given(Stock.at("lamp"), reserved)
      .whenTimeout("unpaid")
      .then({ commands: givenUp("not paid in time"), ends: true })
  })

  it("gives a withdrawn order up at once while nothing is packed", () => {
    begun.when(Order.at("7"), new OrderWithdrawn()).then({ commands: givenUp("withdrawn"), ends: true })
  })

  it("stops the parcel of a withdrawn order, and takes the rest back when it has stopped", () => {
    ready
      .when(Order.at("7"), new OrderWithdrawn())
      .then({ commands: [Process.send(Shipment, "7", new Stop({ why: "withdrawn" }))] })
      .when(Shipment.at("7"), new ShipmentStopped({ why: "withdrawn" }))
      .then({ commands: givenUp("withdrawn"), ends: true })
  })

  it("completes a withdrawn order whose parcel is gone", () => {
    ready
      .given(Order.at("7"), new OrderWithdrawn())
      .whenRejected(Shipment, new AlreadyDispatched())
      .then({ state: { item: "lamp", isReserved: true, isPaid: true } })
      .when(Shipment.at("7"), new ShipmentDispatched({ tracking: "T" }))
      .then({
        commands: [
          Process.send(Stock, "lamp", new TakeOut({ order: "7" })),
          Process.send(Order, "7", new Complete({ tracking: "T" }))
        ],
        ends: true
      })
  })

  it("stops a parcel that nobody fetches", () => {
    ready
      .whenTimeout("unshipped")
      .then({ commands: [Process.send(Shipment, "7", new Stop({ why: "not shipped in time" }))] })
  })

  it("does not hear what comes after its end", () => {
    begun
      .given(Payment.at("7"), new PaymentRefused({ reason: "expired" }))
      .when(Payment.at("7"), confirmed)
      .thenIgnored()
      .when(Stock.at("lamp"), reserved)
      .thenIgnored()
  })
})
