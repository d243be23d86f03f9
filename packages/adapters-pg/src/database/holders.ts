import type { EventStore } from "@hexfold/core"
import { DateTime } from "effect"

/** A transaction that holds locks, as the server names it. */
export interface HolderRow {
  readonly pid: number | null
  readonly application: string | null
  readonly prepared: boolean
  readonly since: number | null
}

/** The transaction that a row names. */
export const holderOf = ({ application, pid, prepared, since }: HolderRow): EventStore.Holder => ({
  ...(pid === null ? {} : { pid }),
  ...(application === null ? {} : { application }),
  ...(since === null ? {} : { since: DateTime.makeUnsafe(Math.floor(since)) }),
  isPrepared: prepared
})

/** What a log line says of a transaction that others wait for. */
export const describeHolder = ({ application, isPrepared, pid, since }: EventStore.Holder): string => {
  const name = application === undefined || application === "" ? "" : ` of ${JSON.stringify(application)}`
  const who = isPrepared ? "a prepared transaction" : `the transaction of process ${pid}${name}`
  return since === undefined ? who : `${who}, open since ${DateTime.formatIso(since)}`
}
