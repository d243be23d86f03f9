import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { StreamId } from "../../../domain/StreamId.ts"
import { EventStore } from "../../../ports/EventStore.ts"
import { ProjectionStore } from "../../../ports/ProjectionStore.ts"
import type { Place } from "./place.ts"

/** When the first of the parked events was recorded, in milliseconds. The dead letter has the time at which it was read. */
export const oldestParked = ({ counts, known }: Pick<Place, "counts" | "known">) =>
  Effect.gen(function* () {
    if (counts.parked === 0) return undefined
    const { deadLetters } = yield* ProjectionStore
    const [letter] = yield* deadLetters(known, { parked: true, limit: 1 })
    if (letter === undefined) return undefined
    const { readStream } = yield* EventStore
    const event = yield* Stream.runHead(
      readStream(letter.stream as StreamId, { after: letter.streamVersion - 1, limit: 1 })
    )
    return Option.match(event, {
      onNone: () => letter.at.epochMilliseconds,
      onSome: ({ recordedAt }) => recordedAt.epochMilliseconds
    })
  })
