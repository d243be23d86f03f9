import { Scenario } from "@hexfold/testing"
import { describe, it } from "vitest"
import {
  Cancel,
  Complete,
  NotOpen,
  Order,
  OrderCancelled,
  OrderCompleted,
  OrderPlaced,
  OrderWithdrawn,
  Place,
  Withdraw
} from "../src/Order.ts"
import {
  Confirm,
  Payment,
  PaymentConfirmed,
  PaymentRequested,
  PaymentReversed,
  Refuse,
  Request,
  Reverse
} from "../src/Payment.ts"
import {
  AlreadyDispatched,
  Dispatch,
  Prepare,
  Shipment,
  ShipmentDispatched,
  ShipmentPrepared,
  ShipmentStopped,
  Stop,
  WasStopped
} from "../src/Shipment.ts"
import {
  OutOfStock,
  Receive,
  Release,
  Reserve,
  Stock,
  StockReceived,
  StockReleased,
  StockReserved,
  StockTaken,
  TakeOut
} from "../src/Stock.ts"

const ordered = { customer: "anna", item: "lamp", quantity: 2, cents: 4_900 }

describe("an order", () => {
  const open = Scenario.of(Order).given(new OrderPlaced(ordered))

  it("is placed once", () => {
    Scenario.of(Order).when(new Place(ordered)).then(new OrderPlaced(ordered)).when(new Place(ordered)).thenNothing()
  })

  it("is completed or cancelled, and not both", () => {
    open
      .when(new Complete({ tracking: "T" }))
      .then(new OrderCompleted({ customer: "anna", tracking: "T" }))
      .when(new Cancel({ why: "not paid" }))
      .thenNothing()
    open
      .when(new Cancel({ why: "not paid" }))
      .then(new OrderCancelled({ customer: "anna", why: "not paid" }))
      .when(new Complete({ tracking: "T" }))
      .thenNothing()
  })

  it("can be withdrawn for as long as it is open", () => {
    open.when(new Withdraw()).then(new OrderWithdrawn()).when(new Withdraw()).thenNothing()
    Scenario.of(Order)
      .when(new Withdraw())
      .thenRejected(new NotOpen({ status: "New" }))
  })
})

describe("stock", () => {
  const ten = Scenario.of(Stock).given(new StockReceived({ quantity: 10 }))

  it("is reserved as far as it goes", () => {
    ten
      .when(new Reserve({ order: "a", quantity: 8 }))
      .then(new StockReserved({ order: "a", quantity: 8 }))
      .when(new Reserve({ order: "b", quantity: 3 }))
      .thenRejected(new OutOfStock({ available: 2 }))
      .when(new Receive({ quantity: 1 }))
      .then(new StockReceived({ quantity: 1 }))
      .when(new Reserve({ order: "b", quantity: 3 }))
      .then(new StockReserved({ order: "b", quantity: 3 }))
  })

  it("is released or taken out, and nothing is where nothing was reserved", () => {
    const reserved = ten.given(new StockReserved({ order: "a", quantity: 8 }))
    reserved
      .when(new Release({ order: "a" }))
      .then(new StockReleased({ order: "a", quantity: 8 }))
      .when(new TakeOut({ order: "a" }))
      .thenNothing()
    reserved
      .when(new TakeOut({ order: "a" }))
      .then(new StockTaken({ order: "a", quantity: 8 }))
      .when(new Release({ order: "a" }))
      .thenNothing()
  })
})

describe("a payment", () => {
  const requested = Scenario.of(Payment).given(new PaymentRequested({ cents: 500 }))

  it("is confirmed once, whatever the provider says afterwards", () => {
    requested
      .when(new Confirm({ reference: "r" }))
      .then(new PaymentConfirmed({ cents: 500, reference: "r" }))
      .when(new Confirm({ reference: "r" }))
      .thenNothing()
      .when(new Refuse({ reason: "expired" }))
      .thenNothing()
      .when(new Request({ cents: 500 }))
      .thenNothing()
  })

  it("is reversed with what has come, and stays reversed", () => {
    requested
      .when(new Reverse())
      .then(new PaymentReversed({ received: 0 }))
      .when(new Confirm({ reference: "late" }))
      .thenNothing()
    requested
      .given(new PaymentConfirmed({ cents: 500, reference: "r" }))
      .when(new Reverse())
      .then(new PaymentReversed({ received: 500 }))
      .when(new Reverse())
      .thenNothing()
  })
})

describe("a shipment", () => {
  const prepared = Scenario.of(Shipment).when(new Prepare()).then(new ShipmentPrepared())

  it("cannot be stopped when the carrier has it", () => {
    prepared
      .when(new Dispatch({ tracking: "T" }))
      .then(new ShipmentDispatched({ tracking: "T" }))
      .when(new Stop({ why: "withdrawn" }))
      .thenRejected(new AlreadyDispatched())
  })

  it("does not leave when it was stopped", () => {
    prepared
      .when(new Stop({ why: "withdrawn" }))
      .then(new ShipmentStopped({ why: "withdrawn" }))
      .when(new Dispatch({ tracking: "T" }))
      .thenRejected(new WasStopped({ why: "withdrawn" }))
  })
})
