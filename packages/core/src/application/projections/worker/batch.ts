import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import type * as View from "../../../domain/View.ts"
import { inSteps, stopwatch } from "../../../internal/steps.ts"
import type { CommitConflict, EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import { isSame, type Part, servingOf, type Status, type Throughput } from "../../../ports/generation.ts"
import type { Commit } from "../../../ports/ProjectionStore.ts"
import type { ProjectionFailed } from "../../views/errors.ts"
import { partOf } from "../../views/partOf.ts"
import { type Candidate, decodeCandidate } from "../../views/decoding.ts"
import * as Poison from "../../views/poison.ts"
import type { Page, Reader } from "../reading/eventReader.ts"
import type { KnownRecords } from "./knownRecords.ts"
import type { BoundedStore, Ownership } from "./lease.ts"
import * as metrics from "./metrics.ts"
import { warnOfDeadLetter } from "./reports.ts"

/** Where a batch begins, how far it may go, and what it needs. */
export interface Batch {
  readonly view: View.Any
  readonly read: Reader
  readonly store: BoundedStore
  readonly owned: Ownership
  /** What the owner has written before. */
  readonly known: KnownRecords
  /** The part whose keys the projection owns. */
  readonly part: Part
  /** Whether appends are to maintain the generation. */
  readonly inline: boolean
  readonly from: number
  /** A horizon of the event store that was known before the batch reads. */
  readonly horizon: number
  /** The history of the log in which the horizon holds. */
  readonly history: number
  /** The most events of the batch. */
  readonly size: number
  /** The most positions that the batch reads. Where few events are for the view, a store would search for long. */
  readonly stretch: number
  /** The most milliseconds for which the batch reads, and for which it folds. */
  readonly millis: number
  /** Whether the log does not have the position of a generation. */
  readonly isLost: (generation: Status) => Effect.Effect<boolean, EventStoreError>
  /** Whether the generation is known to answer the queries to its version. */
  readonly serves: boolean
  /** How fast the projection has worked so far. */
  readonly throughput: Throughput | undefined
  readonly inSpan: InSpan
}

/** Puts a span around a batch that applies events, if it is to have one. */
export type InSpan = <A, E>(
  attributes: Record<string, unknown>,
  work: (span: Tracer.Span | undefined) => Effect.Effect<A, E>
) => Effect.Effect<A, E>

/** What a batch did. */
export interface Done {
  readonly position: number
  readonly serves: boolean
  readonly events: number
  readonly commits: number
  /** The number of events that the batch is done with, also those that touch no record of the part. */
  readonly taken: number
  /** Whether the batch has ended before the end of what it has read. */
  readonly isCut: boolean
}

type Failure = ProjectionFailed | CommitConflict | EventStoreError | ViewStoreError

/**
 * Reads, folds and commits one batch. A batch at the horizon has no events. If an
 * event stops the view, the batch commits the events before it together with the
 * failure, and then fails with `ProjectionFailed`.
 *
 * A lease is renewed while a batch works, but the work is lost if that fails. So a
 * batch ends before its next event when a share of the lease is over, or when its
 * events or records are too many or too large. The next batch goes on with that event.
 */
export const run = (batch: Batch): Effect.Effect<Done, Failure> =>
  Effect.gen(function* () {
    const { from, history, horizon, millis, size, stretch, view } = batch
    const upTo = Math.min(horizon, from + stretch)
    const page =
      from < horizon
        ? yield* batch.read({ after: from, history, upTo, limit: size, millis })
        : { events: [], end: from }
    const candidates = yield* select(batch, page)
    const work = applyAndCommit(batch, page, candidates)
    if (candidates.every(({ keys }) => keys?.length === 0)) return yield* work(undefined)
    const attributes = { "hexfold.view": view.name, "hexfold.version": view.version, "hexfold.from": from }
    return yield* batch.inSpan(attributes, work)
  })

/** The first events of a page, up to as many as a batch may have, and as touch no more records than it may. */
const select = ({ part, size, view }: Batch, { events }: Page) =>
  Effect.suspend(() => {
    const candidates: Array<Candidate> = []
    const keys = new Set<string>()
    const steps = function* () {
      for (const recorded of events.slice(0, size)) {
        const candidate = ofPart(decodeCandidate(view, recorded), part)
        const before = keys.size
        candidate.keys?.forEach((key) => keys.add(key))
        if (before > 0 && keys.size > mostKeys) return
        candidates.push(candidate)
        yield
      }
    }
    return Effect.as(inSteps(steps()), candidates)
  })

const applyAndCommit = (batch: Batch, page: Page, candidates: ReadonlyArray<Candidate>) =>
  Effect.fnUntraced(function* (span: Tracer.Span | undefined): Effect.fn.Return<Done, Failure> {
    const { history, horizon, inline, known, millis, owned, part, store, view } = batch
    const generation = { view: view.name, version: view.version, build: owned.build }
    const keys = [...new Set(candidates.flatMap((candidate) => candidate.keys ?? []))]
    const loaded = yield* known.load(keys, (unknown) => store.load(generation, unknown))
    const now = yield* DateTime.now
    const elapsed = yield* stopwatch
    const isFull = (bytes: number) => bytes >= mostBytes || elapsed() >= millis
    const applying = Poison.applying(view, candidates, loaded, { history, isFull, now })
    yield* inSteps(applying.steps)
    const { bytes, deadLetters, events, failed, put, remove, taken } = applying.result()
    const isCut = failed === undefined && taken < page.events.length
    const end = isCut ? page.events[taken - 1]!.position : page.end
    const to = failed === undefined ? end : failed.position - 1
    span?.attribute("hexfold.to", to)
    span?.attribute("hexfold.events", events)
    // A generation begins to answer when it has caught up. A later build has also reached the position of the one that answers.
    const asks = !batch.serves && to >= horizon && failed === undefined
    const serving = asks ? servingOf(view, yield* store.status) : undefined
    const isServing = serving !== undefined && isSame(serving, generation)
    // It takes over from a build that appends maintain in the moment in which they maintain it instead.
    const mayServe = asks && !isServing && !(serving?.inline === true && inline)
    const overLost = mayServe && serving !== undefined && serving.position > to && (yield* batch.isLost(serving))
    const serve = mayServe && (serving === undefined || serving.position <= to || overLost)
    const context = yield* Effect.context()
    // The store accepts the commit only in our epoch and from our position. Each
    // other commit, also a repetition of this one, changes the epoch or the
    // position: so no event is applied twice. After a failure even an empty batch
    // is committed, to find out whether we are still the owner. Where the view handles
    // no event, there is nothing to commit: the position is written with the lease. An
    // event of another part is committed too: a wait asks the log for the view's events without knowing their keys.
    const commits = taken > 0 || serve || failed !== undefined
    if (!commits) owned.passed.pass(to, history)
    else {
      const asked: Pick<Commit, "asks"> = serve ? { asks: overLost ? "serve over lost" : "serve" } : {}
      yield* owned.passed.commit(to, history, (from) =>
        store.commit({
          owner: { generation, part: part.index, epoch: owned.epoch },
          from,
          to,
          history,
          records: { put, remove },
          deadLetters: { put: deadLetters, remove: [] },
          progress: {
            ...(failed === undefined ? {} : { failure: Poison.unapplied(failed, now) }),
            ...(batch.throughput === undefined ? {} : { throughput: batch.throughput })
          },
          ...asked
        })
      )
      known.wrote({ put, remove }, deadLetters, bytes)
      const parked = deadLetters.filter((deadLetter) => deadLetter.parked).length
      metrics.of(view.name).commit({ events, parked, skipped: deadLetters.length - parked }, context)
      yield* Effect.forEach(deadLetters, (deadLetter) => warnOfDeadLetter(view, deadLetter), { discard: true })
    }
    if (failed !== undefined) {
      if (failed.step !== "unknown") metrics.of(view.name).failure(context)
      return yield* failed
    }
    // The store does not let it serve if the build that answers has advanced in the meantime, or if another part has not
    // come so far. The next batch asks again.
    return { position: to, serves: batch.serves || isServing, events, commits: commits ? 1 : 0, taken, isCut }
  })

// If the keys of an event are not known, it concerns every part.
const ofPart = (candidate: Candidate, { index, of }: Part): Candidate =>
  of === 1 || candidate.keys === undefined
    ? candidate
    : { ...candidate, keys: candidate.keys.filter((key) => partOf(key, of) === index) }

// The records of a batch are loaded, kept and written together, so all of them are in memory, and in one statement.
const mostKeys = 5_000

// The records to write become one statement. Making its text of 4 MiB holds the event loop for less than 50 ms.
const mostBytes = 4 << 20
