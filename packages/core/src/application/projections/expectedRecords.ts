import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { compareTexts } from "../../domain/query/evaluation.ts"
import type * as View from "../../domain/View.ts"
import { inSteps } from "../../internal/steps.ts"
import type { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, RecordedEvent } from "../../ports/EventStore.ts"
import { eventsOf } from "./reading/eventReader.ts"
import { partOf } from "../views/partOf.ts"
import type { DecodedEvent } from "../views/decoding.ts"
import * as ViewFold from "../views/fold.ts"

/** The records that follow from a view's events, for one range of keys. */
export interface Expected {
  /** The states by key, as JSON. */
  readonly states: ReadonlyMap<string, Schema.Json>
  /** The keys for which an event could not be applied. No state is expected for them. */
  readonly failed: ReadonlySet<string>
  /** The last key of the range. Undefined if the range has no end. */
  readonly last: string | undefined
  /** Applies the events up to a position for each part of the keys. A position must not be below the one reached before. */
  readonly advance: (positions: ReadonlyArray<number>) => Effect.Effect<void, EventStoreError>
}

/** Which records are expected. */
export interface Range {
  /** The range begins after this key, or at the first key if undefined. */
  readonly afterKey: string | undefined
  /** Only the events after this position count. */
  readonly after: number
  /** Only the events up to this position count, until `advance` is called. */
  readonly upTo: number
  /** The most keys of the range. */
  readonly most: number
}

/** Folds the events of a view into the first `most` keys of a range. Up to twice as many are in memory, and those of a batch. */
export const read = (
  view: View.Any,
  events: EventStore["Service"],
  { after, afterKey, most, upTo }: Range
): Effect.Effect<Expected, EventStoreError> => {
  const { decode } = ViewFold.of(view)
  const states = new Map<string, Schema.Json>()
  const failed = new Set<string>()
  let last: string | undefined
  let at: ReadonlyArray<number> = [after]

  const isIn = (key: string) =>
    (afterKey === undefined || compareTexts(key, afterKey) > 0) && (last === undefined || compareTexts(key, last) <= 0)

  // An event that fails for one of its keys still counts for the others.
  const apply = (batch: ReadonlyArray<RecordedEvent>, dueOf: (recorded: RecordedEvent) => Due) =>
    Effect.suspend(() => {
      const folding = ViewFold.of(view).folding(states)
      const steps = function* () {
        for (const recorded of batch) {
          const event = dueOf(recorded)
          for (const key of event?.keys ?? []) {
            if (failed.has(key)) continue
            const change = folding.after(event!, key)
            if (Result.isSuccess(change)) folding.accept(change.success)
            else failed.add(key)
            yield
          }
          yield
        }
      }
      return Effect.map(inSteps(steps()), () => {
        const { put, remove } = folding.changes()
        for (const { key, state } of put) states.set(key, state)
        for (const key of [...remove, ...failed]) states.delete(key)
      })
    })

  // A key that is removed here belongs to the next range, which reads all its events.
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
    // An event that does not decode was applied to no record.
    const dueOf = (recorded: RecordedEvent): Due =>
      Result.match(decode(recorded), {
        onFailure: () => undefined,
        onSuccess: (event) => ({ ...event, keys: event.keys.filter((key) => isDue(key, recorded.position)) })
      })
    // A page of the store is limited in bytes. A batch is at most one page, so it never waits for a second one.
    return Stream.runForEachArray(eventsOf(view, events, range), (page) =>
      Effect.forEach(batchesOf(page), (batch) => Effect.map(apply(batch, dueOf), afterBatch), { discard: true })
    ).pipe(Effect.andThen(Effect.sync(() => void (at = to.map((position, part) => Math.max(position, from[part]!))))))
  }

  const advance = Effect.fnUntraced(function* (to: ReadonlyArray<number>) {
    if (to.length !== at.length) {
      // Keys are divided anew only when all parts have reached a common position, which is not below ours.
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

/** An event with those of its keys that are to be applied. Undefined if it does not decode. */
type Due = DecodedEvent | undefined

const batchesOf = (page: ReadonlyArray<RecordedEvent>): ReadonlyArray<ReadonlyArray<RecordedEvent>> =>
  Array.from({ length: Math.ceil(page.length / batchSize) }, (_, i) => page.slice(i * batchSize, (i + 1) * batchSize))

const batchSize = 1_000
