import * as Result from "effect/Result"
import type { EventStore, PartAppended, StreamsRead, StreamSlice } from "../../../ports/EventStore.ts"
import type { EventReadError } from "../../events/errors.ts"
import { foldRecorded } from "../../events/recording.ts"
import type { LoadedStream, StreamWrite } from "./commandPlan.ts"
import type { Snapshotting } from "../snapshots/snapshotting.ts"
import type { States } from "../StateCache.ts"

/** Where the states go that the log certainly has. */
export interface Keeping {
  readonly store: EventStore["Service"]
  readonly snapshots: Snapshotting | undefined
}

/**
 * Whether the store is behind a version that was read or appended before: it has
 * lost commits, in a failover or by a restore. Then a state of that version is not
 * a state of this store.
 */
export const hasGoneBack = (wanted: ReadonlyArray<LoadedStream>, slices: ReadonlyArray<StreamSlice>): boolean => {
  for (let i = 0; i < wanted.length; i++) if (slices[i]!.version < wanted[i]!.version) return true
  return false
}

/** Folds the events that were read on the states so far; returns the failure if an event cannot be decoded. */
export const foldSlices = (
  wanted: ReadonlyArray<LoadedStream>,
  { history, streams: slices }: StreamsRead,
  states: States | undefined,
  { snapshots, store }: Keeping
): EventReadError | undefined => {
  for (let i = 0; i < wanted.length; i++) {
    const stream = wanted[i]!
    const { source } = stream
    const { events, version } = slices[i]!
    const state = foldRecorded(source, events, stream.state)
    if (Result.isFailure(state)) return state.failure
    stream.state = state.success
    stream.version = version
    states?.put(stream.streamId, { source, state: stream.state, version }, history)
    snapshots?.offer({ ...stream, store, history, events: [] })
  }
  return undefined
}

/** Sets the versions after an append, and remembers the states that the stored events make, or offers them for snapshots. */
export const advance = (
  writes: ReadonlyArray<StreamWrite>,
  appended: PartAppended,
  history: number,
  states: States | undefined,
  { snapshots, store }: Keeping
): void => {
  let first = 0
  for (const { events, stream } of writes) {
    const { source, state, streamId } = stream
    const version = (stream.version += events.length)
    if (states === undefined && snapshots === undefined) continue
    const recorded = appended.events.slice(first, (first += events.length))
    snapshots?.offer({ store, source, streamId, state, version, history, events: recorded })
    if (states === undefined) continue
    try {
      const next = foldRecorded(source, recorded, state)
      if (Result.isSuccess(next)) states.put(streamId, { source, state: next.success, version }, history)
    } catch {
      // A mistake in `evolve`. The command itself has happened; the next reader of the events fails.
    }
  }
}
