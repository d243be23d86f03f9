import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import { spanIf } from "../../../internal/tracing.ts"
import { ConcurrencyConflict, EventStoreError } from "../../../ports/errors.ts"
import type { EventStore, PartAppended, RecordedEvent, StreamRequest } from "../../../ports/EventStore.ts"
import * as Expectation from "../../../ports/Expectation.ts"
import { appendOf, recordedEvents } from "./appendOf.ts"
import type { CommandContext } from "./commandContext.ts"
import type { CommandPlan, LoadedStream, StreamWrite } from "./commandPlan.ts"
import { inSpan } from "./commandSpan.ts"
import { advance, carryOver, foldSlices, hasGoneBack } from "./loading.ts"
import * as metrics from "./metrics.ts"
import type { ExecuteError, ExecuteOptions } from "../options.ts"
import { isConflict, isRefused, retrying } from "./retrying.ts"

type Policies = Pick<ExecuteOptions, "commandId" | "retry" | "retryStore">

type Running<Error, Receipt> = Effect.Effect<Receipt, Error | ExecuteError>

/**
 * Executes a command: reads its streams, folds them, decides, appends. It needs
 * no lock, because the append is conditional on the versions of all streams
 * that were read. A decision that leaves no trace in the store, because it
 * rejects the command or adds no events, is made on states of one moment.
 */
export const run = <Error, Receipt>(
  plan: CommandPlan<Error, Receipt>,
  options: Policies,
  context: CommandContext
): Effect.Effect<Receipt, Error | ExecuteError, EventStore> =>
  context.traced
    ? inSpan(plan, options, (inner) => new Execution(plan, options, inner))
    : new Execution(plan, options, context).run()

/**
 * What the states of an attempt come from. Only those of one moment were
 * certainly true together; the others may be older than each other.
 */
type Evidence = "nothing" | "one moment" | "several" | "remembered"

/** The evidence after one more read of the store. */
const withRead = (evidence: Evidence): Evidence =>
  evidence === "nothing" ? "one moment" : evidence === "one moment" ? "several" : evidence

// A class, because every command makes one. With a closure for each step a command in memory takes an eighth longer.
class Execution<Error, Receipt> {
  readonly plan: CommandPlan<Error, Receipt>
  readonly policies: Policies
  readonly context: CommandContext
  readonly meters: metrics.Meters
  readonly started: number
  attempts = 0
  /** How the command ended; undefined until it has. */
  outcome: metrics.Outcome | undefined
  streams: ReadonlyArray<LoadedStream> = []
  /** The streams of the previous attempt. */
  previous: ReadonlyArray<LoadedStream> = []
  evidence: Evidence = "nothing"
  /** Whether this attempt takes all states from the store, because the store has lost commits. */
  trustsOnlyStore = false
  /** The append of the same command id that the store already has; set while its events cannot be decoded yet. */
  repeatedAppend: PartAppended | undefined
  /** Whether this attempt ended because the domain rejects the command. */
  isRejected = false

  constructor(plan: CommandPlan<Error, Receipt>, policies: Policies, context: CommandContext) {
    this.plan = plan
    this.policies = policies
    this.context = context
    this.meters = metrics.of(plan)
    this.started = context.clock.currentTimeMillisUnsafe()
  }

  run(): Running<Error, Receipt> {
    const { states } = this.context
    if (states === undefined) return this.untilDone()
    return states.alone(
      this.plan.streams(),
      Effect.suspend(() => this.untilDone())
    )
  }

  untilDone(): Running<Error, Receipt> {
    return Effect.catchCause(this.attempt(), (cause) =>
      Effect.catchCause(this.retry(cause), (cause) => this.failed(cause))
    )
  }

  retry(cause: Cause.Cause<Error | ExecuteError>): Running<Error, Receipt> {
    const { context, joined } = this.context
    return retrying(
      cause,
      () => this.attempt(),
      { ...this.policies, context, joined },
      {
        hasKey: this.plan.key !== undefined,
        isRejected: () => this.isRejected,
        conflict: ({ actual, expected, stream }) => {
          this.meters.conflict(context)
          return new ConcurrencyConflict({ stream, expected, actual, attempts: this.attempts })
        },
        unavailable: ({ operation, reason }) => {
          const streams = this.streams.map(({ streamId }) => streamId)
          return new EventStoreError({ operation, reason, streams, attempts: this.attempts })
        }
      }
    )
  }

  attempt(): Running<Error, Receipt> {
    this.attempts++
    this.previous = this.streams
    this.trustsOnlyStore = false
    return this.begin()
  }

  begin(): Running<Error, Receipt> {
    this.evidence = "nothing"
    this.repeatedAppend = undefined
    const begun = this.plan.begin()
    if (Result.isFailure(begun)) return this.fail(begun.failure)
    this.streams = begun.success
    return this.enter(begun.success)
  }

  /**
   * Begins the attempt again after the store has lost commits. Streams that did not
   * go back may still have been discovered through one that did, so everything is
   * read from version 0. Nothing is asked after a version then, so this attempt does
   * not come here again, unless the store loses more.
   */
  startOver(): Running<Error, Receipt> {
    this.context.states?.clear()
    this.previous = []
    this.trustsOnlyStore = true
    return this.begin()
  }

  /**
   * Takes in streams that are new in this attempt. Newer events are folded on
   * the states that the previous attempt has read. Remembered states are trusted
   * without a read, but only in the first attempt.
   */
  enter(fresh: ReadonlyArray<LoadedStream>): Running<Error, Receipt> {
    const { states } = this.context
    if (states === undefined || this.trustsOnlyStore) {
      if (this.previous.length > 0) carryOver(this.previous, fresh)
      return this.read(fresh)
    }
    const unknown = fresh.filter((stream) => {
      const remembered = states.get(stream.streamId, stream.source)
      if (remembered === undefined) return true
      stream.state = remembered.state
      stream.version = remembered.version
      return this.attempts > 1
    })
    if (unknown.length < fresh.length) this.evidence = "remembered"
    return unknown.length === 0 ? this.proceed() : this.read(unknown)
  }

  read(wanted: ReadonlyArray<LoadedStream>): Running<Error, Receipt> {
    return Effect.flatMap(this.readStreams(wanted), ({ appended, streams }) => {
      if (hasGoneBack(wanted, streams)) return this.startOver()
      this.evidence = withRead(this.evidence)
      if (appended !== undefined) {
        const receipt = this.plan.repeated(appended)
        if (receipt !== undefined) return this.repeated(receipt)
        this.repeatedAppend = appended
      }
      const undecodable = foldSlices(wanted, streams, this.context.states)
      return undecodable === undefined ? this.proceed() : Effect.fail(undecodable)
    })
  }

  readStreams(wanted: ReadonlyArray<LoadedStream>) {
    const requests = new Array<StreamRequest>(wanted.length)
    for (let i = 0; i < wanted.length; i++) {
      const { streamId, version } = wanted[i]!
      requests[i] = version === 0 ? { streamId } : { streamId, after: version }
    }
    const { store, traced } = this.context
    return spanIf(traced, store.readStreams(requests, this.plan.key), "EventStore.readStreams")
  }

  /** All streams so far are known: goes on to those that follow from them, and decides if there are no more. */
  proceed(): Running<Error, Receipt> {
    const { plan, repeatedAppend } = this
    if (plan.discover !== undefined) {
      const found = plan.discover()
      if (Result.isFailure(found)) {
        return this.isUncertain() ? this.confirm(found) : this.fail(found.failure)
      }
      if (found.success.length > 0) {
        this.streams = this.streams.concat(found.success)
        return this.enter(found.success)
      }
    }
    const repeated = repeatedAppend === undefined ? undefined : plan.repeated(repeatedAppend)
    return repeated === undefined ? this.decide() : this.repeated(repeated)
  }

  /** Whether the states may never have been true together. */
  isUncertain(): boolean {
    return this.evidence === "several" || this.evidence === "remembered"
  }

  decide(): Running<Error, Receipt> {
    let decision: ReturnType<CommandPlan<Error, Receipt>["decide"]>
    try {
      decision = this.plan.decide()
    } catch (defect) {
      const invalid = this.plan.invalid()
      if (invalid !== undefined) return Effect.fail(invalid)
      return this.isUncertain() ? this.confirm() : Effect.die(defect)
    }
    if (Result.isFailure(decision)) {
      if (this.isUncertain()) return this.confirm()
      const { error, isRejection } = decision.failure
      this.isRejected = isRejection
      return Effect.fail(error)
    }
    const writes = decision.success
    if (writes.length === 0) {
      if (this.isUncertain()) return this.confirm()
      if (this.plan.key === undefined && !this.plan.checksEmptyDecision) return this.done([], [])
    }
    return this.append(writes)
  }

  /**
   * Reads all streams again, at one moment, and decides on their states. A
   * failure to name further streams stands only if the states are still the same.
   */
  confirm(unnamed?: Result.Failure<unknown, Error | ExecuteError>): Running<Error, Receipt> {
    const { attempts, plan, streams } = this
    const versions = streams.map(({ version }) => version)
    return Effect.flatMap(this.readStreams(streams), ({ appended, streams: slices }): Running<Error, Receipt> => {
      const repeated = appended === undefined ? undefined : plan.repeated(appended)
      if (repeated !== undefined) return this.repeated(repeated)
      if (hasGoneBack(streams, slices)) return this.startOver()
      const undecodable = foldSlices(streams, slices, this.context.states)
      if (undecodable !== undefined) return Effect.fail(undecodable)
      const changed = streams.findIndex(({ version }, i) => version !== versions[i])
      if (changed >= 0 && plan.discover !== undefined) {
        // Other streams may follow from the new states: the attempt is lost.
        const { streamId, version } = streams[changed]!
        const expected = Expectation.exactly(versions[changed]!)
        return Effect.fail(new ConcurrencyConflict({ stream: streamId, expected, actual: version, attempts }))
      }
      this.evidence = "one moment"
      return unnamed === undefined ? this.decide() : this.fail(unnamed.failure)
    })
  }

  append(writes: ReadonlyArray<StreamWrite>): Running<Error, Receipt> {
    const { context, plan, started, streams } = this
    const append = appendOf(writes, streams, plan.key, started, context.metadata)
    if (Result.isFailure(append)) return this.isUncertain() ? this.confirm() : this.fail(append.failure)
    const appending = spanIf(context.traced, context.store.append(append.success), "EventStore.append")
    return Effect.flatMap(appending, (answer): Running<Error, Receipt> => {
      // A command is one part.
      const appended = answer._tag === "Appended" ? answer.parts[0]! : answer.repeats[0]!.appended
      if (answer._tag === "Repeated") {
        const repeated = plan.repeated(appended)
        if (repeated !== undefined) return this.repeated(repeated)
      }
      advance(writes, appended, context.states)
      return this.done(recordedEvents(appended, writes), appended.streams)
    })
  }

  done(events: ReadonlyArray<RecordedEvent<Tagged>>, streams: PartAppended["streams"]): Running<Error, Receipt> {
    this.end("accepted")
    if (events.length > 0) this.meters.recorded(events.length, this.context.context)
    return Effect.succeed(this.plan.receipt(events, streams, this.attempts))
  }

  repeated(receipt: Result.Result<Receipt, ExecuteError>): Running<Error, Receipt> {
    if (Result.isFailure(receipt)) {
      // Remembered states may have led to other streams than those of the events; the next attempt reads all.
      return this.evidence === "remembered" ? this.attempt() : Effect.fail(receipt.failure)
    }
    this.end("repeated")
    return Effect.succeed(receipt.success)
  }

  /** Fails with the error, or with `InvalidCommand` if the command itself is what is wrong. */
  fail(error: Error | ExecuteError): Effect.Effect<never, Error | ExecuteError> {
    return Effect.fail(this.plan.invalid() ?? error)
  }

  failed(cause: Cause.Cause<Error | ExecuteError>): Exit.Exit<never, Error | ExecuteError> {
    if (this.isRejected) {
      this.end("rejected", Cause.squash(cause))
      return Exit.failCause(cause)
    }
    this.end("failed")
    const error = Cause.squash(cause)
    // The next command would meet the same conflict, because it trusts the same state.
    if (isConflict(error)) this.context.states?.forget(error.stream as StreamId)
    // The store refuses names that it cannot keep, and they may be the caller's.
    const invalid = isRefused(error) ? this.plan.invalid() : undefined
    return invalid === undefined ? Exit.failCause(cause) : Exit.fail(invalid)
  }

  end(outcome: metrics.Outcome, error?: unknown): void {
    const { clock, context } = this.context
    this.outcome = outcome
    const seconds = (clock.currentTimeMillisUnsafe() - this.started) / 1_000
    this.meters.ended(outcome, seconds, context, error)
  }
}
