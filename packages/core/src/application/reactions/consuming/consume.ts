/** Reads the events of an owner, hands them out, and writes how far it has come. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { disconnect } from "../../../internal/disconnect.ts"
import { inSteps } from "../../../internal/steps.ts"
import type { CommitConflict, EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import type { EventStore, Horizon, Position } from "../../../ports/EventStore.ts"
import type { Part } from "../../../ports/generation.ts"
import { decodeCandidate } from "../../views/decoding.ts"
import { horizonOf } from "../../events/positions.ts"
import * as Appended from "../../events/appended.ts"
import type { Reader } from "../../projections/reading/eventReader.ts"
import type { BoundedStore, Ownership } from "../../projections/worker/lease.ts"
import type { HistoryEnded, makePlaces } from "../../projections/worker/places.ts"
import type { ReactionFailed } from "../errors.ts"
import * as DoneAhead from "./ahead.ts"
import { deliver, type Outcome, type Unit } from "./delivery.ts"
import type { Settings } from "./options.ts"
import * as Ordering from "./ordering.ts"
import * as Progress from "./progress.ts"
import type { Reaction } from "./reaction.ts"
import type { Reports } from "./reports.ts"
import * as Units from "./units.ts"
import * as Writer from "./writer.ts"

/** What an owner works with. */
export interface Given {
  readonly reaction: Reaction
  readonly part: Part
  readonly settings: Settings
  readonly events: EventStore["Service"]
  readonly store: BoundedStore
  readonly read: Reader
  readonly places: ReturnType<typeof makePlaces>
  readonly reports: Reports
  /** The position of an event that this program did not know when it was owner before. */
  readonly unknownAt: number | undefined
  /** Whether the lease was lost. Then nothing is waited for, and nothing is written. */
  readonly isLost: () => boolean
}

/** Why the work of an owner ends by itself. */
export type Ended = ReactionFailed | CommitConflict | HistoryEnded | EventStoreError | ViewStoreError

/**
 * Works as the owner of a part, for ever or up to a horizon.
 *
 * Why each event is handled. (1) The position that is written comes before the first event that is not done, and what is
 * done after it is written with it. (2) An event is done when its handler has succeeded, or with a dead letter that is
 * written in the same commit. (3) The commit is fenced by the epoch, so a former owner writes nothing.
 *
 * Why the events of a key are handled in order. (1) They are handed out in the order of the log, and the next one when
 * the one before has ended. (2) All events of a key are of one part, which has one owner. (3) A former owner that still
 * runs a handler has lost its lease: its handlers are interrupted, and what it does not write is handled again.
 */
export const consume = (given: Given, owned: Ownership, until?: Horizon): Effect.Effect<void, Ended> =>
  Effect.acquireUseRelease(
    Effect.flatMap(Clock.Clock, (clock) => Effect.map(Scope.make(), (scope) => begin(given, owned, scope, clock))),
    ({ failed, work }) => Effect.raceFirst(work(until), Deferred.await(failed)),
    ({ end }, exit) => end(exit)
  )

const begin = (given: Given, owned: Ownership, scope: Scope.Closeable, clock: Clock.Clock) => {
  const { events, part, reaction, reports, settings, store } = given
  const { consumer } = reaction
  const generation = { view: consumer.name, version: consumer.version, build: owned.build }
  const progress = Progress.make(owned.position)
  const ordering = Ordering.make<Unit>()
  const slots = Semaphore.makeUnsafe(settings.concurrency)
  const room = Semaphore.makeUnsafe(settings.window)
  const failed = Deferred.makeUnsafe<never, Ended>()
  const idle = Latch.makeUnsafe(true)
  // Keys that this owner has parked, and those that the store has said when an event of the key was read last. What it has
  // said of a key stays while pages without the key are read: its event may still wait for its turn. A key may have been
  // retried since: then a commit that lets an event wait for it is refused, and the next owner begins anew.
  const parkedHere = new Set<string>()
  const parked = new Set<string>()
  let mayBeParked = true
  let before = DoneAhead.nothing
  let appended: Position | undefined
  let stoppedBy: ReactionFailed | undefined
  let history = owned.history ?? 1
  let from = owned.position
  let unknownAt = given.unknownAt ?? Number.POSITIVE_INFINITY
  let open = 0
  let isEnding = false
  const writer = Writer.make({ ...given, owned, progress, clock, before: () => before, appended: () => appended })

  // A unit is busy from the beginning of an attempt until its outcome is noted, or until the attempt has failed.
  const busy = new Set<Unit>()
  const rest = (unit: Unit): void => {
    busy.delete(unit)
    if (busy.size === 0) idle.openUnsafe()
  }

  // While the owner ends, or waits for its end before an event of a newer program, no attempt begins for what comes after.
  const mayNotBegin = ({ recorded: { position } }: Unit): boolean =>
    isEnding || (stoppedBy !== undefined && position > stoppedBy.position)

  const attempt =
    (unit: Unit) =>
    <A>(handling: Effect.Effect<A>): Effect.Effect<A> =>
      slots.withPermit(
        Effect.suspend(() => {
          // Nobody waits for the unit then.
          if (mayNotBegin(unit)) {
            rest(unit)
            return Effect.never
          }
          busy.add(unit)
          idle.closeUnsafe()
          return handling
        })
      )

  const failing =
    (unit: Unit): Reports["failing"] =>
    (error, waits) =>
      Effect.suspend(() => {
        rest(unit)
        return reports.failing(error, waits)
      })

  const isParked = (key: string): boolean => parkedHere.has(key) || parked.has(key)

  const start = (unit: Unit): Effect.Effect<void> =>
    Effect.asVoid(
      Effect.forkIn(
        Effect.onError(run(unit), (cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.void : Deferred.failCause(failed, cause)
        ),
        scope
      )
    )

  // The fiber of a unit goes on with the first unit that has waited for it. Measured with 64 keys that execute a command
  // for each event: 1.4 times the events of a fiber for each unit, because commands that are answered together are
  // followed by commands that are sent together.
  const run = (unit: Unit): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (mayNotBegin(unit)) return Effect.void
      const delivering = { reaction, settings, history, attempt: attempt(unit), failing: failing(unit), isParked }
      return Effect.flatMap(deliver(unit, delivering), (outcome) => finish(unit, outcome))
    })

  const finish = (unit: Unit, outcome: Outcome): Effect.Effect<void> =>
    Effect.suspend(() => {
      const failure = outcome.failed
      rest(unit)
      if (failure !== undefined) {
        if (stoppedBy === undefined || failure.position < stoppedBy.position) stoppedBy = failure
        return failure.step === "unknown" ? giveUp : Effect.asVoid(Deferred.fail(failed, failure))
      }
      for (const letter of outcome.deadLetters) if (letter.parked) parkedHere.add(letter.key)
      progress.end(unit.recorded.position)
      open--
      writer.note(outcome)
      const [next, ...others] = ordering.end(unit)
      const released = Effect.andThen(room.release(Units.roomOf(unit, settings.window)), giveUp)
      if (next === undefined) return released
      const begun =
        others.length === 0 ? released : Effect.andThen(released, Effect.forEach(others, start, { discard: true }))
      return Effect.andThen(begun, run(next))
    })

  // Before an event that only a newer program knows, the part is given up when all earlier events are done. Sooner, a
  // handler that takes long would be interrupted and run again each time, until that program comes.
  const giveUp = Effect.suspend(() =>
    stoppedBy?.step === "unknown" && progress.position() >= stoppedBy.position - 1
      ? Effect.asVoid(Deferred.fail(failed, stoppedBy))
      : Effect.void
  )

  const handOut = (unit: Unit): Effect.Effect<void> => {
    if (Units.isDone(unit, before)) {
      progress.begin(unit.recorded.position)
      progress.end(unit.recorded.position)
      return Effect.void
    }
    return Effect.andThen(
      room.take(Units.roomOf(unit, settings.window)),
      Effect.suspend(() => {
        progress.begin(unit.recorded.position)
        open++
        return ordering.add(unit, unit.keys) ? start(unit) : Effect.void
      })
    )
  }

  /** Ends when every event that was handed out is done. */
  const allDone = Effect.suspend(() => room.withPermits(settings.window)(Effect.void)).pipe(
    Effect.repeat({ while: () => open > 0 })
  )

  const loadParked = (units: ReadonlyArray<Unit>): Effect.Effect<void, ViewStoreError> =>
    Effect.gen(function* () {
      if (!mayBeParked || units.length === 0) return
      const keys = [...new Set(units.flatMap((unit) => unit.keys))]
      if (keys.length === 0) return
      const loaded = yield* store.load(generation, keys)
      for (const key of keys) if (!loaded.parked.has(key)) parked.delete(key)
      for (const key of loaded.parked) parked.add(key)
    })

  // Only a read that is refused later says that the history has ended. A position that the log has lost stops the reactor.
  const readTo = (log: Horizon): Effect.Effect<void, Ended> =>
    Effect.andThen(given.places.check(owned, log), given.places.untilEnded(handOutTo(log)))

  const handOutTo = (log: Horizon): Effect.Effect<void, EventStoreError | ViewStoreError> =>
    Effect.gen(function* () {
      history = log.history
      const horizon = log.position
      writer.reads(horizon, history)
      let stretch = settings.window * 100
      while (from < horizon) {
        // A page is read when there is room for one event at least.
        yield* room.withPermits(1)(Effect.void)
        const upTo = Math.min(horizon, from + stretch)
        const limit = Math.min(settings.window, mostInPage)
        const millis = Duration.toMillis(settings.lease) / 4
        const page = yield* given.read({ after: from, history, upTo, limit, millis })
        const units: Array<Unit> = []
        const decoding = function* () {
          for (const recorded of page.events) {
            const isPassed = recorded.imported && !reaction.reactsToImported
            const unit = isPassed ? undefined : Units.of(decodeCandidate(consumer, recorded), part, before)
            if (unit !== undefined) units.push(unit)
            yield
          }
        }
        yield* inSteps(decoding())
        yield* loadParked(units)
        for (const unit of units) {
          // What comes after an event that was unknown would be begun and interrupted again each time.
          if (unit.recorded.position > unknownAt) {
            yield* allDone
            unknownAt = Number.POSITIVE_INFINITY
          }
          yield* handOut(unit)
          if (unit.failure?.step === "unknown") return yield* Effect.never
        }
        from = page.end
        progress.read(from)
        writer.ask()
        stretch = page.events.length > 0 ? settings.window * 100 : stretch * 2
      }
      writer.ask()
    })

  const prepared = Effect.gen(function* () {
    const loaded = yield* store.load(generation, [...DoneAhead.keys, ...Appended.keys])
    mayBeParked = yield* store.hasParked(generation)
    const log = yield* horizonOf(events)
    yield* Appended.check(loaded, events, log)
    appended = Appended.of(loaded, part.index)
    before = yield* DoneAhead.read(loaded, part, events, log)
  })

  /** Ends when every event up to a horizon is done. */
  const finished = (until: Horizon): Effect.Effect<void, Ended> =>
    Effect.gen(function* () {
      yield* readTo(until)
      yield* allDone
      yield* writer.commit()
    })

  const following: Effect.Effect<void, Ended> = Stream.runForEach(events.horizons, readTo)

  return {
    failed,
    work: (until: Horizon | undefined): Effect.Effect<void, Ended> =>
      Effect.andThen(
        prepared,
        until === undefined
          ? Effect.raceFirst(following, writer.committing)
          : Effect.raceFirst(finished(until), writer.committing)
      ),
    /** Lets what is under way end, and writes it. After a lost lease it is interrupted, and nothing is written. */
    end: (exit: Exit.Exit<unknown, Ended>): Effect.Effect<void> =>
      Effect.gen(function* () {
        isEnding = true
        const isFenced = given.isLost() || isOver(exit)
        if (!isFenced) yield* Effect.timeoutOption(Effect.interruptible(idle.await), settings.stopWithin)
        // A handler that cannot be interrupted is left when the lease has ended: then another owner works.
        const closing = Effect.timeoutOption(Effect.interruptible(disconnect(Scope.close(scope, exit))), settings.lease)
        if (Option.isNone(yield* closing)) yield* reports.left
        // The next owner finds out where it has to begin, whether or not this is written.
        if (!isFenced) yield* Effect.ignore(writer.commit(stoppedBy))
      })
  }
}

// After a conflict another owner may work. In another history of the log the events may not be there any more.
const isOver = (exit: Exit.Exit<unknown, Ended>): boolean => {
  if (Exit.isSuccess(exit)) return false
  const error = Cause.findErrorOption(exit.cause)
  return Option.isSome(error) && (error.value._tag === "CommitConflict" || error.value._tag === "HistoryEnded")
}

const mostInPage = 500
