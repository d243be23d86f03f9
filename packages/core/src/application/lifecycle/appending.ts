/** The append of a batch of events. Pure. */
import type { StreamId } from "../../domain/StreamId.ts"
import type { Append, Condition, NewEvent, Part, Write } from "../../ports/EventStore.ts"
import * as Expectation from "../../ports/Expectation.ts"
import type { EventPlace } from "../../ports/LogTransfer.ts"
import type { EventEntry } from "./batches.ts"

/** The places of events. */
export const placesOf = (entries: ReadonlyArray<EventEntry>): ReadonlyArray<EventPlace> =>
  entries.map(({ event: { streamId, version } }) => ({ streamId, version }))

/** The event as it is appended, with its time and its origin. */
const eventOf = (log: string, { event }: EventEntry): NewEvent => {
  const { data, id, metadata, position, recordedAt, schemaVersion = 1, type } = event
  const { origin, ...others } = metadata
  const moved = { log, position, ...(origin === undefined ? undefined : { origin }) }
  return { id, type, schemaVersion, data, metadata: { ...others, origin: moved }, recordedAt }
}

/**
 * An append of events in this very order: a part names a stream once, so a stream that
 * comes again begins another part. Each stream must be where its first event goes on.
 */
export const appendOf = (log: string, entries: ReadonlyArray<EventEntry>, history: number): Append => {
  const conditions: Array<Condition> = []
  const known = new Set<StreamId>()
  const parts: Array<Part> = []
  let writes: Array<Write & { readonly events: Array<NewEvent> }> = []
  let named = new Set<StreamId>()
  for (const entry of entries) {
    const { streamId, version } = entry.event
    if (!known.has(streamId)) {
      known.add(streamId)
      conditions.push({ _tag: "Stream", streamId, expected: Expectation.exactly(version - 1) })
    }
    const last = writes.at(-1)
    if (last?.streamId === streamId) {
      last.events.push(eventOf(log, entry))
      continue
    }
    if (writes.length === 0 || named.has(streamId)) {
      writes = []
      named = new Set()
      // The receipt of such a part is of no interest, so it names no stream that it does not write.
      parts.push({ writes, reads: [] })
    }
    named.add(streamId)
    writes.push({ streamId, events: [eventOf(log, entry)] })
  }
  return { history, conditions, parts }
}
