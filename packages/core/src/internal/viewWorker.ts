import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Failure, Options } from "../application/Projection.ts"
import type * as View from "../domain/View.ts"
import { EventStore } from "../ports/EventStore.ts"
import type { Fenced } from "../ports/Fenced.ts"
import { type Claim, type Generation, type Status, ViewStore } from "../ports/ViewStore.ts"
import type { ViewStoreError } from "../ports/ViewStoreError.ts"
import { readerOf } from "./followed.ts"
import { type Owned, owning, within } from "./ownership.ts"
import * as uuid from "./uuid.ts"
import * as Batch from "./viewBatch.ts"

/** Brings the records of a generation up to date. */
export interface Worker {
  readonly events: EventStore["Service"]
  readonly records: ViewStore["Service"]
  /** What was done so far. */
  readonly applied: { readonly events: number; readonly commits: number }
  /** Does something as the owner: none if another has the generation, or as soon as it is lost. */
  readonly owned: <A, E>(
    work: (owned: Owned) => Effect.Effect<A, E>
  ) => Effect.Effect<Option.Option<A>, E | ViewStoreError>
  /** Applies the events between two positions, of which the second is a horizon. */
  readonly advance: (owned: Owned, from: number, horizon: number) => Effect.Effect<number, Failure | Fenced>
  readonly pause: Duration.Duration
}

/** Which generation of a view to work on, if it is not the present one of its version. */
export interface Target {
  readonly build: number
  readonly after: number
}

/** A worker of its own name, which owns nothing yet. */
export const make = (
  view: View.Any,
  options: Options,
  target?: Target
): Effect.Effect<Worker, never, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const { batch: size = 1_000 } = options
    if (!Number.isSafeInteger(size) || size < 1) throw new Error(`${size} is no number of events from 1 on`)
    const lease = Duration.fromInputUnsafe(options.lease ?? "10 seconds")
    const events = yield* EventStore
    const records = yield* ViewStore
    const owner = uuid.make(yield* Clock.currentTimeMillis)
    const version = { view: view.name, version: view.version }
    const generation: Generation = target === undefined ? version : { ...version, build: target.build }
    const indexes = view.indexes.map((index) =>
      (typeof index === "string" ? [index] : index).map((path) => path.split("."))
    )
    const claim: Claim = { generation, owner, lease, indexes, after: target?.after ?? 0 }
    const read = readerOf(view, events)
    const applied = { events: 0, commits: 0 }
    let serves = false
    const bounded = (build: number): Batch.Records => ({
      load: (keys) => within(records.load({ ...version, build }, keys), lease, "load", claim),
      // Not to be interrupted, but to be given up: the race inside still can be.
      commit: (commit) => Effect.uninterruptible(within(records.commit(commit), lease, "commit", claim)),
      serving: Effect.map(within(records.status, lease, "status", claim), (all) => servingOf(view, all))
    })
    const advance = (owned: Owned, from: number, horizon: number) =>
      Effect.suspend(() => {
        let position = from
        const records = bounded(owned.build)
        const batches = Effect.whileLoop({
          while: () => position < horizon,
          body: () => Batch.run({ view, read, records, owned, from: position, horizon, size, serves }),
          step: (done) => {
            position = done.position
            serves = done.serves
            applied.events += done.events
            applied.commits++
          }
        })
        return Effect.map(batches, () => position)
      })
    const owned: Worker["owned"] = (work) =>
      owning(records, claim, (owned) => {
        serves = false
        return work(owned)
      })
    const pause = Duration.fromInputUnsafe(options.pause ?? "1 second")
    return { events, records, applied, advance, owned, pause }
  })

/** The generation that answers the queries to a view. */
export const servingOf = ({ name }: { readonly name: string }, all: ReadonlyArray<Status>): Status | undefined =>
  all.find(({ serves, view }) => view === name && serves)

/** The generation that a projection of a view works on. */
export const currentOf = (
  { name, version }: { readonly name: string; readonly version: number },
  all: ReadonlyArray<Status>
): Status | undefined => {
  const builds = all.filter((each) => each.view === name && each.version === version)
  return builds.find(({ serves }) => serves) ?? builds.find(({ replaced }) => !replaced)
}
