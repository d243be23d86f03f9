import { assert } from "@effect/vitest"
import type { EventStore, StreamId } from "@hexfold/core"
import { Stream } from "effect"

/** The time of an event in milliseconds since 1970. */
export const millisOf = ({ recordedAt }: EventStore.RecordedEvent): number => recordedAt.epochMilliseconds

/** Makes sure that the times of events do not fall. */
export const assertGrows = (log: ReadonlyArray<EventStore.RecordedEvent>): void =>
  log.forEach((each, i) => {
    if (i > 0) assert.isAtLeast(millisOf(each), millisOf(log[i - 1]!), `${each.streamId} version ${each.version}`)
  })

/** All events of a stream. */
export const streamOf = (store: EventStore.EventStore["Service"], streamId: StreamId.StreamId) =>
  Stream.runCollect(store.readStream(streamId))
