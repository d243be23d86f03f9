/** Whether the events of a file follow each other as those of a log do. Pure, with a state. */
import * as DateTime from "effect/DateTime"
import type { StreamId } from "../../domain/StreamId.ts"
import { quote } from "../../domain/texts.ts"
import type { EventEntry } from "./batches.ts"
import * as Window from "./window.ts"

/** So many streams, and ids of events, are remembered at least. */
const least = 25_000

/** Looks at the events of a file one after the other. Gives what is wrong with one, if anything is. */
export const make = (latest: DateTime.Utc): ((entry: EventEntry) => string | undefined) => {
  const streams = Window.make<StreamId, { readonly version: number; readonly millis: number }>(least)
  const ids = Window.make<string, number>(least)
  return ({ event, line }) => {
    const { id, recordedAt, streamId, version } = event
    const before = streams.get(streamId)
    const named = quote(streamId)
    // A stream that comes up for the first time begins, unless it was forgotten. The append finds out the latter.
    const expected = (before?.version ?? 0) + 1
    if (version !== expected && (before !== undefined || !streams.hasForgotten())) {
      return `version ${version} of the stream ${named} does not follow: version ${expected} is due`
    }
    if (before !== undefined && recordedAt.epochMilliseconds < before.millis) {
      return `the time ${DateTime.formatIso(recordedAt)} of an event of ${named} is before that of the event before in its stream`
    }
    if (recordedAt.epochMilliseconds > latest.epochMilliseconds) {
      return `the time ${DateTime.formatIso(recordedAt)} of an event of ${named} lies in the future`
    }
    const twin = ids.get(id)
    if (twin !== undefined) return `the event id ${quote(id)} is used in line ${twin}, too`
    streams.set(streamId, { version, millis: recordedAt.epochMilliseconds })
    ids.set(id, line)
    return undefined
  }
}
