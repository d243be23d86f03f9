import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { SettledSchema, StepHead } from "../../../domain/process/log.ts"
import type { Any } from "../../../domain/process/Process.ts"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { EventStore, type RecordedEvent } from "../../../ports/EventStore.ts"
import { ProjectionStore } from "../../../ports/ProjectionStore.ts"
import { decodeCandidate } from "../../views/decoding.ts"
import { eventsOf } from "../reading/eventReader.ts"
import type { Place } from "./place.ts"

/**
 * When the first of the commands was recorded that have no answer, in milliseconds. It looks at the processes of the first
 * dead letters and of the first events that are not done: the oldest command belongs to one of them, mostly.
 */
export const oldestCommand = ({ applied, counts, known, log, view }: Place) =>
  Effect.gen(function* () {
    if (!isProcess(view)) return undefined
    const events = yield* EventStore
    const keys = new Set<string>()
    if (counts.parked + counts.skipped > 0) {
      const { deadLetters } = yield* ProjectionStore
      for (const { key } of yield* deadLetters(known, { limit: most })) keys.add(key)
    }
    if (applied < log.position) {
      const range = { after: applied, upTo: log.position, limit: most }
      yield* Stream.runForEach(eventsOf(view, events, range), (recorded) =>
        Effect.sync(() => {
          for (const key of decodeCandidate(view, recorded).keys ?? []) keys.add(key)
        })
      )
    }
    keys.delete("")
    const streamOf = view.log.streamId as (key: string) => StreamId
    const times = yield* Effect.forEach(
      keys,
      (key) => Effect.map(Stream.runCollect(events.readStream(streamOf(key))), firstOpen),
      { concurrency: 4 }
    )
    return times.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined)
  })

const isProcess = (view: Consumer): view is Any => "log" in view && "targets" in view

/** When the first command was recorded that has no answer. */
const firstOpen = (recorded: ReadonlyArray<RecordedEvent>): number | undefined => {
  const open = new Map<string, number>()
  for (const { data, recordedAt, type } of recorded) {
    const fact = Option.getOrUndefined(factOf({ ...(data as Schema.JsonObject), _tag: type }))
    if (fact?._tag === "Settled") for (const id of fact.commandIds) open.delete(id)
    if (fact?._tag !== "Stepped") continue
    // What was sent before an order has no answer that counts.
    if (fact.cause._tag === "Order") open.clear()
    if (fact.cause._tag === "Rejection") open.delete(fact.cause.commandId)
    for (const { commandId } of fact.sends) open.set(commandId, recordedAt.epochMilliseconds)
  }
  return open.size === 0 ? undefined : Math.min(...open.values())
}

const factOf = Schema.decodeUnknownOption(Schema.Union([StepHead, SettledSchema]))

// So many events and dead letters are looked at.
const most = 50
