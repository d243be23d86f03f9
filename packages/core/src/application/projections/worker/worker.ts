import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import type { Failure, Options } from "../Projection.ts"
import type * as View from "../../../domain/View.ts"
import { EventStore } from "../../../ports/EventStore.ts"
import type { CommitConflict, ViewStoreError } from "../../../ports/errors.ts"
import { type Claim, type Generation, type Part, ViewStore } from "../../../ports/ViewStore.ts"
import { type Reader, readerOf } from "./eventReader.ts"
import { buildsOf, currentOf, isSame, servingOf } from "../../../ports/generation.ts"
import { type Owned, owning, within } from "./lease.ts"
import * as SharedReader from "./sharedReader.ts"
import * as speedometer from "./throughput.ts"
import * as uuid from "../../../internal/uuid.ts"
import * as Batch from "./batch.ts"

/** Brings the records of a generation up to date. */
export interface Worker {
  readonly events: EventStore["Service"]
  /** What was done so far. */
  readonly applied: { readonly events: number; readonly commits: number }
  /** Does something as the owner: none if another has the generation, or as soon as it is lost. */
  readonly owned: <A, E>(
    work: (owned: Owned) => Effect.Effect<A, E>
  ) => Effect.Effect<Option.Option<A>, E | Failure | CommitConflict>
  /**
   * Applies the events between two positions, of which the second is a horizon;
   * a generation that stands there asks to serve, unless it is known to.
   */
  readonly advance: (owned: Owned, from: number, horizon: number) => Effect.Effect<number, Failure | CommitConflict>
  /** Where what it works on stands, whoever owns it; at least at a horizon, if appends maintain it. */
  readonly position: (horizon: number) => Effect.Effect<number, ViewStoreError>
  /** Leaves an inline generation, which stands at a position, to appends; tells whether they maintain it now. */
  readonly promote: (owned: Owned, position: number) => Effect.Effect<boolean, CommitConflict | ViewStoreError>
  /** Ends when appends do not maintain the generation; looks with each pause. */
  readonly standBy: (owned: Owned) => Effect.Effect<void, ViewStoreError>
  readonly pause: Duration.Duration
}

/** A build to work on, and the position that it begins behind. */
export interface Build {
  readonly build: number
  readonly after: number
}

/** What to work on, if it is not the whole of a version's present generation. */
export interface Target {
  readonly generation?: Build
  readonly part?: Part
  /** How to read the view's events. */
  readonly read?: Reader
}

/** A worker of its own name, which owns nothing yet. */
export const make = (
  view: View.Any,
  options: Options,
  target: Target = {}
): Effect.Effect<Worker, never, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const { batch: size = 1_000 } = options
    const { part = whole } = target
    if (!Number.isSafeInteger(size) || size < 1) throw new Error(`${size} is no number of events from 1 on`)
    const lease = timeOf("lease", options.lease ?? "10 seconds")
    const pause = timeOf("pause", options.pause ?? "1 second")
    const events = yield* EventStore
    const records = yield* ViewStore
    const owner = uuid.make(yield* Clock.currentTimeMillis)
    const version = { view: view.name, version: view.version }
    const { after = 0, ...build } = target.generation ?? {}
    const generation: Generation = { ...version, ...build }
    const indexes = view.indexes.map((index) =>
      (typeof index === "string" ? [index] : index).map((path) => path.split("."))
    )
    // Appends do not maintain parts.
    const inline = view.consistency === "inline" && part.of === 1
    const claim: Claim = { generation, part, owner, lease, indexes, after, inline }
    const read = target.read ?? readerOf(view, events)
    const applied = { events: 0, commits: 0 }
    const { add, speed } = speedometer.make()
    let serves = false
    const bounded = (build: number): Batch.Records => ({
      load: (keys) => within(records.load({ ...version, build }, keys), lease, "load", claim),
      // Not to be interrupted, but to be given up: the race inside still can be.
      commit: (commit) => Effect.uninterruptible(within(records.commit(commit), lease, "commit", claim)),
      serving: Effect.map(within(records.status, lease, "status", claim), (all) => servingOf(view, all))
    })
    const advanceOf = (part: Part) => (owned: Owned, from: number, horizon: number) =>
      Effect.suspend(() => {
        let position = from
        let asked = serves
        const records = bounded(owned.build)
        const batches = Effect.whileLoop({
          while: () => position < horizon || !asked,
          body: () =>
            timed(
              Batch.run({
                view,
                read,
                records,
                owned,
                part,
                inline,
                from: position,
                horizon,
                size,
                serves,
                speed: speed()
              })
            ),
          step: ([millis, done]) => {
            add({ millis, events: done.events, positions: done.position - position })
            position = done.position
            serves = done.serves
            asked = true
            applied.events += done.events
            applied.commits += done.commits
          }
        })
        return Effect.map(batches, () => position)
      })
    // The keys are divided anew once all parts stand where the first of them does.
    const level = (positions: ReadonlyArray<number>) => {
      const first = Math.max(...positions)
      return Effect.forEach(
        positions.keys(),
        (index) => {
          const old = { index, of: positions.length }
          return owning(
            records,
            { ...claim, part: old },
            { owned: (owned) => advanceOf(old)(owned, owned.position, first), divided: () => Effect.void }
          )
        },
        { discard: true }
      )
    }
    const owned: Worker["owned"] = (work) =>
      owning(records, claim, {
        owned: (owned) => {
          serves = false
          return work(owned)
        },
        divided: level
      })
    const position = (horizon: number) =>
      Effect.map(within(records.status, lease, "status", claim), (all) => {
        const current = currentOf(view, all)
        const reached = current?.parts.length === part.of ? current.parts[part.index]!.position : current?.position
        return Math.max(reached ?? 0, current?.inline === true ? horizon : 0)
      })
    const isInline = ({ build }: Owned) =>
      Effect.map(within(records.status, lease, "status", claim), (all) =>
        buildsOf(view, all).some((each) => each.build === build && each.inline)
      )
    // Takes the queries over in the same moment, so that they never see less than before.
    const promote: Worker["promote"] = (owned, position) => {
      if (!inline) return Effect.succeed(false)
      const { commit, serving } = bounded(owned.build)
      const generation = { ...version, build: owned.build }
      return Effect.gen(function* () {
        const now = yield* serving
        // An older process leaves it alone once a later version answers, and so does any while something is parked.
        if (now !== undefined && now.version > view.version) return false
        const isOurs = now !== undefined && isSame(now, generation)
        const parked = records.deadLetters(generation, { parked: true, limit: 1 })
        if (isOurs && (yield* within(parked, lease, "deadLetters", claim)).length > 0) return false
        const { epoch } = owned
        const at = { generation, epoch, from: position, to: position, put: [], remove: [] }
        yield* commit({ ...at, serve: true, inline: true })
        return yield* isInline(owned)
      })
    }
    const standBy = (owned: Owned) =>
      Effect.asVoid(Effect.repeat(Effect.delay(isInline(owned), pause), { while: (inline) => inline }))
    return { events, applied, advance: advanceOf(part), owned, position, promote, standBy, pause }
  })

/** A worker for each part of a view, of which only so many own their part at once as the options say. */
export const makeAll = (
  view: View.Any,
  options: Options,
  read?: Reader
): Effect.Effect<ReadonlyArray<Worker>, never, EventStore | ViewStore> =>
  Effect.suspend(() => {
    const { parts = 1, workers = parts } = options
    if (!(Number.isSafeInteger(parts) && parts > 0 && Number.isSafeInteger(workers) && workers > 0)) {
      throw new Error(`${parts} parts and ${workers} workers: both are whole numbers from 1 on`)
    }
    const permits = Semaphore.makeUnsafe(workers)
    const indices = Array.from({ length: parts }, (_, index) => index)
    return Effect.flatMap(EventStore, (events) => {
      const shared = read ?? (parts === 1 ? readerOf(view, events) : SharedReader.make([view], events)(view))
      return Effect.forEach(indices, (index) =>
        Effect.map(make(view, options, { part: { index, of: parts }, read: shared }), (worker) => ({
          ...worker,
          owned: (work) => permits.withPermit(worker.owned(work))
        }))
      )
    })
  })

const whole: Part = { index: 0, of: 1 }

const timeOf = (name: string, input: Duration.Input): Duration.Duration => {
  const time = Duration.fromInputUnsafe(input)
  if (!Duration.isFinite(time) || !Duration.isPositive(time)) throw new Error(`${Duration.format(time)} is no ${name}`)
  return time
}

const timed = <A, E>(work: Effect.Effect<A, E>): Effect.Effect<readonly [millis: number, A], E> =>
  Effect.map(Effect.timed(work), ([duration, done]) => [Duration.toMillis(duration), done])
