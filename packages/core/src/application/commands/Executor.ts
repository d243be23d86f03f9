/**
 * Executes commands: loads the events of an aggregate, folds them, decides, and
 * appends the decided events on condition that the stream has not changed. If it
 * has, the executor does all of it again.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Aggregate, Any as AnyAggregate, Untyped as SomeAggregate } from "../../domain/Aggregate.ts"
import type { Any as AnyBoundary, Emission, Untyped as SomeBoundary } from "../../domain/Boundary.ts"
import type { Decision } from "../../domain/Decision.ts"
import type { Source } from "../../domain/Participant.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import type { Tagged } from "../../domain/tagged.ts"
import { spanIf } from "../../internal/tracing.ts"
import type { EventStoreError, VersionConflict } from "../../ports/errors.ts"
import { EventStore } from "../../ports/EventStore.ts"
import type { EventReadError, MomentNotReached } from "../events/errors.ts"
import { aggregatePlan } from "./engine/aggregatePlan.ts"
import { boundaryPlan } from "./engine/boundaryPlan.ts"
import * as CommandCodec from "./CommandCodec.ts"
import { type CommandContext, commandContext } from "./engine/commandContext.ts"
import { unread } from "./engine/commandPlan.ts"
import type { InvalidCommand, UnknownCommandVersion } from "./errors.ts"
import * as execution from "./engine/execution.ts"
import { named } from "./engine/naming.ts"
import { foldSlices } from "./engine/loading.ts"
import * as metrics from "./engine/metrics.ts"
import type { AggregateRules, BoundaryRules } from "./engine/rules.ts"
import { readFrom } from "./engine/snapshotReads.ts"
import { streamIdOf } from "./engine/storable.ts"
import type { AggregateOptions, BoundaryError, BoundaryOptions, ExecuteError, ExecuteOptions } from "./options.ts"
import { historyOf, loadAt, type Step, type StreamMoment } from "./past.ts"
import type * as Receipt from "./Receipt.ts"

export type {
  AggregateOptions,
  BoundaryError,
  BoundaryOptions,
  CallerError,
  ExecuteError,
  ExecuteOptions,
  OperationalError,
  ProgramError,
  PublishError,
  PublishOptions,
  SingleRoles,
  TechnicalError,
  VersionsOf
} from "./options.ts"
export {
  CurrentRetryPolicy,
  CurrentStoreRetryPolicy,
  defaultRetryPolicy,
  type RetryPolicy,
  type StoreRetryPolicy
} from "./retryPolicy.ts"
export type { Moment } from "../events/moment.ts"
export type { Step, StreamMoment } from "./past.ts"
export { publish } from "./publish.ts"
export { catchTechnical, isCallerError, isOperationalError, isProgramError, isTechnicalError } from "./technical.ts"

/** What has commands to execute: an aggregate or a boundary. */
export type Target = AnyAggregate | AnyBoundary

// With overloads the compiler explains why each one fails, and a wrong id reads
// as missing fields of a boundary. With one signature it names the wrong argument.

/** What {@link execute} takes after its target: the id of an aggregate, the command, and options. */
export type Arguments<T, RequireError = never, Expected extends number = never, Roles = never> = T extends {
  readonly _tag: "Boundary"
  readonly decide: (command: infer Command, states: infer States) => unknown
}
  ? [command: Command, options?: BoundaryOptions<States, RequireError, Roles>]
  : T extends {
        readonly streamId: (id: infer Id) => unknown
        readonly decide: (command: infer Command, state: infer State) => unknown
      }
    ? [id: Id, command: Command, options?: AggregateOptions<State, RequireError, Expected>]
    : never

/** What {@link executeUnknown} takes after its target. */
export type UnknownArguments<T, RequireError = never, Expected extends number = never, Roles = never> = T extends {
  readonly _tag: "Boundary"
  readonly decide: (command: never, states: infer States) => unknown
}
  ? [command: unknown, options?: BoundaryOptions<States, RequireError, Roles>]
  : T extends { readonly decide: (command: never, state: infer State) => unknown }
    ? [id: unknown, command: unknown, options?: AggregateOptions<State, RequireError, Expected>]
    : never

/** The errors of what a caller requires: of its rule, and `VersionConflict` if it expects a version. */
export type Required<RequireError, Expected> = RequireError | ([Expected] extends [never] ? never : VersionConflict)

/** The execution of a command on a target: succeeds with its receipt. */
export type Execution<T, RequireError = never, Expected = never> = T extends {
  readonly _tag: "Boundary"
  readonly decide: (command: never, states: never) => Result.Result<Emission<infer Event>, infer Error>
}
  ? Effect.Effect<Receipt.BoundaryReceipt<Event>, Error | Required<RequireError, Expected> | BoundaryError, EventStore>
  : T extends { readonly decide: (command: never, state: never) => Decision<infer Event, infer Error> }
    ? Effect.Effect<Receipt.Receipt<Event>, Error | Required<RequireError, Expected> | ExecuteError, EventStore>
    : never

/**
 * Executes a typed command: `execute(aggregate, id, command, options?)` or
 * `execute(boundary, command, options?)`.
 *
 * It fails with the error for which the domain rejects the command, or with an
 * {@link ExecuteError}; over a boundary with a {@link BoundaryError}. After a
 * conflict it tries again as the retry policy says, and fails with
 * `ConcurrencyConflict` when the policy gives up. The executor checks the
 * schema of an id or a command only after something has failed, and then fails
 * with `InvalidCommand`. Use {@link executeUnknown} for commands from outside:
 * it checks them first.
 *
 * Commands of one process that name the same streams queue for them in memory.
 * Those that have waited are decided together and appended in one call, and each
 * gets its own receipt or error, as if they had come one by one.
 *
 * If it fails with a retryable `EventStoreError`, nobody knows whether the
 * command has happened: use a command id. After any other failure nothing was
 * recorded.
 *
 * With `expectedVersion` and `require` a caller says what it requires of the state
 * that the command is decided on, such as the version that a user has seen. Both
 * are asked in every attempt, before the domain decides. Their errors are
 * `VersionConflict` and those of the rule.
 *
 * To wait until views show what the command did, pipe it into
 * `Projection.waitFor`.
 *
 * @example
 * ```ts
 * import { Aggregate, Boundary, Executor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * interface Increment { readonly _tag: "Increment"; readonly by: number }
 * interface Incremented { readonly _tag: "Incremented"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, Incremented, never>
 * interface Swap { readonly _tag: "Swap"; readonly a: string; readonly b: string }
 * declare const SwapCounters: Boundary.Boundary<"Swap", Swap, { a: number; b: number }, Incremented, never>
 *
 * const program = Effect.gen(function*() {
 *   const receipt = yield* Executor.execute(Counter, "visits", { _tag: "Increment", by: 1 }, { commandId: "request-17" })
 *   yield* Executor.execute(SwapCounters, { _tag: "Swap", a: "visits", b: "clicks" })
 *   return receipt.version
 * })
 * ```
 */
export const execute: <T extends Target, RequireError = never, Expected extends number = never, Roles = never>(
  target: T,
  ...args: Arguments<T, RequireError, Expected, Roles>
) => Execution<T, RequireError, Expected | Roles> = (
  target: Target,
  first?: unknown,
  second?: unknown,
  third?: unknown
): never =>
  (isBoundary(target)
    ? executeBoundary(target, first as Tagged, second as BoundaryCall | undefined)
    : executeAggregate(target as never, first, second as Tagged, third as AggregateCall | undefined)) as never

/**
 * Executes a command that came from outside: decodes the id and the command
 * from JSON values, and fails with an `InvalidCommand` if one does not match its
 * schema. It takes what {@link execute} takes, and fails in the same way.
 *
 * The member `_version` of the JSON says with which version of its schema a client
 * has made the command. Without it the version is 1, because a client that has never
 * heard of versions sends the first one. A former version becomes the current command,
 * step by step. A version that this program does not know yet fails with
 * `UnknownCommandVersion`, which is retryable. A command id belongs to what the client
 * has sent: its repeat is recognized after a deployment with a later version.
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
export const executeUnknown: <T extends Target, RequireError = never, Expected extends number = never, Roles = never>(
  target: T,
  ...args: UnknownArguments<T, RequireError, Expected, Roles>
) => Execution<T, RequireError | UnknownCommandVersion, Expected | Roles> = (
  target: Target,
  first?: unknown,
  second?: unknown,
  third?: unknown
): never =>
  (isBoundary(target)
    ? decoding(
        () => CommandCodec.ofBoundary(target).decode(first),
        (command) => executeBoundary(target, command, second as BoundaryCall | undefined)
      )
    : executeUnknownOn(target as never, first, second, third as AggregateCall | undefined)) as never

/** An aggregate's state, and the version of its stream that it was folded from. */
export interface Loaded<out State> {
  readonly state: State
  readonly version: number
}

/** Why loading an aggregate can fail. */
export type LoadError = EventStoreError | EventReadError | InvalidCommand

/** Which state of the past to load. */
export interface PastOptions {
  /**
   * The moment: after the stream's event with this `version`, after the event at this `position` of the log, or after
   * all events that were recorded at or before this `time`.
   */
  readonly at: StreamMoment
}

/**
 * Loads an aggregate: its state after all events so far, and its version. An id
 * that breaks its schema fails with `InvalidCommand`.
 *
 * With `at` it loads the state of a moment in the past, from the events up to then. A
 * moment that lies ahead fails with `MomentNotReached`. Where one stored event has become
 * several, they are folded together.
 *
 * @example
 * ```ts
 * import { Aggregate, Executor } from "@hexfold/core"
 * import { DateTime, Effect } from "effect"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, never, never>
 *
 * const count = Effect.map(Executor.load(Counter, "visits"), ({ state }) => state)
 *
 * const endOfMarch = DateTime.makeUnsafe("2026-03-31T22:00:00Z")
 * const inMarch = Effect.map(Executor.load(Counter, "visits", { at: { time: endOfMarch } }), ({ state }) => state)
 * ```
 */
export const load: {
  <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    id: NoInfer<Id>
  ): Effect.Effect<Loaded<State>, LoadError, EventStore>
  <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    id: NoInfer<Id>,
    options: PastOptions
  ): Effect.Effect<Loaded<State>, LoadError | MomentNotReached, EventStore>
} = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  id: NoInfer<Id>,
  options?: PastOptions
): Effect.Effect<Loaded<State>, LoadError, EventStore> =>
  Effect.contextWith((context: Context.Context<EventStore>): Effect.Effect<Loaded<State>, LoadError> => {
    const encodedId = streamIdOf(aggregate, "id", id)
    if (Result.isFailure(encodedId)) return Effect.fail(encodedId.failure)
    const streamId = encodedId.success
    const current = commandContext(context)
    const loading: Effect.Effect<Loaded<State>, LoadError | MomentNotReached> = options === undefined
      ? loadNow(current, aggregate, streamId)
      : loadAt({ store: current.store, aggregate, streamId, at: options.at })
    return spanIf(current.traced, loading as Effect.Effect<Loaded<State>, LoadError>, "Executor.load", () => ({
      "hexfold.aggregate": aggregate.name,
      "hexfold.stream": streamId
    }))
  })

const loadNow = <State, Event extends Tagged>(
  { snapshots, store }: CommandContext,
  aggregate: Source<string, State, Event>,
  streamId: StreamId
): Effect.Effect<Loaded<State>, EventStoreError | EventReadError> =>
  Effect.suspend(() => {
    const stream = unread(streamId, aggregate)
    return readFrom({ snapshots, ask: store.readStreams }, [stream]).pipe(
      // Only a read that names a command can fail with it.
      Effect.catchTag("CommandIdReused", Effect.die),
      Effect.flatMap((read) => {
        const undecodable = foldSlices([stream], read, undefined, { snapshots, store })
        const { state, version } = stream
        return undecodable === undefined ? Effect.succeed({ state: state as State, version }) : Effect.fail(undecodable)
      })
    )
  })

/** Which part of a stream's history to read. */
export interface HistoryOptions {
  /** The history ends at this moment, as for {@link load}. By default it ends with the last event. */
  readonly at?: StreamMoment
}

/**
 * The history of an aggregate: each event with the state before it, the state after it,
 * and what has changed between the two, from the first event on. Where one stored event
 * has become several, each of them is a step. It is read page by page; take what you need.
 *
 * @example
 * ```ts
 * import { Aggregate, Executor } from "@hexfold/core"
 * import { DateTime, Effect, Stream } from "effect"
 *
 * interface Incremented { readonly _tag: "Incremented"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, Incremented, never>
 *
 * const printed = Executor.history(Counter, "visits").pipe(
 *   Stream.runForEach(({ after, before, event }) =>
 *     Effect.log(`${DateTime.formatIso(event.recordedAt)} ${event.data._tag}: ${before} -> ${after}`)
 *   )
 * )
 * ```
 */
export const history = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  id: NoInfer<Id>,
  options: HistoryOptions = {}
): Stream.Stream<Step<State, Event>, LoadError | MomentNotReached, EventStore> =>
  Stream.unwrap(
    Effect.map(EventStore, (store): Stream.Stream<Step<State, Event>, LoadError | MomentNotReached> => {
      const streamId = streamIdOf(aggregate, "id", id)
      return Result.isFailure(streamId)
        ? Stream.fail(streamId.failure)
        : historyOf({ store, aggregate, streamId: streamId.success, at: options.at })
    })
  )

type AggregateCall = ExecuteOptions & AggregateRules
type BoundaryCall = ExecuteOptions & BoundaryRules

const isBoundary = (target: object): target is SomeBoundary => "_tag" in target

const executeAggregate = (aggregate: SomeAggregate, id: unknown, command: Tagged, options: AggregateCall = {}) =>
  Effect.contextWith((context: Context.Context<EventStore>) => {
    const current = commandContext(context)
    const streamId = streamIdOf(aggregate, "id", id)
    if (Result.isFailure(streamId)) return refuse("aggregate", aggregate, command, streamId.failure, current)
    const stream = streamId.success
    const fingerprint = () => CommandCodec.of(aggregate).fingerprint(stream, command)
    return named(options, current, { target: aggregate.name, id, command }, fingerprint, (options, key) =>
      Result.isFailure(key)
        ? refuse("aggregate", aggregate, command, key.failure, current)
        : execution.run(aggregatePlan(aggregate, stream, command, key.success, options), options, current)
    )
  })

const executeBoundary = (boundary: SomeBoundary, command: Tagged, options: BoundaryCall = {}) =>
  Effect.contextWith((context: Context.Context<EventStore>) => {
    const current = commandContext(context)
    const fingerprint = () => CommandCodec.ofBoundary(boundary).fingerprint(command)
    return named(options, current, { target: boundary.name, command }, fingerprint, (options, key) =>
      Result.isFailure(key)
        ? refuse("boundary", boundary, command, key.failure, current)
        : execution.run(boundaryPlan(boundary, command, key.success, options), options, current)
    )
  })

const refuse = (
  kind: "aggregate" | "boundary",
  target: SomeAggregate | SomeBoundary,
  command: Tagged,
  error: InvalidCommand,
  { context }: CommandContext
): Effect.Effect<never, InvalidCommand> =>
  Effect.suspend(() => {
    metrics.of({ kind, target, command }).ended("failed", 0, context)
    return Effect.fail(error)
  })

const executeUnknownOn = (
  aggregate: SomeAggregate,
  id: unknown,
  command: unknown,
  options: AggregateCall | undefined
) => {
  const codec = CommandCodec.of(aggregate)
  const both = () => Result.all([codec.decodeId(id), codec.decode(command)])
  return decoding(both, ([id, command]) => executeAggregate(aggregate, id, command, options))
}

const decoding = <A, B, E, R>(
  decode: () => Result.Result<A, CommandCodec.CommandReadError>,
  execute: (decoded: A) => Effect.Effect<B, E, R>
): Effect.Effect<B, E | CommandCodec.CommandReadError, R> =>
  Effect.suspend((): Effect.Effect<B, E | CommandCodec.CommandReadError, R> => {
    const decoded = decode()
    return Result.isFailure(decoded) ? Effect.fail(decoded.failure) : execute(decoded.success)
  })
