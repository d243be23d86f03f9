import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { disconnect, disconnectWithin } from "../../internal/disconnect.ts"
import { memoized } from "../../internal/memoized.ts"
import { together } from "../../internal/together.ts"
import { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, Horizon, Position } from "../../ports/EventStore.ts"
import type { Status } from "../../ports/generation.ts"
import { placeOf } from "../../ports/PositionCheck.ts"
import { type Reason, Timeout } from "../../ports/Reason.ts"

type Store = EventStore["Service"]

/** The store's present horizon. */
export const horizonOf = (events: Store): Effect.Effect<Horizon, EventStoreError> =>
  Effect.map(
    Stream.runHead(events.horizons),
    Option.getOrElse((): Horizon => ({ position: 0, drawn: 0, history: 1, holders: [] }))
  )

/** Whether the log is in a history; false if the store does not say it soon. Those that ask together ask once. */
export const isPresent = (events: Store, history: number): Effect.Effect<boolean> =>
  memoized(presents, events.horizons, () =>
    together(Effect.timeoutOption(disconnect(horizonOf(events)), "1 second"))
  ).pipe(
    Effect.map((horizon) => Option.isSome(horizon) && horizon.value.history === history),
    Effect.orElseSucceed(() => false)
  )

const presents = new WeakMap<object, unknown>()

/** A position that something in the store has reached, with its history if that is known. */
export const reachedBy = ({ history, position }: Reached): number | Position =>
  history === undefined ? position : { history, position }

interface Reached {
  readonly position: number
  readonly history?: number | undefined
}

/**
 * Fails if the log does not have a position. The horizon answers for a position of
 * its own history; about any other the store is asked.
 */
export const confirm = (
  events: Store,
  at: number | Position,
  { drawn, history }: Horizon
): Effect.Effect<void, EventStoreError> => {
  const place = placeOf(at)!
  if (place <= drawn && (typeof at === "number" || at.history === history)) return Effect.void
  return inTime(() => Stream.runDrain(events.readAll({ after: at, upTo: place, limit: 1 })))
}

/** Fails if the log does not have the positions that the parts of a generation have reached. */
export const confirmParts = (
  events: Store,
  generation: Pick<Status, "inline" | "parts"> | undefined,
  log: Horizon
): Effect.Effect<void, EventStoreError> =>
  // Appends maintain an inline generation, so its records are always at the end of the log.
  Effect.forEach(
    generation === undefined || generation.inline ? [] : generation.parts,
    (part) => confirm(events, reachedBy(part), log),
    { discard: true }
  )

/** Why the log does not have the positions of a generation; undefined if it has them. */
export const refusalOf = (
  events: Store,
  generation: Pick<Status, "inline" | "parts"> | undefined,
  log: Horizon
): Effect.Effect<Reason | undefined, EventStoreError> => refusedBy(confirmParts(events, generation, log))

/** Why the log does not have what is confirmed; undefined if it has it. */
export const refusedBy = (
  confirming: Effect.Effect<void, EventStoreError>
): Effect.Effect<Reason | undefined, EventStoreError> =>
  confirming.pipe(
    Effect.as(undefined),
    Effect.catchIf(
      (error) => !error.isRetryable,
      ({ reason }) => Effect.succeed(reason)
    )
  )

/** Bounds a read in time, with a retryable `Timeout`. */
export const inTime = <A>(read: () => Effect.Effect<A, EventStoreError>): Effect.Effect<A, EventStoreError> =>
  disconnectWithin(
    Effect.suspend(read),
    patience,
    (detail) => new EventStoreError({ operation: "readAll", reason: new Timeout({ detail }) })
  )

const patience = Duration.seconds(10)
