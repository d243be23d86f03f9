import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { ExecuteError, ExecuteOptions } from "./Executor.ts"
import type { Tagged } from "../../domain/tagged.ts"
import { ConcurrencyConflict, EventStoreError } from "../../ports/errors.ts"
import {
  type Append,
  type Appended,
  type Condition,
  type RecordedEvent,
  type StreamRequest,
  type StreamSlice,
  type StreamVersion,
  type Write
} from "../../ports/EventStore.ts"
import * as Expectation from "../../ports/Expectation.ts"
import type { Ambient } from "./commandContext.ts"
import { CheckedAppend } from "../../ports/checkedAppend.ts"
import { foldRecorded, newEvents } from "../events/recording.ts"
import * as metrics from "./metrics.ts"
import { retrying } from "./retrying.ts"
import { spanIf } from "../../internal/tracing.ts"
import type { Entry, Work, Written } from "./commandPlan.ts"

/**
 * Executes a command: reads its streams, folds them, decides, appends. It needs
 * no lock, because the append is conditional on the versions of all streams
 * that were read, and what is rejected or writes nothing was decided on states
 * of one moment: of one snapshot of the store.
 */
export const run = <Error, Receipt>(
  work: Work<Error, Receipt>,
  options: Pick<ExecuteOptions, "retry" | "retryStore">,
  ambient: Ambient
): Effect.Effect<Receipt, Error | ExecuteError> => new Execution(work, options, ambient).run()

/** A command that cannot be executed at all. */
export const refused = (
  name: string,
  error: EventStoreError,
  { context }: Ambient
): Effect.Effect<never, EventStoreError> =>
  Effect.suspend(() => {
    metrics.of(name).command("failed", 0, 0, context)
    return Effect.fail(error)
  })

// A class, for every command makes one: a closure for each step takes an eighth of a command's time in memory.
class Execution<Error, Receipt> {
  readonly work: Work<Error, Receipt>
  readonly options: Pick<ExecuteOptions, "retry" | "retryStore">
  readonly ambient: Ambient
  readonly started: number
  attempts = 0
  entries: ReadonlyArray<Entry> = []
  /** The streams of the attempt before this one. */
  earlier: ReadonlyArray<Entry> = []
  /** How many snapshots the states of this attempt come from; Infinity if one was remembered. */
  snapshots = 0
  /** What the command did before, while nobody can decode it yet. */
  before: Appended | undefined

  constructor(work: Work<Error, Receipt>, options: Pick<ExecuteOptions, "retry" | "retryStore">, ambient: Ambient) {
    this.work = work
    this.options = options
    this.ambient = ambient
    this.started = ambient.clock.currentTimeMillisUnsafe()
  }

  run(): Running<Error, Receipt> {
    const { states } = this.ambient
    if (states === undefined) return this.untilDone()
    const begun = this.work.begin()
    if (Result.isFailure(begun)) return this.untilDone()
    const own = begun.success.flatMap(({ isWritable, streamId }) => (isWritable ? [streamId] : []))
    return states.alone(
      own,
      Effect.suspend(() => this.untilDone())
    )
  }

  untilDone(): Running<Error, Receipt> {
    return Effect.catchCause(this.attempt(), (cause) =>
      Effect.catchCause(this.retry(cause), (cause) => this.failed(cause))
    )
  }

  retry(cause: Cause.Cause<Error | ExecuteError>): Running<Error, Receipt> {
    const { ambient, options, work } = this
    const { context } = ambient
    return retrying(
      cause,
      () => this.attempt(),
      { ...options, context },
      {
        hasKey: work.key !== undefined,
        conflict: ({ actual, expected, stream }) => {
          metrics.of(work.name).conflict(context)
          return new ConcurrencyConflict({ stream, expected, actual, attempts: this.attempts })
        },
        unavailable: ({ operation, reason }) => {
          const streams = this.entries.map(({ streamId }) => streamId)
          return new EventStoreError({ operation, reason, streams, attempts: this.attempts })
        }
      }
    )
  }

  attempt(): Running<Error, Receipt> {
    this.attempts++
    this.earlier = this.entries
    this.snapshots = 0
    this.before = undefined
    const begun = this.work.begin()
    if (Result.isFailure(begun)) return Effect.fail(begun.failure)
    this.entries = begun.success
    return this.enter(begun.success)
  }

  /**
   * Takes in streams that are new in this attempt. What the attempt before has
   * read is what newer events are folded on. What is remembered is even trusted,
   * but only in the first attempt.
   */
  enter(fresh: ReadonlyArray<Entry>): Running<Error, Receipt> {
    const { states } = this.ambient
    if (states === undefined) {
      if (this.earlier.length > 0) carryOver(this.earlier, fresh)
      return this.read(fresh)
    }
    const unknown = fresh.filter((entry) => {
      const remembered = states.get(entry.streamId, entry.source)
      if (remembered === undefined) return true
      entry.state = remembered.state
      entry.version = remembered.version
      return this.attempts > 1
    })
    if (unknown.length < fresh.length) this.snapshots = Infinity
    return unknown.length === 0 ? this.proceed() : this.read(unknown)
  }

  read(wanted: ReadonlyArray<Entry>): Running<Error, Receipt> {
    return Effect.flatMap(this.snapshotOf(wanted), ({ appended, streams }) => {
      this.snapshots++
      if (appended !== undefined) {
        const receipt = this.work.repeated(appended)
        if (receipt !== undefined) return this.repeatedBy(receipt)
        this.before = appended
      }
      return this.fold(wanted, streams) ?? this.proceed()
    })
  }

  snapshotOf(wanted: ReadonlyArray<Entry>) {
    const requests = new Array<StreamRequest>(wanted.length)
    for (let i = 0; i < wanted.length; i++) {
      const { streamId, version } = wanted[i]!
      requests[i] = version === 0 ? { streamId } : { streamId, after: version }
    }
    const { store, traced } = this.ambient
    const reading = store.readStreams(requests, this.work.key)
    return spanIf(traced, reading, "EventStore.readStreams")
  }

  /** Folds what was read on what is known; returns the failure if an event cannot be decoded. */
  fold(wanted: ReadonlyArray<Entry>, slices: ReadonlyArray<StreamSlice>): Running<Error, Receipt> | undefined {
    for (let i = 0; i < wanted.length; i++) {
      const entry = wanted[i]!
      const { events, version } = slices[i]!
      const state = foldRecorded(entry.source, events, entry.state)
      if (Result.isFailure(state)) return Effect.fail(state.failure)
      entry.state = state.success
      entry.version = version
      this.ambient.states?.put(entry.streamId, { source: entry.source, state: entry.state, version })
    }
    return undefined
  }

  /** All streams so far are known: goes on to those that follow from them, or else decides. */
  proceed(): Running<Error, Receipt> {
    const { before, work } = this
    if (work.discover !== undefined) {
      const found = work.discover()
      if (Result.isFailure(found)) return this.snapshots > 1 ? this.confirm(found) : Effect.fail(found.failure)
      if (found.success.length > 0) {
        this.entries = this.entries.concat(found.success)
        return this.enter(found.success)
      }
    }
    const repeated = before === undefined ? undefined : work.repeated(before)
    return repeated === undefined ? this.decide() : this.repeatedBy(repeated)
  }

  decide(): Running<Error, Receipt> {
    let decision: Result.Result<ReadonlyArray<Written>, Error>
    try {
      decision = this.work.decide()
    } catch (defect) {
      return this.snapshots > 1 ? this.confirm() : Effect.die(defect)
    }
    if (Result.isFailure(decision)) return this.snapshots > 1 ? this.confirm() : Effect.fail(decision.failure)
    const written = decision.success
    if (written.length === 0) {
      if (this.snapshots > 1) return this.confirm()
      if (this.work.key === undefined && !this.work.checksNothing) return this.done([], [])
    }
    return this.append(written)
  }

  /**
   * States of several snapshots, or remembered ones, may never have been true
   * together: what leaves no trace in the store is decided again on one snapshot.
   * So is a failure to name further streams, if the states are others now.
   */
  confirm(unnamed?: Result.Failure<unknown, Error | ExecuteError>): Running<Error, Receipt> {
    const { attempts, entries, work } = this
    const versions = entries.map(({ version }) => version)
    return Effect.flatMap(this.snapshotOf(entries), ({ appended, streams }): Running<Error, Receipt> => {
      const repeated = appended === undefined ? undefined : work.repeated(appended)
      if (repeated !== undefined) return this.repeatedBy(repeated)
      const undecodable = this.fold(entries, streams)
      if (undecodable !== undefined) return undecodable
      const changed = entries.findIndex(({ version }, i) => version !== versions[i])
      if (changed >= 0 && work.discover !== undefined) {
        // Other streams may follow from the new states: the attempt is lost.
        const { streamId, version } = entries[changed]!
        const expected = Expectation.exactly(versions[changed]!)
        return Effect.fail(new ConcurrencyConflict({ stream: streamId, expected, actual: version, attempts }))
      }
      this.snapshots = 1
      return unnamed === undefined ? this.decide() : Effect.fail(unnamed.failure)
    })
  }

  append(written: ReadonlyArray<Written>): Running<Error, Receipt> {
    const { ambient, entries, started, work } = this
    const { key } = work
    const writes = new Array<Write>(written.length)
    for (let i = 0; i < written.length; i++) {
      const { entry, events } = written[i]!
      const encoded = newEvents(
        entry.source,
        events,
        started,
        key?.id,
        ambient.metadata,
        writes[0]?.events[0]?.metadata
      )
      if (Result.isFailure(encoded)) return this.snapshots > 1 ? this.confirm() : Effect.fail(encoded.failure)
      writes[i] = { streamId: entry.streamId, events: encoded.success }
    }
    const conditions = new Array<Condition>(entries.length)
    for (let i = 0; i < entries.length; i++) {
      const { streamId, version } = entries[i]!
      conditions[i] = { _tag: "Stream", streamId, expected: Expectation.exactly(version) }
    }
    const append: Append =
      key === undefined ? new CheckedAppend(writes, conditions) : { writes, conditions, command: key }
    const appending = ambient.store.append(append)
    return Effect.flatMap(
      spanIf(ambient.traced, appending, "EventStore.append"),
      (appended): Running<Error, Receipt> => {
        if (appended.repeated) {
          const repeated = work.repeated(appended)
          if (repeated !== undefined) return this.repeatedBy(repeated)
        }
        this.advance(written, appended)
        return this.done(recordedEvents(appended, written), appended.streams)
      }
    )
  }

  /** The versions after the append, and the states as every other reader folds them: from the events as stored. */
  advance(written: ReadonlyArray<Written>, appended: Appended): void {
    const { states } = this.ambient
    let first = 0
    for (const { entry, events } of written) {
      entry.version += events.length
      if (states === undefined) continue
      const recorded = appended.events.slice(first, (first += events.length))
      try {
        const state = foldRecorded(entry.source, recorded, entry.state)
        if (Result.isFailure(state)) continue
        states.put(entry.streamId, { source: entry.source, state: state.success, version: entry.version })
      } catch {
        // A mistake in `evolve`: whoever reads the events meets it; the command itself has happened.
      }
    }
  }

  done(events: ReadonlyArray<RecordedEvent<Tagged>>, streams: ReadonlyArray<StreamVersion>): Running<Error, Receipt> {
    this.count("accepted", events.length)
    return Effect.succeed(this.work.receipt(events, streams, this.attempts))
  }

  repeatedBy(receipt: Result.Result<Receipt, ExecuteError>): Running<Error, Receipt> {
    if (Result.isFailure(receipt)) {
      // What was remembered may have led to other streams than those of the events; the next attempt reads all.
      return this.snapshots === Infinity ? this.attempt() : Effect.fail(receipt.failure)
    }
    this.count("repeated", 0)
    return Effect.succeed(receipt.success)
  }

  failed(cause: Cause.Cause<Error | ExecuteError>): Exit.Exit<never, Error | ExecuteError> {
    const rejected = cause.reasons.some((reason) => reason._tag === "Fail" && !isOurs(reason.error))
    this.count(rejected ? "rejected" : "failed", 0)
    return Exit.failCause(cause)
  }

  count(outcome: metrics.Outcome, recorded: number): void {
    const { clock, context } = this.ambient
    const millis = clock.currentTimeMillisUnsafe() - this.started
    metrics.of(this.work.name).command(outcome, millis, recorded, context)
  }
}

type Running<Error, Receipt> = Effect.Effect<Receipt, Error | ExecuteError>

/** What the attempt before has read is known in this one. */
const carryOver = (earlier: ReadonlyArray<Entry>, fresh: ReadonlyArray<Entry>): void => {
  for (const entry of fresh) {
    const known = earlier.find(({ source, streamId }) => streamId === entry.streamId && source === entry.source)
    if (known === undefined) continue
    entry.state = known.state
    entry.version = known.version
  }
}

const recordedEvents = (appended: Appended, written: ReadonlyArray<Written>): ReadonlyArray<RecordedEvent<Tagged>> => {
  const recorded = new Array<RecordedEvent<Tagged>>(appended.events.length)
  let i = 0
  for (const { events } of written) {
    for (const data of events) {
      recorded[i] = { ...appended.events[i]!, data }
      i++
    }
  }
  return recorded
}

const ours = new Set([
  "ConcurrencyConflict",
  "EventStoreError",
  "EventDecodeError",
  "CommandIdReused",
  "StreamWrittenTwice",
  "TooManyParticipants"
])
const isOurs = (error: unknown): boolean =>
  Predicate.hasProperty(error, "_tag") && typeof error._tag === "string" && ours.has(error._tag)
