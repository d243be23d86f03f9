import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ProjectionFailed } from "../application/ProjectionFailed.ts"
import type * as View from "../domain/View.ts"
import type { RecordedEvent } from "../ports/EventStore.ts"
import type { EventStoreError } from "../ports/EventStoreError.ts"
import type { Fenced } from "../ports/Fenced.ts"
import type { Commit, Loaded, Part, Status } from "../ports/ViewStore.ts"
import type { ViewStoreError } from "../ports/ViewStoreError.ts"
import type { Reader } from "./followed.ts"
import type { Owned } from "./ownership.ts"
import { partOf } from "./parts.ts"
import * as ViewFold from "./viewFold.ts"

/** The records of the generation that a projection owns. */
export interface Records {
  readonly load: (keys: ReadonlyArray<string>) => Effect.Effect<Loaded, ViewStoreError>
  readonly commit: (commit: Commit) => Effect.Effect<void, Fenced | ViewStoreError>
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
  readonly from: number
  /** A horizon of the store that was known before this batch reads. */
  readonly horizon: number
  readonly size: number
  /** Whether the generation is known to answer the queries to its view. */
  readonly serves: boolean
}

/** What a batch did. */
export interface Done {
  readonly position: number
  readonly serves: boolean
  readonly events: number
}

/** Reads, folds and commits one batch; fails with `ProjectionFailed` after what comes before that event is committed. */
export const run = (batch: Batch): Effect.Effect<Done, ProjectionFailed | Fenced | EventStoreError | ViewStoreError> =>
  Effect.gen(function* () {
    const { from, horizon, owned, part, records, size, view } = batch
    const read = yield* batch.read({ after: from, upTo: horizon, limit: size })
    const { events, failed } = decoded(view, read.events, part)
    const keys = [...new Set(events.flatMap((event) => event.keys))]
    const stored = keys.length === 0 ? new Map<string, never>() : (yield* records.load(keys)).states
    const folded = ViewFold.of(view).fold(events, stored)
    const stop = folded.failed ?? failed
    const to = stop === undefined ? read.end : stop.position - 1
    const { put, remove } = folded
    const generation = { view: view.name, version: view.version, build: owned.build }
    // A new generation takes over when it has caught up, and is not behind the one that has answered so far.
    const serving = batch.serves || to !== horizon ? undefined : yield* records.serving
    const isServing = serving?.version === view.version && serving.build === owned.build
    const serve = serving !== undefined && !isServing && serving.position <= to
    // The store takes it only in our epoch and from where we read: whoever else
    // has written since, or this same commit arriving twice, moved one of them.
    // So no event is ever applied twice. The commit of nothing finds out whether
    // a failure is only one of a lost ownership.
    if (to > from || stop !== undefined) {
      yield* records.commit({ generation, part: part.index, epoch: owned.epoch, from, to, put, remove, serve })
    }
    // Here would be decided what else to do about a poison event than to stop.
    if (stop !== undefined) return yield* stop
    const serves = batch.serves || serve || isServing
    return { position: to, serves, events: folded.events }
  })

const decoded = (view: View.Any, read: ReadonlyArray<RecordedEvent>, { index, of }: Part) => {
  const events: Array<ViewFold.Touching> = []
  for (const recorded of read) {
    const touching = ViewFold.of(view).touching(recorded)
    if (Result.isFailure(touching)) return { events, failed: touching.failure }
    const { keys } = touching.success
    const ours = of === 1 ? keys : keys.filter((key) => partOf(key, of) === index)
    if (ours.length > 0) events.push({ ...touching.success, keys: ours })
  }
  return { events, failed: undefined }
}
