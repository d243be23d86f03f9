import type * as Schema from "effect/Schema"
import type { Part } from "./EventStore.ts"
import { maxEventBytes, roughSize } from "./eventCopy.ts"
import { jsonBytes } from "./jsonBytes.ts"

/**
 * The most bytes of JSON that the events of one append have together, counted as
 * those of an event. The receipt of a command has all its events: a store that
 * writes a larger append within its limit in time could not be sure to read the receipt.
 */
export const maxAppendBytes = 16 * maxEventBytes

/** What is wrong with the size of an append whose events are not too large themselves. */
export const appendSizeProblem = (parts: ReadonlyArray<Part>): string | undefined => {
  let count = 0
  for (const { writes } of parts) for (const { events } of writes) count += events.length
  if (count * maxEventBytes <= maxAppendBytes || sizeOf(parts, roughSize) <= maxAppendBytes / 8) return undefined
  const bytes = sizeOf(parts, (value) => jsonBytes(value as Schema.Json))
  return bytes > maxAppendBytes
    ? `the events of one append have ${bytes} bytes of JSON together, more than ${maxAppendBytes}: append them in several steps`
    : undefined
}

// The events of a command share their metadata, so these are measured once.
const sizeOf = (parts: ReadonlyArray<Part>, measure: (value: unknown) => number): number => {
  let size = 0
  let known: unknown
  let ofKnown = 0
  for (const { writes } of parts) {
    for (const { events } of writes) {
      for (const { data, metadata } of events) {
        if (metadata !== known) ofKnown = measure((known = metadata))
        size += measure(data) + ofKnown
      }
    }
  }
  return size
}
