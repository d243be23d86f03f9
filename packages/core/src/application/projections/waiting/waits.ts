/**
 * What waits of a consumer, and for how long: measured by what the stores have, never by what works on it, because that may
 * stand still.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DeadLetterCounts } from "../../../ports/deadLetter.ts"
import type { EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import type { EventStore } from "../../../ports/EventStore.ts"
import type { Status as Generation } from "../../../ports/generation.ts"
import type { ProjectionStore } from "../../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../../ports/ViewStore.ts"
import { oldestCommand } from "./commands.ts"
import { oldestParked } from "./parked.ts"
import type { Place } from "./place.ts"
import { hasTimers } from "../../../domain/process/timers.ts"

/** How long things have waited: for each kind, the time that the oldest one has waited. Zero if nothing of a kind waits. */
export interface Waits {
  /** The oldest event of a parked key: the time since the store has recorded it. */
  readonly parked: Duration.Duration
  /** Of a process: the oldest command that a step has recorded and that has no answer yet, since it was recorded. */
  readonly unsent: Duration.Duration
  /** Of a consumer of timers: the timer whose time was over first and that has not fired, since its time. */
  readonly overdue: Duration.Duration
}

/**
 * Measures what waits. Where nothing is parked and no event is left, it reads nothing for a consumer that has no timers.
 *
 * Why no command is missed. A step records its commands while its event is handled, and the event is done when all of them
 * have their answers. So an open command belongs to an event that is not done, or to a dead letter.
 */
export const measure = (
  place: Place
): Effect.Effect<Waits, EventStoreError | ViewStoreError, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    const { counts, known, now } = place
    return {
      parked: yield* parkedFor(known, counts, now),
      unsent: since(yield* oldestCommand(place), now),
      overdue: hasTimers(place.view) ? since(place.due, now) : Duration.zero
    }
  })

/** For how long the oldest event of a parked key has waited. */
export const parkedFor = (known: Generation, counts: DeadLetterCounts, now: number) =>
  Effect.map(oldestParked({ counts, known }), (time) => since(time, now))

const since = (time: number | undefined, now: number): Duration.Duration =>
  time === undefined ? Duration.zero : Duration.millis(Math.max(0, now - time))

/** Nothing waits. */
export const none: Waits = { parked: Duration.zero, unsent: Duration.zero, overdue: Duration.zero }
