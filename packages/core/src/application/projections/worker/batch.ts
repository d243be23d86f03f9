import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { ProjectionFailed } from "../../views/errors.ts"
import type * as View from "../../../domain/View.ts"
import type { EventStoreError, CommitConflict, ViewStoreError } from "../../../ports/errors.ts"
import type { Commit, Loaded, Part, Speed, Status } from "../../../ports/ViewStore.ts"
import type { Reader } from "./eventReader.ts"
import { isSame } from "../../../ports/generation.ts"
import type { Owned } from "./lease.ts"
import { partOf } from "../../views/partOf.ts"
import * as metrics from "./metrics.ts"
import * as Poison from "../../views/poison.ts"

/** The records of the generation that a projection owns. */
export interface Records {
  readonly load: (keys: ReadonlyArray<string>) => Effect.Effect<Loaded, ViewStoreError>
  readonly commit: (commit: Commit) => Effect.Effect<void, CommitConflict | ViewStoreError>
  /** The generation of the view that answers the queries. */
  readonly serving: Effect.Effect<Status | undefined, ViewStoreError>
}

/** Where a batch begins, how far it may go, and with what. */
export interface Batch {
  readonly view: View.Any
  readonly read: Reader
  readonly records: Records
  readonly owned: Owned
  /** Whose keys are ours. */
  readonly part: Part
  /** Whether appends are to maintain the generation. */
  readonly inline: boolean
  readonly from: number
  /** A horizon of the store that was known before this batch reads. */
  readonly horizon: number
  readonly size: number
  /** Whether the generation is known to answer the queries to its view. */
  readonly serves: boolean
  /** How fast the projection has been so far. */
  readonly speed: Speed | undefined
}

/** What a batch did. */
export interface Done {
  readonly position: number
  readonly serves: boolean
  readonly events: number
  readonly commits: number
}

/**
 * Reads, folds and commits one batch, of no events where the horizon is reached
 * already. Fails with `ProjectionFailed` after what comes before that event is
 * committed, and with it that this event stopped us.
 */
export const run = (
  batch: Batch
): Effect.Effect<Done, ProjectionFailed | CommitConflict | EventStoreError | ViewStoreError> =>
  Effect.gen(function* () {
    const { from, horizon, inline, owned, part, records, size, view } = batch
    // No further than a store searches soon, where there are few events for the view.
    const upTo = Math.min(horizon, from + stretch * size)
    const read = from < horizon ? yield* batch.read({ after: from, upTo, limit: size }) : { events: [], end: from }
    const met = read.events.map((recorded) => ourPart(Poison.meet(view, recorded), part))
    const keys = [...new Set(met.flatMap((event) => event.keys ?? []))]
    const loaded = keys.length === 0 ? nothing : yield* records.load(keys)
    const now = yield* DateTime.now
    const { events, failed, deadLetters, put, remove } = Poison.apply(view, met, loaded, now)
    const to = failed === undefined ? read.end : failed.position - 1
    const generation = { view: view.name, version: view.version, build: owned.build }
    // A new generation takes over when it has caught up, and is not behind the one that has answered so far.
    const serving = batch.serves || to < horizon ? undefined : yield* records.serving
    const isServing = serving !== undefined && isSame(serving, generation)
    // From one that appends maintain it does so when they maintain it too.
    const isLater = serving !== undefined && !isServing && !(serving.inline && inline)
    const serve = isLater && serving.position <= to
    const context = yield* Effect.context()
    // The store takes it only in our epoch and from where we read: whoever else
    // has written since, or this same commit arriving twice, moved one of them.
    // So no event is ever applied twice. The commit of nothing finds out whether
    // a failure is only one of a lost ownership.
    const commits = to > from || serve || failed !== undefined
    if (commits) {
      yield* records.commit({
        generation,
        part: part.index,
        epoch: owned.epoch,
        from,
        to,
        put,
        remove,
        deadLetters: { put: deadLetters, remove: [] },
        ...(failed === undefined ? {} : { failure: Poison.unapplied(failed, now) }),
        ...(batch.speed === undefined ? {} : { speed: batch.speed }),
        serve
      })
      const parked = deadLetters.filter((letter) => letter.parked).length
      metrics.of(view.name).commit({ events, parked, skipped: deadLetters.length - parked }, context)
    }
    if (failed !== undefined) {
      metrics.of(view.name).failure(context)
      return yield* failed
    }
    // What was asked for is not given where the one that serves has gone on meanwhile: then it is asked again.
    return { position: to, serves: batch.serves || isServing, events, commits: commits ? 1 : 0 }
  })

// Of an event whose keys are not known every part must know.
const ourPart = (met: Poison.Met, { index, of }: Part): Poison.Met =>
  of === 1 || met.keys === undefined ? met : { ...met, keys: met.keys.filter((key) => partOf(key, of) === index) }

const stretch = 100

const nothing: Pick<Loaded, "states" | "parked"> = { states: new Map(), parked: new Set() }
