/** Folds the events of a view up to a moment of the past. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as View from "../../../domain/View.ts"
import { inSteps } from "../../../internal/steps.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { RecordedEvent } from "../../../ports/EventStore.ts"
import type { ProjectionFailed } from "../../views/errors.ts"
import { type Candidate, decodeCandidate } from "../../views/decoding.ts"
import { applying } from "../../views/poison.ts"
import type { PastRecords } from "./records.ts"

/** What is folded. */
export interface Folding<E, E2> {
  readonly view: View.Any
  readonly history: number
  /** The events of the view up to the moment, in the order of their positions. */
  readonly events: Stream.Stream<RecordedEvent, EventStoreError>
  /** The only keys that are wanted. All by default. */
  readonly keys?: ReadonlySet<string>
  readonly records: PastRecords<E>
  /** Is run after each batch. */
  readonly onBatch?: (batch: { readonly position: number; readonly events: number }) => Effect.Effect<void, E2>
}

/**
 * Folds events into records as a projection of the view does: in batches, and its `onPoison` decides about an event that
 * cannot be applied. Fails with `ProjectionFailed` where a projection would stop.
 */
export const fold = <E, E2 = never>({
  events,
  history,
  keys: wanted,
  onBatch,
  records,
  view
}: Folding<E, E2>): Effect.Effect<void, E | E2 | EventStoreError | ProjectionFailed> => {
  const candidateOf = (recorded: RecordedEvent): Candidate => {
    const candidate = decodeCandidate(view, recorded)
    return wanted === undefined ? candidate : { ...candidate, keys: candidate.keys?.filter((key) => wanted.has(key)) }
  }
  const batch = (given: ReadonlyArray<Candidate>) =>
    Effect.gen(function* () {
      let left = given
      while (left.length > 0) {
        const keys = [...new Set(left.flatMap((each) => each.keys ?? []))]
        const loaded = yield* records.load(keys)
        const now = yield* DateTime.now
        const { result, steps } = applying(view, left, loaded, { history, now, isFull: (bytes) => bytes >= mostBytes })
        yield* inSteps(steps)
        const { deadLetters, failed, put, remove, taken } = result()
        if (failed !== undefined) return yield* failed
        const position = left[taken - 1]!.recorded.position
        yield* records.write({ put, remove, deadLetters, to: position })
        if (onBatch !== undefined) yield* onBatch({ position, events: taken })
        left = left.slice(taken)
      }
    })
  return Stream.runForEachArray(Stream.rechunk(events, batchSize), (page) => batch(page.map(candidateOf)))
}

const batchSize = 1_000
const mostBytes = 4 << 20
