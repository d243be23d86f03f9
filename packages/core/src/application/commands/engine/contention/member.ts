import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { StreamId } from "../../../../domain/StreamId.ts"
import type { Tagged } from "../../../../domain/tagged.ts"
import { checkRead } from "../../../../ports/AppendCheck.ts"
import { ConcurrencyConflict, EventStoreError } from "../../../../ports/errors.ts"
import type { RepeatedPart, RecordedEvent, StreamVersion } from "../../../../ports/EventStore.ts"
import type { ExecuteError, ExecuteOptions } from "../../options.ts"
import type { States } from "../../StateCache.ts"
import type { CommandContext } from "../commandContext.ts"
import type { CommandPlan, LoadedStream } from "../commandPlan.ts"
import { isConflict, isRefused } from "../failures.ts"
import * as metrics from "../metrics.ts"
import { type Policies as RetryPolicies, Retries } from "../retries.ts"

/** The options of a command that the engine follows. */
export interface Policies extends RetryPolicies, Pick<ExecuteOptions, "commandId"> {}

/** What the caller of a command goes on with: the command's end, or another wait for its streams. */
export type Answer<Error, Receipt> = Effect.Effect<Receipt, Error | ExecuteError>

/** Ends a command. */
export type End<Error, Receipt> = () => Exit.Exit<Receipt, Error | ExecuteError>

/** A command that is under way: what it does, how often it was tried, and how it has ended. */
export abstract class Member<out Error = unknown, out Receipt = unknown> {
  readonly plan: CommandPlan<Error, Receipt>
  readonly policies: Policies
  readonly context: CommandContext
  readonly meters: metrics.Meters
  readonly started: number
  attempts = 0
  /** Whether the next decision counts as an attempt. A decision that only confirms the one before does not count. */
  isNewAttempt = true
  /** How the command ended; undefined until it has. */
  outcome: metrics.Outcome | undefined
  /** The streams of the latest attempt. */
  streams: ReadonlyArray<LoadedStream> = []
  /** What the store has recorded under the command's id before; set while its events cannot be decoded yet. */
  repeat: RepeatedPart | undefined
  /** Whether the store is asked for the command's id before the next decision. */
  looksUp = false
  /** The versions that must be confirmed, because the latest decision was made on states of several moments. */
  unconfirmed: ReadonlyArray<StreamVersion> | undefined
  /** Whether others want its streams: it has waited for them, or other processes are known to write them. */
  isContended = false
  /** Whether the caller was interrupted. */
  isGone = false
  /** What the caller goes on with; set when the command leaves its group. */
  answer: Answer<Error, Receipt> | undefined
  /** Wakes the caller, if it waits for a group. */
  wake: (() => void) | undefined
  /** Takes the command out of its group; set while it is in one of a fiber of its own. */
  leave: (() => void) | undefined
  private retries: Retries | undefined

  constructor(plan: CommandPlan<Error, Receipt>, policies: Policies, context: CommandContext) {
    this.plan = plan
    this.policies = policies
    this.context = context
    this.meters = metrics.of(plan)
    this.started = context.clock.currentTimeMillisUnsafe()
  }

  /** Waits for the streams that the command names, and tries it. */
  protected abstract enter(): Answer<Error, Receipt>

  /** The states that a group of this command remembers and goes on from. */
  get cache(): States | undefined {
    return this.context.states ?? (this.isContended ? this.context.recent : undefined)
  }

  /** Counts a decision. */
  decides(): void {
    if (this.isNewAttempt) this.attempts++
    this.isNewAttempt = false
  }

  /** Says what the caller goes on with. */
  reply(answer: Answer<Error, Receipt>): void {
    this.leave = undefined
    this.answer = answer
    this.wake?.()
  }

  /** Lets the caller wait outside of the queue, and then for the command's streams again. */
  later(millis: number): Answer<Error, Receipt> {
    const again = Effect.suspend(() => this.enter())
    return millis > 0 ? Effect.andThen(Effect.sleep(millis), again) : again
  }

  /** `history` is that of the log in which the events were recorded; 1 if there are none. */
  accepted(
    events: ReadonlyArray<RecordedEvent<Tagged>>,
    streams: ReadonlyArray<StreamVersion>,
    history: number
  ): Exit.Exit<Receipt> {
    this.end("accepted")
    if (events.length > 0) this.meters.recorded(events.length, this.context.context)
    return Exit.succeed(this.plan.receipt(events, streams, this.attempts, history))
  }

  repeated(receipt: Receipt): Exit.Exit<Receipt> {
    this.end("repeated")
    return Exit.succeed(receipt)
  }

  rejected(error: Error | ExecuteError): Exit.Exit<never, Error | ExecuteError> {
    this.end("rejected", error)
    return Exit.fail(error)
  }

  /** Ends with an error, or with `InvalidCommand` if the command itself is what is wrong. */
  refused(error: Error | ExecuteError): Exit.Exit<never, Error | ExecuteError> {
    this.end("failed")
    return Exit.fail(this.plan.invalid() ?? error)
  }

  /** Ends after an exception in the program's own functions. */
  died(defect: unknown): Exit.Exit<never, Error | ExecuteError> {
    this.end("failed")
    const invalid = this.plan.invalid()
    return invalid === undefined ? Exit.die(defect) : Exit.fail(invalid)
  }

  /** Ends with a failure that does not come from the command's decision. */
  failed(cause: Cause.Cause<Error | ExecuteError>): Exit.Exit<never, Error | ExecuteError> {
    this.end("failed")
    const error = Cause.squash(cause)
    // The next command would meet the same conflict, because it trusts the same state.
    if (isConflict(error)) this.cache?.forget(error.stream as StreamId)
    // The store refuses names that it cannot keep, and they may be the caller's.
    const invalid = isRefused(error) ? this.plan.invalid() : undefined
    return invalid === undefined ? Exit.failCause(cause) : Exit.fail(invalid)
  }

  /** The pause after a conflict in milliseconds, or how the command ends with it. */
  afterConflict({ actual, expected, stream }: ConcurrencyConflict): Effect.Effect<number | End<Error, Receipt>> {
    this.meters.conflict(this.context.context)
    this.isNewAttempt = true
    const error = new ConcurrencyConflict({ stream, expected, actual, attempts: this.attempts })
    return this.pauseOrEnd(this.retriesOf().afterConflict(error), error)
  }

  /** The pause after a failure of the store in milliseconds, or how the command ends with it. */
  afterFailure(failure: EventStoreError): Effect.Effect<number | End<Error, Receipt>> {
    this.isNewAttempt = true
    const error = this.described(failure)
    return this.pauseOrEnd(this.retriesOf().afterFailure(error), error)
  }

  /** A failure of the store that may pass, with the command's streams and attempts. */
  described({ operation, reason }: EventStoreError): EventStoreError {
    const streams = this.streams.map(({ streamId }) => streamId)
    return new EventStoreError({ operation, reason, streams, attempts: this.attempts })
  }

  private retriesOf(): Retries {
    return (this.retries ??= new Retries(this.policies, this.context))
  }

  private pauseOrEnd(
    pause: Effect.Effect<number | undefined>,
    error: ExecuteError
  ): Effect.Effect<number | End<Error, Receipt>> {
    return Effect.matchCause(pause, {
      onSuccess: (pause) => pause ?? (() => this.failed(Cause.fail(error))),
      // A mistake in the policy.
      onFailure: (cause) => () => this.failed(cause)
    })
  }

  private end(outcome: metrics.Outcome, error?: unknown): void {
    const { clock, context } = this.context
    this.outcome = outcome
    const seconds = (clock.currentTimeMillisUnsafe() - this.started) / 1_000
    this.meters.ended(outcome, seconds, context, error)
  }
}

/** Why no store keeps the names of a command's streams, or its id. One such name would fail the read of the whole group. */
export const unstorable = ({ plan }: Member, streams: ReadonlyArray<LoadedStream>): EventStoreError | undefined =>
  checkRead(
    "readStreams",
    streams.map(({ streamId }) => ({ streamId })),
    plan.key
  )

/** What the store has recorded under the command's id. */
export const lookedUp = ({ context, plan }: Member) =>
  Effect.map(context.store.readStreams([], plan.key), ({ appended }) => appended)
