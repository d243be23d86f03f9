/** Moments of the past: which events had been recorded then. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { disconnectWithin } from "../../internal/disconnect.ts"
import * as AppendCheck from "../../ports/AppendCheck.ts"
import { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, Horizon, Position, RecordedEvent } from "../../ports/EventStore.ts"
import { placeOf } from "../../ports/PositionCheck.ts"
import { Unavailable } from "../../ports/Reason.ts"
import { MomentNotReached } from "./errors.ts"
import { confirm, horizonOf } from "./positions.ts"

/**
 * A moment of the log.
 *
 * - `position`: after the event at this position. A `Position`, such as that of a receipt, is checked against its
 *   history of the log.
 * - `time`: after all events that were recorded at or before it, by the store's clock. An imported event counts by the
 *   time it came with.
 */
export type Moment = { readonly position: number | Position } | { readonly time: DateTime.DateTime }

/** The events that had been recorded at a moment. */
export interface Cut {
  /** The history of the log in which the moment lies. */
  readonly history: number
  /** No event after this position counts. */
  readonly upTo: number
  /** Whether an event up to that position counts. */
  readonly has: (recorded: Pick<RecordedEvent, "position" | "recordedAt">) => boolean
}

/**
 * The events of a moment. They stay the same: an append that is under way and might add an event to them is waited for.
 * Fails with `MomentNotReached` if the moment lies ahead, or if such an append does not end within 10 seconds.
 */
export const cutOf = (
  events: EventStore["Service"],
  moment: Moment
): Effect.Effect<Cut, MomentNotReached | EventStoreError> =>
  "time" in moment ? cutOfTime(events, moment.time) : cutOfPosition(events, moment.position)

const cutOfPosition = (events: EventStore["Service"], at: number | Position) =>
  Effect.gen(function* () {
    const refused = AppendCheck.checkRange("readAll", { after: at })
    if (refused !== undefined) return yield* refused
    const place = placeOf(at)!
    const horizon = yield* horizonOf(events)
    if (place > horizon.drawn && typeof at === "number")
      return yield* new MomentNotReached({ position: place, drawn: horizon.drawn })
    yield* confirm(events, at, horizon)
    const { history } = yield* settled(events, horizon, place)
    return { history, upTo: place, has: ({ position }) => position <= place } satisfies Cut
  })

// Why no event is missing: an event that is recorded at or before `time` and not visible yet is one of an append under
// way. Its position is drawn before this horizon is asked for, unless its time is later. Those appends are waited for.
const cutOfTime = (events: EventStore["Service"], time: DateTime.DateTime) =>
  Effect.gen(function* () {
    if (DateTime.isGreaterThan(time, yield* DateTime.now)) {
      return yield* new MomentNotReached({ time: DateTime.toUtc(time) })
    }
    const horizon = yield* horizonOf(events)
    const { heldSince } = horizon
    const mayGrow =
      horizon.position < horizon.drawn && (heldSince === undefined || !DateTime.isGreaterThan(heldSince, time))
    const { history, position } = mayGrow ? yield* settled(events, horizon, horizon.drawn) : horizon
    const last = time.epochMilliseconds
    return {
      history,
      upTo: position,
      has: (recorded) => recorded.position <= position && recorded.recordedAt.epochMilliseconds <= last
    } satisfies Cut
  })

/** Waits until no event can appear any more up to a position that is drawn. */
const settled = (
  events: EventStore["Service"],
  now: Horizon,
  place: number
): Effect.Effect<Horizon, MomentNotReached | EventStoreError> => {
  if (place <= now.position) return Effect.succeed(now)
  const reached = Stream.filter(
    events.horizons,
    ({ history, position }) => history !== now.history || position >= place
  )
  const waiting = disconnectWithin(
    Effect.map(
      Stream.runHead(reached),
      Option.getOrElse(() => now)
    ),
    patience,
    () => new MomentNotReached({ position: place, drawn: now.drawn, settled: now.position })
  )
  return Effect.flatMap(waiting, (horizon) => {
    if (horizon.history === now.history) return Effect.succeed(horizon)
    const detail = "the log has begun another history while a moment of it was looked for; repeat it"
    return Effect.fail(new EventStoreError({ operation: "readAll", reason: new Unavailable({ detail }) }))
  })
}

const patience = Duration.seconds(10)
