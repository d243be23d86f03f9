import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { compareTexts } from "../../domain/query/evaluation.ts"
import type * as View from "../../domain/View.ts"
import type { EventStore, RecordedEvent } from "../../ports/EventStore.ts"
import type { EventStoreError } from "../../ports/errors.ts"
import { followed } from "./worker/eventReader.ts"
import { partOf } from "../views/partOf.ts"
import * as ViewFold from "../views/fold.ts"

/** The records of a view that follow from its events, with keys in one range. */
export interface Expected {
  /** The states by key, as JSON. */
  readonly states: ReadonlyMap<string, Schema.Json>
  /** The keys whose events could not all be applied: no state is expected there. */
  readonly failed: ReadonlySet<string>
  /** The last key of the range, which has no end without one. */
  readonly last: string | undefined
  /** Goes on to a position for each part of the keys; none may be before the one reached. */
  readonly advance: (positions: ReadonlyArray<number>) => Effect.Effect<void, EventStoreError>
}

/** Which records are expected. */
export interface Range {
  /** The key behind which the range begins; at the first one if not given. */
  readonly behind: string | undefined
  /** The first position that counts comes after this one, */
  readonly after: number
  /** and the last one, for now, is this. */
  readonly upTo: number
  /** How many keys the range holds at most. */
  readonly most: number
}

/** Folds the events of a view into the first `most` keys of a range; twice as many, and those of a batch, are in memory. */
export const read = (
  view: View.Any,
  events: EventStore["Service"],
  { after, behind, most, upTo }: Range
): Effect.Effect<Expected, EventStoreError> => {
  const { touching } = ViewFold.of(view)
  const states = new Map<string, Schema.Json>()
  const failed = new Set<string>()
  let last: string | undefined
  let at: ReadonlyArray<number> = [after]

  const isIn = (key: string) =>
    (behind === undefined || compareTexts(key, behind) > 0) && (last === undefined || compareTexts(key, last) <= 0)

  // One that fails for one of its keys is expected for the others all the same.
  const apply = (batch: ReadonlyArray<ViewFold.Touching>) => {
    const folding = ViewFold.of(view).folding(states)
    for (const event of batch) {
      for (const key of event.keys) {
        if (failed.has(key)) continue
        const change = folding.after(event, key)
        if (Result.isSuccess(change)) folding.accept(change.success)
        else failed.add(key)
      }
    }
    const { put, remove } = folding.changes()
    for (const { key, state } of put) states.set(key, state)
    for (const key of [...remove, ...failed]) states.delete(key)
  }

  // What is left out here comes in the next range, from its first event on.
  const shorten = () => {
    const keys = [...states.keys(), ...failed].sort(compareTexts)
    if (keys.length <= most) return
    last = keys[most - 1]
    for (const key of keys.slice(most)) {
      states.delete(key)
      failed.delete(key)
    }
  }

  const between = (to: ReadonlyArray<number>, afterBatch = () => {}): Effect.Effect<void, EventStoreError> => {
    const from = at
    const range = { after: Math.min(...from), upTo: Math.max(...to) }
    if (range.upTo <= range.after) return Effect.void
    const isDue = (key: string, position: number) => {
      const part = partOf(key, to.length)
      return from[part]! < position && position <= to[part]! && isIn(key) && !failed.has(key)
    }
    // An event that does not decode was applied nowhere.
    const dueOf = (recorded: RecordedEvent) =>
      Result.match(touching(recorded), {
        onFailure: () => [],
        onSuccess: (event) => {
          const keys = event.keys.filter((key) => isDue(key, recorded.position))
          return keys.length === 0 ? [] : [{ ...event, keys }]
        }
      })
    const read = followed(view, events, range)
    return Stream.runForEach(Stream.grouped(read, 1_000), (batch) =>
      Effect.sync(() => {
        apply(batch.flatMap(dueOf))
        afterBatch()
      })
    ).pipe(Effect.andThen(Effect.sync(() => void (at = to.map((position, part) => Math.max(position, from[part]!))))))
  }

  const advance = Effect.fnUntraced(function* (to: ReadonlyArray<number>) {
    if (to.length !== at.length) {
      // Parts are divided anew only where all stand at one position: at ours, or later.
      const common = Math.max(...at)
      yield* between(at.map(() => common))
      at = to.map(() => common)
    }
    yield* between(to)
  })

  return between([upTo], () => {
    if (states.size + failed.size > 2 * most) shorten()
  }).pipe(
    Effect.map(() => {
      shorten()
      return { states, failed, last, advance }
    })
  )
}
