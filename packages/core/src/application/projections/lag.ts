/** Measures how far the records of a generation are from the end of the log. */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Consumer } from "../../domain/view/consumer.ts"
import type { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, Horizon, RecordedEvent } from "../../ports/EventStore.ts"
import { jsonBytes } from "../../ports/jsonBytes.ts"
import { memoized } from "../../internal/memoized.ts"
import { eventsOf } from "./reading/eventReader.ts"

/** The lag of a generation, in events and in time. */
export interface Lag {
  /** At least this many events are not applied yet. */
  readonly atLeast: number
  /** At most this many are not. */
  readonly atMost: number
  /** The age of the first of them; while the horizon is held back, at least the time for which it has been. */
  readonly time: Duration.Duration
}

/** What the lag is measured against. */
export interface Ends {
  /** The position up to which events are in the records. */
  readonly applied: number
  readonly log: Horizon
  /** The present time in milliseconds. */
  readonly now: number
}

/**
 * Counts the events that a view has not applied. At most `mostCounted` events are
 * read, a megabyte of them, and `mostSearched` positions are searched, so the cost has
 * a bound however far the view lags. Where nothing is found among those positions, the
 * next event of any kind stands for the first one that is not applied: the view may
 * follow it, so it may be as old as that, but not older.
 *
 * Nobody can see yet what an append under way records above the horizon. So each of
 * those positions counts as an event.
 */
export const lagOf = (
  view: Consumer,
  events: EventStore["Service"],
  { applied, log, now }: Ends
): Effect.Effect<Lag, EventStoreError> =>
  Effect.gen(function* () {
    const { position: horizon } = log
    const upTo = Math.min(horizon, applied + mostSearched)
    const found = yield* counted(
      applied < upTo ? eventsOf(view, events, { after: applied, upTo, limit: mostCounted }) : Stream.empty
    )
    const isSearched = found.isWhole && upTo >= horizon
    const next = found.first ?? (isSearched ? undefined : yield* anyAfter(events, upTo, horizon))
    const isExact = isSearched || next === undefined
    return measured({ applied, log, now }, { events: found.events, isExact, next })
  })

/** The lag of a generation whose view is not known: any event after its position may be one that it has not applied. */
export const lagOfUnknown = (events: EventStore["Service"], ends: Ends): Effect.Effect<Lag, EventStoreError> =>
  Effect.map(nextAfter(events, ends), (next) => measured(ends, { events: 0, isExact: next === undefined, next }))

/**
 * The first event after what a generation has applied, if there is one up to the horizon. Each status asks for it again, and
 * it stays the same event while the log is in one history. So it is remembered for each store.
 */
const nextAfter = (events: EventStore["Service"], { applied, log }: Ends) =>
  Effect.suspend((): Effect.Effect<Next | undefined, EventStoreError> => {
    const known = memoized(nextEvents, events.readAll, () => new Map<string, Next>())
    const place = `${log.history} ${applied}`
    const found = known.get(place)
    if (found !== undefined) return Effect.succeed(found)
    return Effect.tap(anyAfter(events, applied, log.position), (next) =>
      Effect.sync(() => {
        if (next === undefined) return
        // The event itself may be large.
        known.set(place, { position: next.position, recordedAt: next.recordedAt })
        if (known.size > mostKnown) known.delete(known.keys().next().value!)
      })
    )
  })

const nextEvents = new WeakMap<object, unknown>()

/** The most places of one store whose next events are remembered. */
const mostKnown = 1_000

/** The lag of records that have every event that was committed. */
export const none: Lag = { atLeast: 0, atMost: 0, time: Duration.zero }

/** What was found of the events that are not applied yet. */
interface Counted {
  readonly events: number
  /** Whether these are all events up to the horizon. */
  readonly isExact: boolean
  /** The event that stands for the first of them. */
  readonly next: Next | undefined
}

type Next = Pick<RecordedEvent, "position" | "recordedAt">

const measured = ({ applied, log, now }: Ends, { events, isExact, next }: Counted): Lag => {
  const { drawn, heldSince, position: horizon } = log
  const since = (time: DateTime.Utc | undefined): number =>
    time === undefined ? 0 : Math.max(0, now - time.epochMilliseconds)
  const seen = Math.max(applied, horizon)
  const unseen = Math.max(0, drawn - seen)
  const atLeast = events + unseen
  return {
    atLeast,
    atMost: isExact || next === undefined ? atLeast : drawn - next.position + 1,
    time: Duration.millis(Math.max(since(next?.recordedAt), unseen > 0 ? since(heldSince) : 0))
  }
}

/** Counts events until there are enough, and keeps the first. */
const counted = (events: Stream.Stream<RecordedEvent, EventStoreError>) =>
  Effect.suspend(() => {
    let first: RecordedEvent | undefined
    let count = 0
    let bytes = 0
    let isFull = false
    const take = (event: RecordedEvent): boolean => {
      first ??= event
      count++
      bytes += jsonBytes(event.data)
      return (isFull = count >= mostCounted || bytes >= mostBytes)
    }
    return Effect.map(Stream.runDrain(Stream.takeUntil(events, take)), () => ({
      first,
      events: count,
      isWhole: !isFull
    }))
  })

const anyAfter = (
  events: EventStore["Service"],
  after: number,
  upTo: number
): Effect.Effect<RecordedEvent | undefined, EventStoreError> =>
  after < upTo
    ? Effect.map(Stream.runHead(events.readAll({ after, upTo, limit: 1 })), Option.getOrUndefined)
    : Effect.succeed(undefined)

// As many as a projection applies in a batch by default.
const mostCounted = 1_000

const mostBytes = 1 << 20

// A running projection writes its position more often than an application records as many events of others.
const mostSearched = 100_000
