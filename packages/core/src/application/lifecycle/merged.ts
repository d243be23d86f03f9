import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { StreamId } from "../../domain/StreamId.ts"
import { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, Horizon, RecordedEvent } from "../../ports/EventStore.ts"
import { Unavailable } from "../../ports/Reason.ts"

type Store = EventStore["Service"]

/** How far one stream was read. */
interface Cursor {
  readonly streamId: StreamId
  /** Events that were read and not given yet, in order. */
  readonly events: ReadonlyArray<RecordedEvent>
  /** The version of the last event that was read. */
  readonly after: number
  /** Whether there are no more. */
  readonly isDone: boolean
}

/** The most events in memory. */
const mostEvents = 5_000

/**
 * The events of some streams up to a horizon, in the order of their positions. Each
 * stream is read in pages of its own, so the streams that are left out are not read.
 *
 * Why no event comes too late. (1) A stream gives its events in the order of their
 * positions. (2) Events are given up to the lowest last position among the pages, so
 * what is read later comes after them. (3) Below the horizon no event can appear.
 */
export const merged = (
  store: Store,
  streams: ReadonlyArray<StreamId>,
  { history, position: upTo }: Pick<Horizon, "history" | "position">
): Stream.Stream<RecordedEvent, EventStoreError> => {
  const size = Math.max(1, Math.floor(mostEvents / streams.length))

  const filled = (cursor: Cursor): Effect.Effect<Cursor, EventStoreError> => {
    const { after, events, isDone, streamId } = cursor
    if (isDone || events.length > 0) return Effect.succeed(cursor)
    return Effect.map(Stream.runCollect(store.readStream(streamId, { after, limit: size })), (page) => ({
      streamId,
      events: page.filter(({ position }) => position <= upTo),
      after: after + page.length,
      isDone: page.length < size || page.at(-1)!.position > upTo
    }))
  }

  const events = Stream.paginate(
    streams.map((streamId): Cursor => ({ streamId, events: [], after: 0, isDone: false })),
    (cursors: ReadonlyArray<Cursor>) =>
      Effect.map(Effect.forEach(cursors, filled, { concurrency: 8 }), (cursors) => {
        const complete = Math.min(...cursors.map(({ events, isDone }) => (isDone ? Infinity : events.at(-1)!.position)))
        const page = cursors.flatMap(({ events }) => events.filter(({ position }) => position <= complete))
        const rest = cursors
          .map((cursor) => ({ ...cursor, events: cursor.events.filter(({ position }) => position > complete) }))
          .filter(({ events, isDone }) => events.length > 0 || !isDone)
        return [
          page.sort((a, b) => a.position - b.position),
          rest.length > 0 ? Option.some(rest) : Option.none<ReadonlyArray<Cursor>>()
        ] as const
      })
  )
  // A stream is read in whatever history the log is. What was read counts if that is still the one of the horizon.
  const isSame = Effect.flatMap(Stream.runHead(store.horizons), (now) =>
    Option.getOrThrow(now).history === history ? Effect.void : Effect.fail(ended())
  )
  return Stream.concat(events, Stream.fromEffectDrain(isSame))
}

const ended = () =>
  new EventStoreError({
    operation: "transfer",
    reason: new Unavailable({ detail: "the log has begun another history during the export: repeat it" })
  })
