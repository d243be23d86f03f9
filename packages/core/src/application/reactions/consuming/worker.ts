/** Owns a reactor, or parts of it, and works on it for as long as the process lives. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { isRetryable } from "../../../internal/retryable.ts"
import type { CommitConflict, EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import { EventStore, type Horizon } from "../../../ports/EventStore.ts"
import { currentOf, type Part } from "../../../ports/generation.ts"
import { type Claim, ProjectionStore } from "../../../ports/ProjectionStore.ts"
import { ViewStore } from "../../../ports/ViewStore.ts"
import * as Ids from "../../events/Ids.ts"
import { ownPositions } from "../../events/ownPositions.ts"
import { confirm, horizonOf, isPresent } from "../../events/positions.ts"
import { type Reader, reader } from "../../projections/reading/eventReader.ts"
import { endsOf } from "../../projections/worker/ends.ts"
import { bounded, type Ownership, withLease } from "../../projections/worker/lease.ts"
import * as Others from "../../projections/worker/others.ts"
import { type HistoryEnded, makePlaces } from "../../projections/worker/places.ts"
import { nameOf, Process } from "../../projections/worker/process.ts"
import { DefinitionDiffers } from "../../views/errors.ts"
import * as DoneAhead from "./ahead.ts"
import { consume } from "./consume.ts"
import { type Failure, type Settings } from "./options.ts"
import type { Reaction } from "./reaction.ts"
import type { KeysDiffer } from "../errors.ts"
import { makeReports } from "./reports.ts"
import { positionOf, type Start } from "./start.ts"
import * as Taking from "./taking.ts"

/** What a reactor works with. */
export type Stores = EventStore | ProjectionStore | ViewStore

/** Where a reactor begins. */
export interface Begun {
  readonly reaction: Reaction
  readonly start: Start
}

type Interrupted = CommitConflict | HistoryEnded

interface Worker extends Others.Others {
  readonly asOwner: (
    until: Horizon | undefined
  ) => Effect.Effect<Option.Option<void>, Failure | Interrupted | DefinitionDiffers | KeysDiffer>
}

/** A worker for a part. It owns nothing yet. */
const make = (
  { reaction, start }: Begun,
  {
    part,
    read,
    reports,
    settings
  }: {
    readonly part: Part
    readonly read: Reader
    readonly reports: ReturnType<typeof makeReports>
    readonly settings: Settings
  }
): Effect.Effect<Worker, never, Stores> =>
  Effect.gen(function* () {
    const { lease, pause } = settings
    const { consumer } = reaction
    const events = yield* EventStore
    const records = yield* ProjectionStore
    const views = yield* ViewStore
    const store = bounded(records, views, lease, consumer)
    const own = ownPositions(views)
    const owner = nameOf(yield* Process, (yield* Ids.Next)(yield* Clock.currentTimeMillis))
    const generation = { view: consumer.name, version: consumer.version }
    const claim: Claim = { generation, part, owner, lease, fingerprint: consumer.fingerprint }
    const places = makePlaces(events)
    let unknownAt: number | undefined

    const differs = (stored: string) =>
      Effect.fail(
        new DefinitionDiffers({
          view: consumer.name,
          version: consumer.version,
          stored,
          own: consumer.fingerprint
        })
      )

    const taking = Taking.make({ claim, consumer, differs, events, part, records, store })

    const working = (part: Part, owned: Ownership, isLost: () => boolean, until: Horizon | undefined) =>
      Effect.suspend(() => {
        places.forget()
        const { build, epoch, passed } = owned
        const leave = own.enter({ ...passed, generation: { ...generation, build }, part: part.index, epoch })
        return Effect.ensuring(
          consume({ reaction, part, settings, events, store, read, places, reports, unknownAt, isLost }, owned, until),
          Effect.sync(leave)
        ).pipe(
          Effect.tapError((error) =>
            Effect.sync(() => {
              if (error._tag === "ReactionFailed" && error.step === "unknown") unknownAt = error.position
            })
          )
        )
      })

    // The keys can be divided anew when all parts have done everything up to one position, and nothing after it.
    const level = Effect.fnUntraced(function* (positions: ReadonlyArray<number>) {
      yield* taking.mayLevel
      const log = yield* horizonOf(events)
      const { upTo } = yield* DoneAhead.read(yield* store.load(generation, DoneAhead.keys), part, events, log)
      const until = { ...log, position: Math.max(upTo, ...positions) }
      yield* Effect.forEach(
        positions.keys(),
        (index) => {
          const part = { index, of: positions.length }
          let isLost = false
          return withLease(
            records,
            { ...claim, part },
            {
              asOwner: (owned) => working(part, owned, () => isLost, until),
              divided: () => Effect.void,
              differs,
              lost: (_, yields) => Effect.sync(() => void (isLost = !yields))
            }
          )
        },
        { discard: true }
      )
    })

    // A worker that stands by claims again and again, and the start may have to be searched in the log.
    let after: number | undefined
    return {
      asOwner: (until) =>
        Effect.gen(function* () {
          let isLost = false
          after ??= yield* positionOf(start, events)
          if (!(yield* taking.mayClaim)) return Option.none()
          const worked = yield* withLease(
            records,
            { ...claim, after },
            {
              asOwner: (owned) =>
                Effect.gen(function* () {
                  if (!(yield* taking.mayWork(owned))) return false
                  yield* reports.refused.succeeded
                  yield* working(part, owned, () => isLost, until)
                  return true
                }),
              divided: level,
              differs,
              isPresent: (history) => isPresent(events, history),
              lost: (why, yields) =>
                Effect.suspend(() => {
                  isLost = !yields
                  return yields ? reports.yields : reports.lost(part, why)
                })
            }
          )
          if (Option.isSome(worked) && worked.value) return Option.some(undefined)
          if (Option.isSome(worked)) yield* taking.takeAll
          return Option.none()
        }),
      ...Others.make({ view: consumer, build: undefined, part, owner, store, own, events, pause })
    }
  })

/** A worker for each part. At most `maxParts` of them own their part at once. */
const makeAll = (begun: Begun, settings: Settings, reports: ReturnType<typeof makeReports>) =>
  Effect.gen(function* () {
    const read = reader(begun.reaction.consumer, yield* EventStore)
    const permits = Semaphore.makeUnsafe(settings.maxParts)
    const parts = Array.from({ length: settings.parts }, (_, index) => ({ index, of: settings.parts }))
    return yield* Effect.forEach(parts, (part) =>
      Effect.map(make(begun, { part, read, reports, settings }), (worker): Worker => ({
        ...worker,
        asOwner: (until) => permits.withPermit(worker.asOwner(until))
      }))
    )
  })

/**
 * Works for ever: as the owner of each part that no other process owns. While a store is unavailable, it waits. It ends
 * with what stops the reactor.
 */
export const run = (begun: Begun, settings: Settings): Effect.Effect<never, Failure, Stores> =>
  Effect.gen(function* () {
    const { consumer } = begun.reaction
    const reports = makeReports(consumer)
    const ends = endsOf(yield* ViewStore)
    const workers = yield* makeAll(begun, settings, reports)
    ends.begun(consumer)
    const following = ({ asOwner, whileHeld }: Worker) =>
      Effect.andThen(asOwner(undefined), whileHeld).pipe(
        // The next claim says what is done, whether or not the last commit has succeeded.
        Effect.catch((error): Effect.Effect<void, Failure> => {
          const again = Effect.sleep(settings.pause)
          switch (error._tag) {
            case "CommitConflict":
              return Effect.logInfo(
                `${titleOf(consumer)}: begins anew after a commit of another process: ${error.message}`
              )
            case "HistoryEnded":
              return Effect.andThen(Effect.logInfo(`${titleOf(consumer)}: begins anew: ${error.message}`), again)
            case "DefinitionDiffers":
            case "KeysDiffer":
              return Effect.andThen(reports.refused.failed(Cause.fail(error)), again)
            case "ReactionFailed":
              // Its lease is given up: a process of the program that knows the event takes over.
              if (error.step !== "unknown") return Effect.fail(error)
              return Effect.andThen(reports.unknown.failed(Cause.fail(error)), again)
            default:
              if (!isRetryable(error)) return Effect.fail(error)
              return Effect.andThen(reports.stores.failed(Cause.fail(error)), again)
          }
        }),
        Effect.forever
      )
    const all = Effect.forEach(workers, following, { concurrency: "unbounded", discard: true })
    return yield* Effect.andThen(all, Effect.never).pipe(
      Effect.tapError((error) => Effect.sync(() => ends.ended(consumer, error))),
      Effect.withTracerEnabled(false)
    )
  })

/** Creates the generation of a consumer. If there is one, nothing is claimed: the claim could take it from a lower version. */
export const prepare = (
  consumer: Consumer,
  start: Start
): Effect.Effect<void, EventStoreError | ViewStoreError, Stores> =>
  Effect.gen(function* () {
    const { fingerprint, name, version } = consumer
    if (currentOf(consumer, yield* (yield* ViewStore).status) !== undefined) return
    const owner = nameOf(yield* Process, (yield* Ids.Next)(yield* Clock.currentTimeMillis))
    const after = yield* positionOf(start, yield* EventStore)
    const { claim } = yield* ProjectionStore
    yield* claim({ generation: { view: name, version }, owner, lease: Duration.zero, fingerprint, after })
  })

/** Works until every event up to the present horizon is done, here or in another process. Gives the horizon's position. */
export const catchUp = (
  begun: Begun,
  settings: Settings
): Effect.Effect<number, Failure | DefinitionDiffers | KeysDiffer, Stores> =>
  Effect.gen(function* () {
    const events = yield* EventStore
    const workers = yield* makeAll(begun, settings, makeReports(begun.reaction.consumer))
    const horizon = yield* horizonOf(events)
    const caughtUp = ({ asOwner, position }: Worker) =>
      Effect.gen(function* () {
        for (let until = horizon; ;) {
          const done = yield* asOwner(until).pipe(
            Effect.catchTag(["CommitConflict", "HistoryEnded"], () => Effect.succeedNone)
          )
          if (Option.isSome(done)) return
          const reached = yield* position(until)
          yield* confirm(events, reached, until)
          if (reached >= until.position) return
          yield* Effect.sleep(settings.pause)
          const now = yield* horizonOf(events)
          if (now.history !== until.history) until = now
        }
      })
    yield* Effect.forEach(workers, caughtUp, { concurrency: "unbounded", discard: true })
    return horizon.position
  }).pipe(Effect.withTracerEnabled(false))

const titleOf = ({ name, version }: Consumer): string => `${name}, version ${version}`
