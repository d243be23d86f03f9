import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { canonicalJson } from "../../domain/canonicalJson.ts"
import { cursorOf } from "../../domain/query/cursor.ts"
import type { Query } from "../../domain/query/data.ts"
import { compareTexts } from "../../domain/query/evaluation.ts"
import type * as View from "../../domain/View.ts"
import { type Expected, read } from "./expectedRecords.ts"
import { horizonOf } from "./worker/eventReader.ts"
import { servingOf } from "../../ports/generation.ts"
import { EventStore } from "../../ports/EventStore.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { type Status, ViewStore } from "../../ports/ViewStore.ts"
import { NotServing } from "./errors.ts"

/** How records are verified. */
export interface VerifyOptions {
  /** The position behind which the records begin, if they were rebuilt so; 0 if not given. */
  readonly after?: number
  /**
   * How many records are verified with one reading of the events; 50,000 if not
   * given. Up to twice as many are in memory. Less than 1 is a defect.
   */
  readonly keysPerPass?: number
  /** How many differences are reported at most, 100 if not given; all are counted. */
  readonly limit?: number
}

/** A record that is not as its events say. */
export interface Difference {
  readonly key: string
  /** Its state as JSON, `undefined` if there is no record, */
  readonly stored: Schema.Json | undefined
  /** and what it should be. */
  readonly expected: Schema.Json | undefined
}

/** What {@link verify} found. */
export interface Verified {
  readonly version: number
  readonly build: number
  /** How many keys were compared, */
  readonly compared: number
  /** how many of them differ, */
  readonly different: number
  /** and the first of those, in the order of their keys but for records that should be there and are not. */
  readonly differences: ReadonlyArray<Difference>
  /**
   * How many keys cannot be judged: an event of theirs was skipped, or is
   * parked, or fails now; or their records never held still.
   */
  readonly unjudged: number
  /** The positions at which keys were compared: the first */
  readonly from: number
  /** and the last. */
  readonly to: number
}

/**
 * Replays a view's events and compares what follows from them with the records
 * that are stored and serve, without stopping the projection or holding it up:
 * each record at the position where it stood when it was read.
 *
 * It reads all events once for every `keysPerPass` keys, so it may take long,
 * but never much memory. Objects are equal whatever the order of their fields.
 *
 * Fails with a `NotServing` if this version of the view does not answer its
 * queries, or another build begins to meanwhile, and with what befell a store.
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
      throw new Error(`${keysPerPass} is no number of keys from 1 on`)
    }
    const events = yield* EventStore
    const records = yield* ViewStore
    const { build, version, ...serving } = yield* servingNow(view)
    // Who maintains it may change at any moment.
    const inline = serving.inline || view.consistency === "inline"
    const differences: Array<Difference> = []
    const counts = { compared: 0, different: 0, unjudged: 0, from: Infinity, to: 0 }

    /** Compares keys as they are at one moment, and gives those that differ. */
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
      // Appends go on writing beside the horizon: what only they have changed looks right once it has passed them.
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

    let behind: string | undefined
    do {
      const { position } = yield* servingNow(view, build)
      const upTo = inline ? Math.min(position, yield* horizonOf(events)) : position
      const expected = yield* read(view, events, { behind, after, upTo, most: keysPerPass })
      const unseen = new Set([...expected.states.keys(), ...expected.failed])
      for (let from = behind; ;) {
        const { keys, next } = yield* storedKeys(view, from, expected.last)
        for (const key of keys) unseen.delete(key)
        if (keys.length > 0) yield* compare(expected, keys)
        if (next === undefined) break
        from = next
      }
      const missing = [...unseen].sort(compareTexts)
      for (let i = 0; i < missing.length; i += chunk) yield* compare(expected, missing.slice(i, i + chunk))
      behind = expected.last
    } while (behind !== undefined)
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

// How many keys are compared at once.
const chunk = 1_000

/** Two that differ, unless an event of theirs was not applied. */
interface Suspect extends Difference {
  readonly isJudged: boolean
  /** What follows is expected up to here, */
  readonly horizon: number
  /** and no event behind this position was in the record, which has been the same since. */
  readonly seen: number
}

const isSame = (a: Schema.Json | undefined, b: Schema.Json | undefined): boolean =>
  a === undefined || b === undefined ? a === b : canonicalJson(a) === canonicalJson(b)

const stillOf = (now: Suspect, before: Suspect): Suspect =>
  isSame(now.stored, before.stored) && isSame(now.expected, before.expected)
    ? { ...now, seen: before.seen, isJudged: now.isJudged && now.horizon >= before.seen }
    : { ...now, isJudged: false }

/** The generation that serves, which must be of this version, and of this build if one is named. */
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
    ...(serving === undefined ? undefined : { serving: { version: serving.version, build: serving.build } })
  })

/** A page of the keys that are stored behind one and up to another, and where the next one begins. */
const storedKeys = (view: View.Any, behind: string | undefined, last: string | undefined) =>
  Effect.gen(function* () {
    const { query } = yield* ViewStore
    const keysOnly: Query = { _tag: "Records", view: view.name, orderBy: [], select: [], limit: chunk }
    const after = behind === undefined ? undefined : { after: cursorOf(keysOnly, { key: behind, state: null }) }
    const { next, rows } = yield* Effect.catchTag(query({ ...keysOnly, ...after }), "InvalidCursor", Effect.die)
    const keys = rows.map(({ key }) => key).filter((key) => last === undefined || compareTexts(key, last) <= 0)
    return { keys, next: next === undefined || keys.length < rows.length ? undefined : keys.at(-1) }
  })
