/**
 * Executes commands: loads the events of an aggregate, folds them, decides, and
 * appends what was decided if the stream is still as it was read. If it is not,
 * all of it is done again.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type { Aggregate, Tagged } from "../domain/Aggregate.ts"
import type { StreamId } from "../domain/StreamId.ts"
import { foldRecorded, newEvents } from "../internal/events.ts"
import * as metrics from "../internal/metrics.ts"
import { isTraced, spanIf } from "../internal/tracing.ts"
import type { CommandIdReused } from "../ports/CommandIdReused.ts"
import { ConcurrencyConflict } from "../ports/ConcurrencyConflict.ts"
import { type Append, type Appended, type CommandKey, EventStore } from "../ports/EventStore.ts"
import { EventStoreError, Rejected } from "../ports/EventStoreError.ts"
import * as Expectation from "../ports/Expectation.ts"
import * as CommandCodec from "./CommandCodec.ts"
import type { CommandDecodeError } from "./CommandDecodeError.ts"
import type { EventDecodeError } from "./EventDecodeError.ts"
import * as Receipt from "./Receipt.ts"

/** A schedule that says when to try again after a conflict. */
export type RetryPolicy = Schedule.Schedule<unknown, ConcurrencyConflict>

/** How to execute a command. */
export interface ExecuteOptions {
  /**
   * Names the command, so that executing it again has no second effect and
   * returns the first receipt, for as long as the store remembers the id: for
   * ever unless it is told otherwise. At most 1,000 characters.
   */
  readonly commandId?: string
  /** When to try again after a conflict; {@link CurrentRetryPolicy} if not given. */
  readonly retry?: RetryPolicy
}

/** Why executing a command can fail, besides the aggregate's own errors. */
export type ExecuteError = ConcurrencyConflict | CommandIdReused | EventStoreError | EventDecodeError

/** At most 5 attempts, 5, 10, 20 and 40 ms apart, each ± 20 %. */
export const defaultRetryPolicy: RetryPolicy = Schedule.max([
  Schedule.exponential("5 millis").pipe(Schedule.jittered),
  Schedule.recurs(4)
])

/** The policy of commands that are executed without one. */
export const CurrentRetryPolicy = Context.Reference<RetryPolicy>("@hexfold/core/Executor/CurrentRetryPolicy", {
  defaultValue: () => defaultRetryPolicy
})

/**
 * Executes a command that the type checker has seen; it is not decoded.
 *
 * Fails with the error for which the aggregate rejects the command, with a
 * `ConcurrencyConflict` once the retry policy gives up, and with whatever
 * befell the store. When it fails with anything but a retryable
 * `EventStoreError`, nothing was recorded.
 *
 * @example
 * ```ts
 * import { Aggregate, Executor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * interface Increment { readonly _tag: "Increment"; readonly by: number }
 * interface Incremented { readonly _tag: "Incremented"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, Incremented, never>
 *
 * const program = Effect.gen(function*() {
 *   const receipt = yield* Executor.execute(Counter, "visits", { _tag: "Increment", by: 1 }, { commandId: "request-17" })
 *   return receipt.version
 * })
 * ```
 */
export const execute = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  id: NoInfer<Id>,
  command: NoInfer<Command>,
  options: ExecuteOptions = {}
): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError, EventStore> =>
  Effect.contextWith((context: Context.Context<EventStore>) => {
    const streamId = streamIdOf(aggregate, id)
    if (Result.isFailure(streamId)) return Effect.fail(streamId.failure)
    const traced = isTraced(context)
    const running = run(aggregate, streamId.success, command, options, context, traced)
    return spanIf(traced, running, "Executor.execute", () => ({
      "hexfold.aggregate": aggregate.name,
      "hexfold.stream": streamId.success,
      "hexfold.command": command._tag,
      ...(options.commandId === undefined ? {} : { "hexfold.command_id": options.commandId })
    }))
  })

/**
 * Executes a command that came from outside: decodes the id and the command
 * from JSON values, and fails with a `CommandDecodeError` if one does not match.
 *
 * @example
 * ```ts
 * import { Aggregate, Executor } from "@hexfold/core"
 *
 * interface Increment { readonly _tag: "Increment"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, never, never>
 *
 * const program = Executor.executeUnknown(Counter, "visits", JSON.parse(`{ "_tag": "Increment", "by": 1 }`))
 * ```
 */
export const executeUnknown = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  id: unknown,
  command: unknown,
  options: ExecuteOptions = {}
): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError | CommandDecodeError, EventStore> =>
  Effect.suspend((): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError | CommandDecodeError, EventStore> => {
    const codec = CommandCodec.of(aggregate)
    const decodedId = codec.decodeId(id)
    if (Result.isFailure(decodedId)) return Effect.fail(decodedId.failure)
    const decoded = codec.decode(command)
    if (Result.isFailure(decoded)) return Effect.fail(decoded.failure)
    return execute(aggregate, decodedId.success, decoded.success, options)
  })

/** An aggregate's state, and the version of its stream that it was folded from. */
export interface Loaded<out State> {
  readonly state: State
  readonly version: number
}

/**
 * Loads an aggregate: its state after all events so far, and its version.
 *
 * @example
 * ```ts
 * import { Aggregate, Executor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, never, never>
 *
 * const count = Effect.map(Executor.load(Counter, "visits"), ({ state }) => state)
 * ```
 */
export const load = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  id: NoInfer<Id>
): Effect.Effect<Loaded<State>, EventStoreError | EventDecodeError, EventStore> =>
  Effect.contextWith((context: Context.Context<EventStore>) => {
    const encodedId = streamIdOf(aggregate, id)
    if (Result.isFailure(encodedId)) return Effect.fail(encodedId.failure)
    const streamId = encodedId.success
    const loading = Context.get(context, EventStore)
      .readStreams([{ streamId }])
      .pipe(
        // Only a read that names a command can fail so.
        Effect.catchTag("CommandIdReused", Effect.die),
        Effect.flatMap(({ streams }) => {
          const { events, version } = streams[0]!
          return Effect.fromResult(Result.map(foldRecorded(aggregate, events), (state) => ({ state, version })))
        })
      )
    return spanIf(isTraced(context), loading, "Executor.load", () => ({
      "hexfold.aggregate": aggregate.name,
      "hexfold.stream": streamId
    }))
  })

// One round for each attempt: read, fold, decide, append. It is correct without
// a lock because the append is conditional on the version that was read.
const run = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  streamId: StreamId,
  command: Command,
  options: ExecuteOptions,
  context: Context.Context<EventStore>,
  traced: boolean
): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError> => {
  const store = Context.get(context, EventStore)
  const clock = Context.get(context, Clock.Clock)
  const started = clock.currentTimeMillisUnsafe()
  const keyed = commandKey(aggregate, streamId, command, options.commandId)
  if (Result.isFailure(keyed)) return measured(Exit.fail(keyed.failure), aggregate, clock, started, context)
  const key = keyed.success
  let attempts = 0

  const finished = (receipt: Receipt.Receipt<Event>) =>
    measured(Exit.succeed(receipt), aggregate, clock, started, context)
  const repeated = (appended: Appended) =>
    Effect.flatMap(Effect.fromResult(Receipt.fromRepeated(aggregate, streamId, appended)), finished)

  const attempt = (): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError> =>
    Effect.flatMap(
      traced
        ? Effect.withSpan(store.readStreams([{ streamId }], key), "EventStore.readStreams")
        : store.readStreams([{ streamId }], key),
      ({ appended, streams }): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError> => {
        if (appended !== undefined) return repeated(appended)
        attempts++
        const { events, version } = streams[0]!
        const state = foldRecorded(aggregate, events)
        if (Result.isFailure(state)) return Effect.fail(state.failure)
        const decision = aggregate.decide(command, state.success)
        if (Result.isFailure(decision)) return Effect.fail(decision.failure)
        const decided = decision.success
        // One stream, read at one moment: with nothing to record, nothing is left to check.
        if (decided.length === 0 && key === undefined) return finished(Receipt.empty(streamId, version, attempts))
        const encoded = newEvents(aggregate, decided, started, key?.id, context)
        if (Result.isFailure(encoded)) return Effect.fail(encoded.failure)
        const writes = decided.length === 0 ? [] : [{ streamId, events: encoded.success }]
        const conditions = [{ _tag: "Stream", streamId, expected: Expectation.exactly(version) }] as const
        const append: Append = key === undefined ? { writes, conditions } : { writes, conditions, command: key }
        const appending = traced ? Effect.withSpan(store.append(append), "EventStore.append") : store.append(append)
        return Effect.flatMap(appending, (appended) =>
          appended.repeated ? repeated(appended) : finished(Receipt.fromAppended(streamId, appended, decided, attempts))
        )
      }
    )

  return Effect.catchCause(attempt(), (cause) => {
    const conflict = conflictOf(cause)
    if (conflict === undefined) return measured(Exit.failCause(cause), aggregate, clock, started, context)
    const counted = ({ actual, expected, stream }: ConcurrencyConflict) => {
      metrics.of(aggregate.name).conflict(context)
      return new ConcurrencyConflict({ stream, expected, actual, attempts })
    }
    const again = Effect.mapError(Effect.suspend(attempt), (error) => (isConflict(error) ? counted(error) : error))
    const policy = options.retry ?? Context.get(context, CurrentRetryPolicy)
    return Effect.catchCause(retryAfter(counted(conflict), again, policy), (cause) =>
      measured(Exit.failCause(cause), aggregate, clock, started, context)
    )
  })
}

const measured = <A extends Receipt.Receipt<unknown>, E>(
  exit: Exit.Exit<A, E>,
  aggregate: { readonly name: string },
  clock: Clock.Clock,
  started: number,
  context: Context.Context<never>
): Exit.Exit<A, E> => {
  const [outcome, recorded] = outcomeOf(exit)
  metrics.of(aggregate.name).command(outcome, clock.currentTimeMillisUnsafe() - started, recorded, context)
  return exit
}

const conflictOf = (cause: Cause.Cause<unknown>): ConcurrencyConflict | undefined => {
  const reason = cause.reasons.length === 1 ? cause.reasons[0]! : undefined
  return reason?._tag === "Fail" && isConflict(reason.error) ? reason.error : undefined
}

// By their tags: an adapter may have been installed with another copy of this package.
const isConflict = (error: unknown): error is ConcurrencyConflict => Predicate.isTagged(error, "ConcurrencyConflict")
const isOurs = (error: unknown): boolean =>
  isConflict(error) ||
  Predicate.isTagged(error, "EventStoreError") ||
  Predicate.isTagged(error, "EventDecodeError") ||
  Predicate.isTagged(error, "CommandIdReused")

// The first failure goes through the schedule too, so that there is a pause
// already between the first attempt and the second.
const retryAfter = <A, E, R>(
  first: ConcurrencyConflict,
  attempt: Effect.Effect<A, E | ConcurrencyConflict, R>,
  policy: RetryPolicy
): Effect.Effect<A, E | ConcurrencyConflict, R> => {
  let failed = false
  const next = Effect.suspend((): Effect.Effect<A, E | ConcurrencyConflict, R> => {
    if (failed) return attempt
    failed = true
    return Effect.fail(first)
  })
  return Effect.retry(next, {
    schedule: policy as Schedule.Schedule<unknown, E | ConcurrencyConflict>,
    while: isConflict
  })
}

// An id may satisfy its type and break its schema, as "" does `Schema.NonEmptyString`.
const streamIdOf = <Id>(
  aggregate: { readonly name: string; readonly streamId: (id: Id) => StreamId },
  id: Id
): Result.Result<StreamId, EventStoreError> => {
  try {
    return Result.succeed(aggregate.streamId(id))
  } catch (cause) {
    const detail = `the id does not match the schema of ${aggregate.name}'s ids: ${String(cause)}`
    return Result.fail(new EventStoreError({ operation: "readStreams", reason: new Rejected({ detail, cause }) }))
  }
}

const commandKey = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  streamId: string,
  command: Command,
  commandId: string | undefined
): Result.Result<CommandKey | undefined, EventStoreError> =>
  commandId === undefined
    ? Result.succeed(undefined)
    : Result.mapBoth(CommandCodec.of(aggregate).fingerprint(streamId, command), {
        onFailure: (cause) =>
          new EventStoreError({
            operation: "append",
            reason: new Rejected({ detail: `the command does not match its schema: ${cause.message}`, cause })
          }),
        onSuccess: (fingerprint) => ({ id: commandId, fingerprint })
      })

const outcomeOf = (
  exit: Exit.Exit<Receipt.Receipt<unknown>, unknown>
): readonly [outcome: metrics.Outcome, recorded: number] => {
  if (exit._tag === "Success") {
    return exit.value.repeated ? ["repeated", 0] : ["accepted", exit.value.events.length]
  }
  const rejected = exit.cause.reasons.some((reason) => reason._tag === "Fail" && !isOurs(reason.error))
  return [rejected ? "rejected" : "failed", 0]
}
