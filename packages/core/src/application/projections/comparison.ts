import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { canonicalJson } from "../../domain/json/canonicalJson.ts"
import type * as View from "../../domain/View.ts"
import { type EventStoreError, NotServing, type ViewStoreError } from "../../ports/errors.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import { buildsOf, servingOf, type Status } from "../../ports/generation.ts"
import type { ProjectionStore } from "../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import type { Expected } from "./expectedRecords.ts"
import { horizonOf } from "../events/positions.ts"

/** A record that differs from what its events say. */
export interface Difference {
  readonly key: string
  /** The stored state as JSON. Undefined if there is no record. */
  readonly stored: Schema.Json | undefined
  /** The state that follows from the events. Undefined if there should be no record. */
  readonly expected: Schema.Json | undefined
}

/** What is compared, and how. */
interface Options {
  readonly build: number
  /** Whether appends may maintain the view. */
  readonly inline: boolean
  /** The most differences that are kept. */
  readonly limit: number
  readonly events: EventStore["Service"]
  readonly records: ProjectionStore["Service"]
  readonly status: ViewStore["Service"]["status"]
}

interface Comparison {
  readonly counts: { compared: number; different: number; unjudged: number; from: number; to: number }
  readonly differences: ReadonlyArray<Difference>
  /** Compares the records of keys with what the events make of them, and counts. */
  readonly compare: (
    expected: Expected,
    keys: ReadonlyArray<string>
  ) => Effect.Effect<void, NotServing | EventStoreError | ViewStoreError>
}

/** Compares the records of one generation with those that are expected. */
export const comparison = (view: View.Any, { build, events, inline, limit, records, status }: Options): Comparison => {
  const { version } = view
  const differences: Array<Difference> = []
  const counts = { compared: 0, different: 0, unjudged: 0, from: Infinity, to: 0 }

  /** Compares keys at one moment, and gives those that differ. */
  const look = Effect.fnUntraced(function* (expected: Expected, keys: ReadonlyArray<string>) {
    const horizon = inline ? (yield* horizonOf(events)).position : 0
    const { parked, positions, states } = yield* records.load({ view: view.name, version, build }, keys)
    if (positions.length === 0) return yield* notServing(view, build, yield* status)
    // A projection is never ahead of the log, unless the log has gone back. Then the records are compared with what is left.
    const end = inline ? horizon : (yield* horizonOf(events)).drawn
    const reached = positions.map((position) => Math.min(position, end))
    const seen = Math.max(...positions)
    yield* expected.advance(reached)
    counts.from = Math.min(counts.from, ...reached)
    counts.to = Math.max(counts.to, ...reached)
    return keys.flatMap((key): ReadonlyArray<Suspect> => {
      const stored = states.get(key)
      const should = expected.states.get(key)
      const isJudged = !parked.has(key) && !expected.failed.has(key)
      return isJudged && isSame(stored, should) ? [] : [{ key, stored, expected: should, isJudged, horizon, seen }]
    })
  })

  const compare = Effect.fnUntraced(function* (expected: Expected, keys: ReadonlyArray<string>) {
    counts.compared += keys.length
    let suspects = yield* look(expected, keys)
    // Appends write records before the horizon has passed them. A difference that is only this ends with a later look.
    for (let looks = 1; inline && suspects.length > 0 && looks < 10; looks++) {
      yield* Effect.sleep("100 millis")
      const before = new Map(suspects.map((suspect) => [suspect.key, suspect]))
      const again = yield* look(expected, [...before.keys()])
      suspects = again.map((now) => stillOf(now, before.get(now.key)!))
    }
    for (const { expected, isJudged, key, stored } of suspects) {
      const difference = { key, stored, expected }
      const generation = { view: view.name, version, build }
      const deadLetters = isJudged ? yield* records.deadLetters(generation, { key: difference.key, limit: 1 }) : []
      if (!isJudged || deadLetters.length > 0) counts.unjudged++
      else if (counts.different++ < limit) differences.push(difference)
    }
  })

  return { counts, differences, compare }
}

/** A difference that may still come from an event that was not applied yet. */
interface Suspect extends Difference {
  readonly isJudged: boolean
  /** The horizon up to which the expected state was computed. */
  readonly horizon: number
  /** The record contains no event after this position, and has not changed since. */
  readonly seen: number
}

const isSame = (a: Schema.Json | undefined, b: Schema.Json | undefined): boolean =>
  a === undefined || b === undefined ? a === b : canonicalJson(a) === canonicalJson(b)

const stillOf = (now: Suspect, before: Suspect): Suspect =>
  isSame(now.stored, before.stored) && isSame(now.expected, before.expected)
    ? { ...now, seen: before.seen, isJudged: now.isJudged && now.horizon >= before.seen }
    : { ...now, isJudged: false }

/** The failure of a verification whose build does not answer the queries. */
export const notServing = (view: View.Any, build: number | undefined, all: ReadonlyArray<Status>) => {
  const { name, version } = view
  const known = buildsOf(view, all)
  const isReplaced = build !== undefined && servingOf(view, all) !== undefined
  return new NotServing({
    view: name,
    version,
    ...(build === undefined ? undefined : { build }),
    reason: isReplaced ? "replaced" : known.length === 0 ? "unbuilt" : "building"
  })
}
