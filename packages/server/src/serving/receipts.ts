/** Receipts and events as JSON, as far as a caller may read them. */
import { type Api, type EventStore, type Policy, type Receipt, StreamId } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { DateTime, Option, Result, type Schema } from "effect"
import { isOnRequest, mayRead } from "./admission.ts"
import type { AnyAggregate, Members } from "./declared.ts"

/** A recorded event as JSON. Fields that an application adds to the metadata stay inside. */
export interface EventJson {
  readonly id: string
  readonly streamId: string
  readonly aggregate: string
  readonly version: number
  readonly position: number
  readonly type: string
  readonly schemaVersion: number
  readonly data: Schema.Json
  readonly recordedAt: string
  readonly imported: boolean
  readonly correlationId: string
  readonly causationId: string
  readonly actor?: string
}

/** A receipt as JSON. It has the events that the caller may read, and no member `events` if the caller may read none. */
export interface ReceiptJson {
  /** The stream of the aggregate; a boundary has `streams`. */
  readonly streamId?: string
  readonly version?: number
  readonly streams?: ReadonlyArray<EventStore.StreamVersion>
  readonly position: number
  readonly history: number
  readonly attempts: number
  readonly repeated: boolean
  readonly events?: ReadonlyArray<EventJson>
}

type Event = Receipt.DecodedEvent<unknown>

/** What shows the events of an API to a caller. */
export interface Shown {
  /** The events that the caller may read; undefined if no rule lets the caller read any of these aggregates. */
  readonly events: (
    events: ReadonlyArray<Event>,
    caller: Policy.Caller | undefined
  ) => ReadonlyArray<EventJson> | undefined
}

export const shownOf = ({ rules }: Api.Any, { aggregates }: Members): Shown => ({
  events: (events, caller) => {
    let isReadable = events.length === 0
    const shown: Array<EventJson> = []
    for (const event of events) {
      const name = StreamId.aggregateOf(event.streamId)
      const rule = rules.events.get(name)
      if (rule === undefined) continue
      isReadable = true
      const aggregate = aggregates.get(name)!
      // Few rules look at the event, and its id is read for them alone.
      const asked = isOnRequest(rule)
        ? [{ id: Option.getOrUndefined(aggregate.idOf(event.streamId)), event: event.data }]
        : []
      if (mayRead(rule, caller, ...asked)) shown.push(jsonOf(aggregate, event))
    }
    return isReadable ? shown : undefined
  }
})

const jsonOf = (aggregate: AnyAggregate, event: Event): EventJson => {
  const { actor, causationId, correlationId } = event.metadata
  // An event that was recorded has been encoded before.
  const { data, schemaVersion, type } = Result.getOrThrow(EventCodec.of(aggregate).encode(event.data as never))
  return {
    id: event.id,
    streamId: event.streamId,
    aggregate: aggregate.name,
    version: event.version,
    position: event.position,
    type,
    schemaVersion,
    data,
    recordedAt: DateTime.formatIso(event.recordedAt),
    imported: event.imported,
    correlationId,
    causationId,
    ...(actor === undefined ? {} : { actor })
  }
}

/** A receipt as JSON. */
export const receiptJson = (
  receipt: Receipt.Receipt<unknown> | Receipt.BoundaryReceipt<unknown>,
  shown: Shown,
  caller: Policy.Caller | undefined
): ReceiptJson => {
  const { attempts, history, position, repeated } = receipt
  const events = shown.events(receipt.events, caller)
  return {
    ...("streams" in receipt ? { streams: receipt.streams } : { streamId: receipt.streamId, version: receipt.version }),
    position,
    history,
    attempts,
    repeated,
    ...(events === undefined ? {} : { events })
  }
}
