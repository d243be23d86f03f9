import * as Result from "effect/Result"
import type { PartAppended, StreamsRead, StreamSlice } from "../../../ports/EventStore.ts"
import type { EventReadError } from "../../events/errors.ts"
import { foldRecorded } from "../../events/recording.ts"
import type { LoadedStream, StreamWrite } from "./commandPlan.ts"
import type { States } from "../StateCache.ts"

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
  states: States | undefined
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
  }
  return undefined
}

/** Sets the versions after an append, and remembers the states that the stored events make. */
export const advance = (
  writes: ReadonlyArray<StreamWrite>,
  appended: PartAppended,
  history: number,
  states: States | undefined
): void => {
  let first = 0
  for (const { events, stream } of writes) {
    const { source, state, streamId } = stream
    const version = (stream.version += events.length)
    if (states === undefined) continue
    const recorded = appended.events.slice(first, (first += events.length))
    try {
      const next = foldRecorded(source, recorded, state)
      if (Result.isSuccess(next)) states.put(streamId, { source, state: next.success, version }, history)
    } catch {
      // A mistake in `evolve`. The command itself has happened; the next reader of the events fails.
    }
  }
}
