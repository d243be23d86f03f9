import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { canonicalJson } from "../../domain/canonicalJson.ts"
import { cursorOf } from "../../domain/query/cursor.ts"
import type { Query } from "../../domain/query/data.ts"
import { compareTexts } from "../../domain/query/evaluation.ts"
import type * as View from "../../domain/View.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { EventStore } from "../../ports/EventStore.ts"
import { placeOf, servingOf, type Status } from "../../ports/generation.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { type Expected, read } from "./expectedRecords.ts"
import { NotServing } from "./errors.ts"
import { horizonOf } from "./worker/eventReader.ts"

/** How records are verified. */
export interface VerifyOptions {
  /** The `after` with which the records were rebuilt: they contain only later events. 0 by default. */
  readonly after?: number
  /**
   * The number of records that are verified with one reading of the events. Up to
   * twice as many are in memory. 50,000 by default; less than 1 is a defect.
   */
  readonly keysPerPass?: number
  /** The most differences that are reported. All are counted. 100 by default. */
  readonly limit?: number
}

/** A record that differs from what its events say. */
export interface Difference {
  readonly key: string
  /** The stored state as JSON. Undefined if there is no record. */
  readonly stored: Schema.Json | undefined
  /** The state that follows from the events. Undefined if there should be no record. */
  readonly expected: Schema.Json | undefined
}

/** What {@link verify} found. */
export interface Verified {
  readonly version: number
  readonly build: number
  /** The number of keys that were compared. */
  readonly compared: number
  /** The number of keys that differ. */
  readonly different: number
  /** The first differences, ordered by key; missing records come last. */
  readonly differences: ReadonlyArray<Difference>
  /**
   * The number of keys that cannot be judged: an event of the key was skipped, is
   * parked or fails now, or the record changed at every look.
   */
  readonly unjudged: number
  /** The lowest position at which a key was compared. */
  readonly from: number
  /** The highest position at which a key was compared. */
  readonly to: number
}

/**
 * Replays the events of a view and compares the result with the records that
 * answer the queries. Each record is compared at the position that it had when it
 * was read, so the projection goes on meanwhile and is not delayed.
 *
 * It reads all events once for every `keysPerPass` keys. It may take long, but
 * never much memory. Objects are equal whatever the order of their fields.
 *
 * Fails with a `NotServing` if this version of the view does not answer the
 * queries, or if another build takes over meanwhile. Errors of a store are passed
 * on.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Effect.gen(function*() {
 *   const { compared, different, differences } = yield* Projection.verify(AccountSummary)
 *   yield* Effect.log(`${different} of ${compared} records differ`, differences)
 * })
 * ```
 */
export const verify = (
  view: View.Any,
  options: VerifyOptions = {}
): Effect.Effect<Verified, NotServing | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const { after = 0, keysPerPass = 50_000, limit = 100 } = options
    if (!Number.isSafeInteger(keysPerPass) || keysPerPass < 1) {
      throw new Error(`${keysPerPass} is not a valid number of keys: use a whole number from 1 on`)
    }
    const events = yield* EventStore
    const records = yield* ViewStore
    const { build, version, ...serving } = yield* servingNow(view)
    // Appends may begin or stop maintaining the view at any moment.
    const inline = serving.inline || view.consistency === "inline"
    const differences: Array<Difference> = []
    const counts = { compared: 0, different: 0, unjudged: 0, from: Infinity, to: 0 }

    /** Compares keys at one moment, and gives those that differ. */
    const look = Effect.fnUntraced(function* (expected: Expected, keys: ReadonlyArray<string>) {
      const horizon = inline ? yield* horizonOf(events) : 0
      const { parked, positions, states } = yield* records.load({ view: view.name, version, build }, keys)
      if (positions.length === 0) return yield* notServing(view, build, servingOf(view, yield* records.status))
      const reached = inline ? positions.map((position) => Math.min(position, horizon)) : positions
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

    let afterKey: string | undefined
    do {
      const { position } = yield* servingNow(view, build)
      const upTo = inline ? Math.min(position, yield* horizonOf(events)) : position
      const expected = yield* read(view, events, { afterKey, after, upTo, most: keysPerPass })
      const unseen = new Set([...expected.states.keys(), ...expected.failed])
      for (let from = afterKey; ;) {
        const { keys, next } = yield* storedKeys(view, from, expected.last)
        for (const key of keys) unseen.delete(key)
        if (keys.length > 0) yield* compare(expected, keys)
        if (next === undefined) break
        from = next
      }
      const missing = [...unseen].sort(compareTexts)
      for (let i = 0; i < missing.length; i += chunk) yield* compare(expected, missing.slice(i, i + chunk))
      afterKey = expected.last
    } while (afterKey !== undefined)
    yield* servingNow(view, build)

    const { unjudged } = counts
    return {
      ...counts,
      version,
      build,
      differences,
      compared: counts.compared - unjudged,
      from: Math.min(counts.from, counts.to)
    }
  })

// The number of keys that are compared at once.
const chunk = 1_000

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

/** The generation that answers the queries. It must be of this version, and of this build if one is named. */
const servingNow = (view: View.Any, build?: number): Effect.Effect<Status, NotServing | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const serving = servingOf(view, yield* (yield* ViewStore).status)
    return serving?.version === view.version && serving.build === (build ?? serving.build)
      ? serving
      : yield* notServing(view, build, serving)
  })

const notServing = ({ name, version }: View.Any, build: number | undefined, serving: Status | undefined) =>
  new NotServing({
    view: name,
    version,
    ...(build === undefined ? undefined : { build }),
    ...(serving === undefined ? undefined : { serving: placeOf(serving) })
  })

/** A page of the stored keys after one key and up to another, and the key after which the next page begins. */
const storedKeys = (view: View.Any, afterKey: string | undefined, last: string | undefined) =>
  Effect.gen(function* () {
    const { query } = yield* ViewStore
    const keysOnly: Query = { _tag: "Records", view: view.name, orderBy: [], select: [], limit: chunk }
    const after = afterKey === undefined ? undefined : { after: cursorOf(keysOnly, { key: afterKey, state: null }) }
    const { next, rows } = yield* Effect.catchTag(query({ ...keysOnly, ...after }), "InvalidCursor", Effect.die)
    const keys = rows.map(({ key }) => key).filter((key) => last === undefined || compareTexts(key, last) <= 0)
    return { keys, next: next === undefined || keys.length < rows.length ? undefined : keys.at(-1) }
  })
