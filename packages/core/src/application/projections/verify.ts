import * as Effect from "effect/Effect"
import { cursorOf } from "../../domain/query/cursor.ts"
import type { Query } from "../../domain/query/data.ts"
import { compareTexts } from "../../domain/query/evaluation.ts"
import type * as View from "../../domain/View.ts"
import type { EventStoreError, NotServing, ViewStoreError } from "../../ports/errors.ts"
import { EventStore } from "../../ports/EventStore.ts"
import { servingOf, type Status } from "../../ports/generation.ts"
import { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { checkDefinition } from "./checkDefinition.ts"
import { comparison, type Difference, notServing } from "./comparison.ts"
import type { DefinitionDiffers } from "./errors.ts"
import { read } from "./expectedRecords.ts"
import { horizonOf } from "../events/positions.ts"

export type { Difference } from "./comparison.ts"

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
 * queries, or if another build takes over meanwhile. Fails with a `DefinitionDiffers` if
 * another definition of the version has made the records. Errors of a store are passed on.
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
): Effect.Effect<
  Verified,
  DefinitionDiffers | NotServing | EventStoreError | ViewStoreError,
  EventStore | ProjectionStore | ViewStore
> =>
  Effect.gen(function* () {
    const { after = 0, keysPerPass = 50_000, limit = 100 } = options
    if (!Number.isSafeInteger(keysPerPass) || keysPerPass < 1) {
      throw new Error(`${keysPerPass} is not a valid number of keys: use a whole number from 1 on`)
    }
    const events = yield* EventStore
    const records = yield* ProjectionStore
    const { status } = yield* ViewStore
    const { build, version, ...serving } = yield* Effect.tap(servingNow(view), (known) => checkDefinition(view, known))
    // Appends may begin or stop maintaining the view at any moment.
    const inline = serving.inline || view.consistency === "inline"
    const { compare, counts, differences } = comparison(view, { build, inline, limit, events, records, status })

    let afterKey: string | undefined
    do {
      const { position } = yield* servingNow(view, build)
      const horizon = yield* horizonOf(events)
      const upTo = Math.min(position, inline ? horizon.position : horizon.drawn)
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

/** The generation that answers the queries to this version. It must be of this build if one is named. */
const servingNow = (view: View.Any, build?: number): Effect.Effect<Status, NotServing | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const all = yield* (yield* ViewStore).status
    const serving = servingOf(view, all)
    return serving !== undefined && serving.build === (build ?? serving.build)
      ? serving
      : yield* notServing(view, build, all)
  })

/** A page of the stored keys after one key and up to another, and the key after which the next page begins. */
const storedKeys = (view: View.Any, afterKey: string | undefined, last: string | undefined) =>
  Effect.gen(function* () {
    const { query } = yield* ViewStore
    const keysOnly: Query = { _tag: "Records", view: view.name, orderBy: [], select: [], limit: chunk }
    const after = afterKey === undefined ? undefined : { after: cursorOf(keysOnly, { key: afterKey, state: null }) }
    const { next, rows } = yield* Effect.catchTag(
      query({ ...keysOnly, ...after }, view.version),
      "InvalidCursor",
      Effect.die
    )
    const keys = rows.map(({ key }) => key).filter((key) => last === undefined || compareTexts(key, last) <= 0)
    return { keys, next: next === undefined || keys.length < rows.length ? undefined : keys.at(-1) }
  })
