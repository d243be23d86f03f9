import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as References from "effect/References"
import { declaredIndexes } from "../../../domain/query/indexes.ts"
import type * as View from "../../../domain/View.ts"
import type { Reported } from "../../../internal/reported.ts"
import { stopwatch } from "../../../internal/steps.ts"
import * as StepSize from "../../../internal/stepSize.ts"
import { isTraced } from "../../../internal/tracing.ts"
import type { CommitConflict } from "../../../ports/errors.ts"
import { EventStore, type Horizon } from "../../../ports/EventStore.ts"
import type { Part, Status } from "../../../ports/generation.ts"
import { type Claim, ProjectionStore } from "../../../ports/ProjectionStore.ts"
import { ViewStore } from "../../../ports/ViewStore.ts"
import * as Ids from "../../events/Ids.ts"
import { ownPositions } from "../../events/ownPositions.ts"
import { horizonOf, isPresent } from "../../events/positions.ts"
import * as Batch from "./batch.ts"
import * as BatchSize from "./batchSize.ts"
import { type Reader, reader } from "../reading/eventReader.ts"
import { readAhead } from "../reading/readAhead.ts"
import { type HistoryEnded, makePlaces } from "./places.ts"
import { DefinitionDiffers } from "../../views/errors.ts"
import * as KnownRecords from "./knownRecords.ts"
import { bounded, type Ownership, withLease } from "./lease.ts"
import { type Failure, type Options, settingsOf } from "./options.ts"
import * as Others from "./others.ts"
import { nameOf, Process } from "./process.ts"
import * as Promotion from "./promotion.ts"
import { makeReports } from "./reports.ts"
import * as Throughput from "./throughput.ts"

/** Brings the records of one generation, or of one part of it, up to date. */
export interface Worker extends Promotion.Promotion, Others.Others {
  readonly events: EventStore["Service"]
  /** What the worker has done so far. */
  readonly applied: { readonly events: number; readonly commits: number }
  /**
   * Works as the owner. Gives nothing if another projection owns the generation, or if the lease was lost. Fails if the
   * generation is of another definition.
   */
  readonly asOwner: <A, E>(
    work: (owned: Ownership) => Effect.Effect<A, E>
  ) => Effect.Effect<Option.Option<A>, E | Failure | Interrupted | DefinitionDiffers>
  /**
   * Applies the events between a position and a horizon. A generation that has
   * reached the horizon asks to answer the queries, unless it is known to. Fails if
   * the log does not have the position that the owner began with.
   */
  readonly advance: Advance
  /**
   * Whether the owner may have to ask again that the generation answers, because another part had not come so far. It has
   * not to once it knows that the generation answers, and never for a generation in one part.
   */
  readonly asksAgain: () => boolean
  readonly pause: Duration.Duration
  /** Reports failures of the stores, after each of which the worker claims anew. */
  readonly failures: Reported
  /** Reports that the view waits before an event of a newer program. */
  readonly unknown: Reported
}

type Advance = (owned: Ownership, from: number, horizon: Horizon) => Effect.Effect<number, Failure | Interrupted>

/** Why an owner has to claim anew: then the view store says from which position to go on. */
type Interrupted = CommitConflict | HistoryEnded

/** A build to work on, and the position after which it begins. */
export interface Build {
  readonly build: number
  readonly after: number
}

/** What to work on, if it is not the whole of the version's present generation. */
export interface Target {
  readonly generation?: Build
  readonly part?: Part
  /** Reads the view's events. By default it reads them for this view alone. */
  readonly read?: Reader
}

/** A worker with an owner's name of its own. It owns nothing yet. */
export const make = (
  view: View.Any,
  options: Options,
  target: Target = {}
): Effect.Effect<Worker, never, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    const { batch: size, lease, pause } = settingsOf(options)
    const { part = whole } = target
    const events = yield* EventStore
    const records = yield* ProjectionStore
    const views = yield* ViewStore
    const store = bounded(records, views, lease, view)
    const own = ownPositions(views)
    // Appends do not maintain a generation whose keys are divided.
    const inline = view.consistency === "inline" && part.of === 1
    const owner = nameOf(yield* Process, (yield* Ids.Next)(yield* Clock.currentTimeMillis))
    const claim = claimOf(view, target, { part, owner, lease, inline })
    const read = target.read ?? reader(view, events)
    const inSpan = yield* spans
    const { advance, applied, begin, failures, lost, serves, unknown } = advancing(
      { view, read, store, inline, size, inSpan, lease, owner },
      events
    )

    const differs = (stored: string) =>
      Effect.fail(new DefinitionDiffers({ view: view.name, version: view.version, stored, own: view.fingerprint }))

    // The keys can be divided anew when all parts have reached the position of the first of them.
    const level = Effect.fnUntraced(function* (positions: ReadonlyArray<number>) {
      const horizon = { ...(yield* horizonOf(events)), position: Math.max(...positions) }
      const levelPart = (index: number) => {
        const part = { index, of: positions.length }
        return withLease(
          records,
          { ...claim, part },
          { asOwner: (owned) => advance(part)(owned, owned.position, horizon), divided: () => Effect.void, differs }
        )
      }
      yield* Effect.forEach(positions.keys(), levelPart, { discard: true })
    })

    const asOwner: Worker["asOwner"] = (work) =>
      withLease(records, claim, {
        asOwner: (owned) => {
          begin()
          const { build, epoch, passed } = owned
          const generation = { view: view.name, version: view.version, build }
          const leave = own.enter({ ...passed, generation, part: part.index, epoch })
          const working = owned.inline ? Effect.andThen(failures.succeeded, work(owned)) : work(owned)
          return Effect.ensuring(working, Effect.sync(leave))
        },
        divided: level,
        differs,
        isPresent: (history) => isPresent(events, history),
        lost: lost(part)
      })

    const asksAgain = () => part.of > 1 && !serves()
    const others = Others.make({ view, build: target.generation?.build, part, owner, store, own, events, pause })
    const promotion = Promotion.make(view, store, { inline, lease, pause })
    return {
      events,
      applied,
      advance: advance(part),
      asOwner,
      asksAgain,
      pause,
      failures,
      unknown,
      ...others,
      ...promotion
    }
  })

const claimOf = (
  view: View.Any,
  { generation }: Target,
  as: Required<Pick<Claim, "part" | "owner" | "lease" | "inline">>
): Claim => {
  const { after = 0, ...build } = generation ?? {}
  return {
    ...as,
    generation: { view: view.name, version: view.version, ...build },
    indexes: declaredIndexes(view),
    fingerprint: view.fingerprint,
    after
  }
}

/** What the batches of a worker have in common. */
interface Common extends Pick<Batch.Batch, "view" | "read" | "store" | "inline" | "size" | "inSpan"> {
  readonly lease: Duration.Duration
  readonly owner: string
}

/** Runs batch after batch, and counts what they do. */
const advancing = ({ lease, owner, size: most, ...given }: Common, events: EventStore["Service"]) => {
  const places = makePlaces(events)
  const applied = { events: 0, commits: 0 }
  const throughput = Throughput.make()
  const leased = Duration.toMillis(lease)
  const size = BatchSize.make(most, leased)
  const stretch = StepSize.make(shortest, Number.MAX_SAFE_INTEGER / most)
  const reports = makeReports(given.view, { lease, owner })
  let serves = false

  /** Runs a batch. Gives nothing if a store has not answered in time: the next one is half as large. */
  const run = (batch: Batch.Batch) =>
    Effect.flatMap(stopwatch, (elapsed) => {
      reports.begin({ from: batch.from, size: batch.size, elapsed })
      return Batch.run(batch).pipe(
        Effect.tap(reports.succeeded),
        Effect.map((done) => [elapsed(), done] as const),
        Effect.catch((error): Effect.Effect<undefined, Failure | Interrupted> => {
          if (error._tag === "CommitConflict" && error.actual.epoch !== error.expected.epoch) {
            return Effect.andThen(lost(batch.part)("another projection has owned it since"), Effect.fail(error))
          }
          if (error._tag === "CommitConflict" || error._tag === "ProjectionFailed") return Effect.fail(error)
          if (error.reason._tag !== "Timeout" || !(wasLong() || size.lost())) return Effect.fail(error)
          // A commit without an answer may have happened. Then the next one is refused, since it begins at the former position.
          return Effect.as(reports.slow.failed(Cause.fail(error)), undefined)
        }),
        Effect.ensuring(Effect.sync(reports.end))
      )
    })

  /** Whether the last batch may have read a long stretch. The next one reads a short one. */
  const wasLong = (): boolean => {
    if (stretch.current() === shortest) return false
    stretch.lost()
    stretch.limit(shortest)
    return true
  }

  // A stretch without an event is followed by a longer one, as long as it is read quickly.
  const hasRead = ({ taken }: Batch.Done, millis: number): void => {
    if (taken > 0) stretch.limit(shortest)
    else if (millis < leased / 8) stretch.grow()
  }

  const lost = (part: Part) => (why: string) =>
    Effect.suspend(() => {
      if (reports.isUnderWay()) size.lost()
      return reports.lost(part, why, size.current())
    })

  const advance =
    (part: Part): Advance =>
    (owned, from, log) =>
      Effect.suspend(() => {
        const { history, position: horizon } = log
        let position = from
        let hasAsked = serves
        const known = KnownRecords.make()
        const isLost = (generation: Status) => places.isLost(generation, log)
        const batches = Effect.flatMap(readAhead(given.read), (read) =>
          Effect.whileLoop({
            while: () => position < horizon || !hasAsked,
            body: () => {
              const place = { part, owned, known, from: position, horizon, history, serves, isLost }
              const bounds = { size: size.current(), stretch: size.current() * stretch.current(), millis: leased / 4 }
              return run({ ...given, ...bounds, ...place, read, throughput: throughput.current() })
            },
            step: (ran) => {
              if (ran === undefined) return
              const [millis, done] = ran
              size.done(done, millis)
              hasRead(done, millis)
              throughput.add({ millis, events: done.events, positions: done.position - position })
              position = done.position
              serves = done.serves
              hasAsked = true
              applied.events += done.events
              applied.commits += done.commits
            }
          })
        )
        const checked = places.check(owned, log)
        return Effect.andThen(
          checked,
          Effect.map(places.untilEnded(Effect.scoped(batches)), () => position)
        )
      })

  return {
    advance,
    applied,
    failures: reports.failures,
    unknown: reports.unknown,
    lost,
    serves: () => serves,
    /** To be called when an ownership begins: another generation may answer by now. */
    begin: () => {
      serves = false
      places.forget()
    }
  }
}

/**
 * Background work makes no spans, except one root for each batch that applies
 * events. The spans of that batch's calls to the store are inside it.
 */
const spans: Effect.Effect<Batch.InSpan> = Effect.map(Effect.context(), (context) => {
  if (!Context.get(context, References.TracerEnabled) || !isTraced(context)) return (_, work) => work(undefined)
  return (attributes, work) =>
    Effect.useSpan("Projection.batch", { root: true, attributes }, (span) =>
      Effect.withParentSpan(work(span), span)
    ).pipe(Effect.withTracerEnabled(true))
})

/** Runs the background work of a projection without spans. */
export const untraced: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> =
  Effect.withTracerEnabled(false)

const whole: Part = { index: 0, of: 1 }

// The positions that a store searches at first where few events are for the view, as a multiple of the size of a batch.
const shortest = 100
