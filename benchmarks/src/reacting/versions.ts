/** The process managers and reactors of both examples, in a version. */
import { Reactor } from "@hexfold/core"
import { groupCheckOut } from "@hexfold/example-hotel"
import { CallProvider, fulfilment, KeepBooks, Order, PackParcels, Payment, SendMail } from "@hexfold/example-orders"
import type { Settings } from "./settings.ts"

/** The same definition in a version. */
const inVersion = <A extends { readonly version: number }>(of: A, version: number): A => ({ ...of, version })

/** Version 2 handles one kind of event more, as a deployment would that needs another version. It does nothing for it. */
const next = { start: "beginning", onPoison: "park", version: 2 } as const
const { handle: mail } = SendMail
const { handle: enter } = KeepBooks
const nextMails = Reactor.make("SendMail", {
  ...{ ...next, from: [Order] },
  on: { OrderPlaced: mail, OrderCompleted: mail, OrderCancelled: mail }
})
const nextBooks = Reactor.make("KeepBooks", {
  ...{ ...next, from: [Payment] },
  on: { PaymentRequested: enter, PaymentConfirmed: enter, PaymentReversed: enter }
})

export const reactionsOf = ({ leaving, unpaid, version }: Settings) =>
  [
    inVersion(fulfilment({ unpaid, unshipped: "10 minutes" }), version),
    inVersion(groupCheckOut(leaving), version),
    inVersion(CallProvider, version),
    inVersion(PackParcels, version),
    version === 1 ? KeepBooks : nextBooks,
    version === 1 ? SendMail : nextMails
  ] as const
