import type * as Context from "effect/Context"
import type { StreamId } from "../../../domain/StreamId.ts"
import { fingerprintOf } from "./fingerprint.ts"
import * as metrics from "./metrics.ts"
import type { Snapshotted } from "./snapshotting.ts"
import { type States, statesOf } from "./states.ts"

/** What a rule is asked about: a state that the log has. */
export interface Asked<out State> {
  readonly state: State
  /** The version of the stream: the number of events that are folded into the state. */
  readonly version: number
  /** How many of them have come after the last snapshot that this process knows of. All of them if it knows of none. */
  readonly sinceSnapshot: number
}

/** Whether it is time for a snapshot of a stream. */
export type Rule = (asked: Asked<never>) => boolean

/** An aggregate whose states are kept. */
export interface Covered {
  readonly name: string
  readonly fingerprint: string
  readonly states: States
  readonly meters: metrics.Meters
  /** After how many events a snapshot is due; undefined if a rule says when. */
  readonly every: number | undefined
  readonly rule: Rule | undefined
  /** The version of the last snapshot of a stream that this process knows of. */
  readonly last: Last
}

/** A version of a stream in a history of the log. */
interface Place {
  readonly streamId: StreamId
  readonly version: number
  readonly history: number
}

/** The versions of the last snapshots, for the streams that were used last. */
export interface Last {
  /** The version of the last snapshot of a stream in a history; 0 if none is known. */
  readonly of: (streamId: StreamId, history: number) => number
  /** A snapshot is made or known. An earlier one of the same history changes nothing. */
  readonly set: (place: Place) => void
  readonly forget: (streamId: StreamId) => void
}

/** Covers an aggregate. */
export const cover = (
  aggregate: Snapshotted,
  when: { readonly every: number } | { readonly rule: Rule },
  context: Context.Context<never>
): Covered => ({
  name: aggregate.name,
  fingerprint: fingerprintOf(aggregate),
  states: statesOf(aggregate),
  meters: metrics.of(aggregate.name, context),
  every: "every" in when ? when.every : undefined,
  rule: "rule" in when ? when.rule : undefined,
  last: makeLast()
})

// For a stream that is forgotten here a snapshot may come early, which costs a little time.
const mostStreams = 10_000

const makeLast = (): Last => {
  // A Map keeps the order of insertion, so the oldest is the first.
  const places = new Map<StreamId, Place>()
  const of: Last["of"] = (streamId, history) => {
    const known = places.get(streamId)
    return known?.history === history ? known.version : 0
  }
  return {
    of,
    set: ({ history, streamId, version }) => {
      const last = Math.max(version, of(streamId, history))
      places.delete(streamId)
      places.set(streamId, { streamId, history, version: last })
      if (places.size > mostStreams) places.delete(places.keys().next().value!)
    },
    forget: (streamId) => void places.delete(streamId)
  }
}
