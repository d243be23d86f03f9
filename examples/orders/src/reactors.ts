/** What follows from events: calls of others, mails, entries in the books. */
import { Executor, Reactor } from "@hexfold/core"
import { Effect } from "effect"
import { Books, Enter } from "./Books.ts"
import { Order } from "./Order.ts"
import { Mails, PaymentProvider, Warehouse } from "./outside.ts"
import { Payment } from "./Payment.ts"
import { Dispatch, Shipment } from "./Shipment.ts"

/** Tells the provider what we want. The key is the same each time that an event is handled, so the provider does it once. */
export const CallProvider = Reactor.make("CallProvider", {
  from: [Payment],
  start: "beginning",
  onPoison: "park",
  on: {
    PaymentRequested: ({ cents }, { id }) =>
      Effect.gen(function* () {
        const { charge } = yield* PaymentProvider
        yield* charge({ key: yield* Reactor.key, payment: id, cents })
      }),
    PaymentReversed: (_, { id }) =>
      Effect.gen(function* () {
        const { reverse } = yield* PaymentProvider
        yield* reverse({ key: yield* Reactor.key, payment: id })
      })
  }
})

/** Has parcels packed, and takes note of those that are gone. */
export const PackParcels = Reactor.make("PackParcels", {
  from: [Shipment],
  start: "beginning",
  onPoison: "park",
  on: {
    ShipmentPrepared: (_, { id }) =>
      Effect.gen(function* () {
        const { pack } = yield* Warehouse
        const tracking = yield* pack({ key: yield* Reactor.key, order: id })
        yield* Executor.execute(Shipment, id, new Dispatch({ tracking })).pipe(
          // It was stopped while it was packed, and stays here.
          Effect.catchTag("WasStopped", () => Effect.void)
        )
      })
  }
})

/** Keeps the books of each customer. The commands have ids, so each entry is there once. */
export const KeepBooks = Reactor.make("KeepBooks", {
  from: [Payment],
  start: "beginning",
  onPoison: "park",
  on: {
    PaymentConfirmed: ({ cents }, { id }) => Executor.execute(Books, "sales", new Enter({ order: id, cents })),
    PaymentReversed: ({ received }, { id }) =>
      received === 0 ? Effect.void : Executor.execute(Books, "sales", new Enter({ order: id, cents: -received }))
  }
})

/** Tells the customer how it has ended. */
export const SendMail = Reactor.make("SendMail", {
  from: [Order],
  start: "beginning",
  onPoison: "park",
  on: {
    OrderCompleted: ({ customer, tracking }, { id }) => mail(customer, `Order ${id} is on its way: ${tracking}`),
    OrderCancelled: ({ customer, why }, { id }) => mail(customer, `Order ${id} is cancelled: ${why}`)
  }
})

const mail = (to: string, text: string) =>
  Effect.gen(function* () {
    const { send } = yield* Mails
    yield* send({ key: yield* Reactor.key, to, text })
  })
