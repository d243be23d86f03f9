/** Where a consumer begins that has not handled any event yet. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Start } from "../../../domain/view/reacting.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { EventStore } from "../../../ports/EventStore.ts"
import { horizonOf } from "../../events/positions.ts"

export type { Start }

/** The position after which a consumer begins. */
export const positionOf = (start: Start, events: EventStore["Service"]): Effect.Effect<number, EventStoreError> => {
  if (start === "beginning") return Effect.succeed(0)
  if (typeof start === "object" && "after" in start) return Effect.succeed(start.after)
  return Effect.gen(function* () {
    const { history, position } = yield* horizonOf(events)
    if (start === "now" || position === 0) return position
    const since = start.since.epochMilliseconds
    const isBefore = (at: number) =>
      Effect.map(
        Stream.runHead(events.readAll({ after: at, history, upTo: position, limit: 1 })),
        Option.match({ onNone: () => false, onSome: ({ recordedAt }) => recordedAt.epochMilliseconds < since })
      )
    // Times grow with positions, but for the overlap of transactions. So the search ends a little before the first one.
    let low = 0
    let high = position
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (yield* isBefore(middle)) low = middle + 1
      else high = middle
    }
    const margin = Math.max(0, low - overlap)
    const first = yield* events.readAll({ after: margin, history, upTo: position }).pipe(
      Stream.filter(({ recordedAt }) => recordedAt.epochMilliseconds >= since),
      Stream.runHead
    )
    return Option.match(first, { onNone: () => position, onSome: (event) => event.position - 1 })
  })
}

// As many events as may be under way at once.
const overlap = 1_000
