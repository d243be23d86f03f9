/**
 * The fulfilment of an order: its goods are reserved and its payment is requested at the same time; with both, the parcel
 * goes out. What cannot be done takes back what was done before. Once the carrier has the parcel there is no way back.
 */
import { Process } from "@hexfold/core"
import { type Duration, Schema } from "effect"
import { Cancel, Complete, Order } from "./Order.ts"
import { Payment, Request, Reverse } from "./Payment.ts"
import { Prepare, Shipment, Stop } from "./Shipment.ts"
import { Release, Reserve, Stock, TakeOut } from "./Stock.ts"

const State = Schema.Struct({ item: Schema.String, isReserved: Schema.Boolean, isPaid: Schema.Boolean })
type State = typeof State.Type

/** How long the fulfilment waits. */
export interface Patience {
  /** For the payment, from the order on. */
  readonly unpaid: Duration.Input
  /** For the carrier, from the time on when everything is there. */
  readonly unshipped: Duration.Input
}

const isReady = ({ isPaid, isReserved }: State): boolean => isPaid && isReserved

/** Takes back what was done, and cancels the order. What was not done is nothing to take back. */
const giveUp = (state: State, order: string, why: string) =>
  Process.end(
    state,
    Process.send(Stock, state.item, new Release({ order })),
    Process.send(Payment, order, new Reverse()),
    Process.send(Order, order, new Cancel({ why }))
  )

/** A rejection of a command that the process never sends. */
const neverSent = () => Process.ignore

export const fulfilment = ({ unpaid, unshipped }: Patience) => {
  /** The goods and the money come in any order. With both the parcel is prepared. */
  const proceed = (state: State, order: string) =>
    isReady(state)
      ? Process.next(
          state,
          Process.send(Shipment, order, new Prepare()),
          Process.cancel("unpaid"),
          Process.timeout("unshipped", { after: unshipped })
        )
      : Process.next(state)

  return Process.make("Fulfilment", {
    from: [Order, Stock, Payment, Shipment],
    to: [Order, Stock, Payment, Shipment],
    timeouts: ["unpaid", "unshipped"],
    start: "beginning",
    state: State,
    initial: { item: "", isReserved: false, isPaid: false },
    on: {
      OrderPlaced: {
        key: (_, { id }) => id,
        react: (state, { cents, item, quantity }, { id }) =>
          Process.next(
            { ...state, item },
            Process.send(Stock, item, new Reserve({ order: id, quantity })),
            Process.send(Payment, id, new Request({ cents })),
            Process.timeout("unpaid", { after: unpaid })
          )
      },
      StockReserved: {
        key: ({ order }) => order,
        react: (state, { order }) => proceed({ ...state, isReserved: true }, order)
      },
      PaymentConfirmed: {
        key: (_, { id }) => id,
        react: (state, _, { id }) => proceed({ ...state, isPaid: true }, id)
      },
      PaymentRefused: {
        key: (_, { id }) => id,
        react: (state, { reason }, { id }) => giveUp(state, id, `the payment was refused: ${reason}`)
      },
      OrderWithdrawn: {
        key: (_, { id }) => id,
        // The parcel may be on its way already: then it is too late, and the order is completed.
        react: (state, _, { id }) =>
          isReady(state)
            ? Process.next(state, Process.send(Shipment, id, new Stop({ why: "withdrawn" })))
            : giveUp(state, id, "withdrawn")
      },
      ShipmentStopped: {
        key: (_, { id }) => id,
        react: (state, { why }, { id }) => giveUp(state, id, why)
      },
      ShipmentDispatched: {
        key: (_, { id }) => id,
        react: (state, { tracking }, { id }) =>
          Process.end(
            state,
            Process.send(Stock, state.item, new TakeOut({ order: id })),
            Process.send(Order, id, new Complete({ tracking }))
          )
      }
    },
    onRejected: {
      OutOfStock: (state, _, { key }) => giveUp(state, key, "out of stock"),
      // The event that says so is on its way.
      AlreadyDispatched: () => Process.ignore,
      NotOpen: neverSent,
      WasStopped: neverSent
    },
    onTimeout: {
      unpaid: (state, key) => giveUp(state, key, "not paid in time"),
      unshipped: (state, key) =>
        Process.next(state, Process.send(Shipment, key, new Stop({ why: "not shipped in time" })))
    }
  })
}

export const Fulfilment = fulfilment({ unpaid: "30 minutes", unshipped: "3 days" })
