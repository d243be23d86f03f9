/** The process managers and reactors of both examples, in a version. */
import { groupCheckOut } from "@hexfold/example-hotel"
import { CallProvider, fulfilment, KeepBooks, PackParcels, SendMail } from "@hexfold/example-orders"
import type { Settings } from "./settings.ts"

/** The same in a version: what a deployment raises when it changes what is handled. */
const inVersion = <A extends { readonly version: number }>(of: A, version: number): A => ({ ...of, version })

export const reactionsOf = ({ leaving, unpaid, version }: Settings) =>
  [
    inVersion(fulfilment({ unpaid, unshipped: "10 minutes" }), version),
    inVersion(groupCheckOut(leaving), version),
    inVersion(CallProvider, version),
    inVersion(PackParcels, version),
    inVersion(KeepBooks, version),
    inVersion(SendMail, version)
  ] as const
