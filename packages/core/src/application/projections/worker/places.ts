import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { EventStoreError } from "../../../ports/errors.ts"
import type { EventStore, Horizon } from "../../../ports/EventStore.ts"
import { confirm, reachedBy, refusalOf } from "../../events/positions.ts"
import type { Status } from "../../../ports/generation.ts"
import type { Owned } from "./lease.ts"

/** The log's history has ended while a projection worked: it has to claim the generation anew. */
export class HistoryEnded extends Data.TaggedError("HistoryEnded")<{ readonly message: string }> {}

/**
 * Whether an owner's positions are those of the log.
 *
 * Why no event is skipped after the log has gone back. (1) The owner begins at the
 * position that the view store has, and the event store is asked whether its log
 * has that position. (2) All reads of the owner name one history, and the event
 * store refuses them in another. (3) The owner goes on within that history only:
 * for a horizon of another one it claims anew, which leads to (1).
 */
export const makePlaces = (events: EventStore["Service"]) => {
  let known: number | undefined

  return {
    /** To be called when an ownership begins. */
    forget: (): void => {
      known = undefined
    },

    /** Fails if the log does not have the position at which the owner began, or if its history has ended since. */
    check: (owned: Owned, horizon: Horizon): Effect.Effect<void, EventStoreError | HistoryEnded> =>
      Effect.suspend((): Effect.Effect<void, EventStoreError | HistoryEnded> => {
        if (known === horizon.history) return Effect.void
        if (known !== undefined) return Effect.fail(ended(known, horizon.history))
        return Effect.map(confirm(events, reachedBy(owned), horizon), () => void (known = horizon.history))
      }),

    /** Whether the log does not have the position that a part of a generation has reached. */
    isLost: (generation: Status, horizon: Horizon): Effect.Effect<boolean, EventStoreError> =>
      Effect.map(refusalOf(events, generation, horizon), (refusal) => refusal !== undefined),

    /** A read that was refused because the history has ended is no failure of the projection. */
    untilEnded: <A, E>(
      work: Effect.Effect<A, E | EventStoreError>
    ): Effect.Effect<A, E | EventStoreError | HistoryEnded> =>
      Effect.mapError(work, (error) => {
        const reason = error instanceof EventStoreError ? error.reason : undefined
        return reason?._tag === "PositionFromAnotherHistory" ? ended(reason.history, reason.current) : error
      })
  }
}

const ended = (former: number, present: number) =>
  new HistoryEnded({ message: `history ${former} of the log has ended, it is in history ${present} now` })
