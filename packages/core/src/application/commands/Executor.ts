/**
 * Executes commands: loads the events of an aggregate, folds them, decides, and
 * appends what was decided if the stream is still as it was read. If it is not,
 * all of it is done again.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Aggregate } from "../../domain/Aggregate.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Boundary } from "../../domain/Boundary.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import * as Ambient from "./commandContext.ts"
import { AggregateWork } from "./aggregatePlan.ts"
import { BoundaryWork } from "./boundaryPlan.ts"
import { foldRecorded } from "../events/recording.ts"
import * as execution from "./execution.ts"
import { isTraced, spanIf } from "../../internal/tracing.ts"
import { type ViewName, waitFor } from "../queries/waitFor.ts"
import {
  type CommandIdReused,
  type ConcurrencyConflict,
  EventStoreError,
  type ViewStoreError
} from "../../ports/errors.ts"
import { type CommandKey, EventStore } from "../../ports/EventStore.ts"
import { Rejected } from "../../ports/Reason.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import * as CommandCodec from "./CommandCodec.ts"
import type { InvalidCommand, TooManyParticipants, StreamWrittenTwice } from "./errors.ts"
import type { EventDecodeError } from "../events/errors.ts"
import type * as Receipt from "./Receipt.ts"
import type { RetryPolicy, StoreRetryPolicy } from "./retryPolicy.ts"
import type { WaitTimeout } from "../queries/errors.ts"

export {
  CurrentRetryPolicy,
  CurrentStoreRetryPolicy,
  defaultRetryPolicy,
  type RetryPolicy,
  type StoreRetryPolicy
} from "./retryPolicy.ts"

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
  /**
   * When to try again after a retryable `EventStoreError`;
   * {@link CurrentStoreRetryPolicy} if not given. An append whose outcome is
   * unknown is tried again only for a command with an id.
   */
  readonly retryStore?: StoreRetryPolicy
  /** {@link WaitingOptions} have it. */
  readonly waitFor?: never
}

/**
 * How to execute a command and wait until views show what it did.
 *
 * Then it can also fail with a `WaitTimeout` or a `ViewStoreError`: the command
 * has happened all the same, so do not execute it again without a command id.
 * `Projection.waitFor` goes on waiting for the `wanted` position of a
 * `WaitTimeout`.
 */
export interface WaitingOptions extends Omit<ExecuteOptions, "waitFor"> {
  /** The receipt is returned when all of these reflect it. */
  readonly waitFor: ReadonlyArray<ViewName>
  /** How long to wait at most after the append; 5 seconds if not given. */
  readonly waitTimeout?: Duration.Input
}

/** Why executing a command can fail, besides the domain's own errors. */
export type ExecuteError = ConcurrencyConflict | CommandIdReused | EventStoreError | EventDecodeError

/** Why executing a command over a boundary can fail, besides the domain's own errors. */
export type BoundaryError = ExecuteError | StreamWrittenTwice | TooManyParticipants

/** Why waiting for views can fail, after a command that has happened. */
export type WaitError = WaitTimeout | ViewStoreError

/**
 * Executes a command that the type checker has seen; it is not decoded.
 *
 * On an aggregate it fails with the error for which the aggregate rejects the
 * command, with a `ConcurrencyConflict` once the retry policy gives up, and
 * with whatever befell the store. Over a boundary it may also fail because a
 * decision wrote to one stream through two roles, or because too many streams
 * take part. When it fails with anything but a retryable `EventStoreError`,
 * nothing was recorded, unless it waits for views: see {@link WaitingOptions}.
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
export const execute: {
  <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    id: NoInfer<Id>,
    command: NoInfer<Command>,
    options: WaitingOptions
  ): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError | WaitError, EventStore | ViewStore>
  <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
    boundary: Boundary<Name, Command, States, Event, Error>,
    command: NoInfer<Command>,
    options: WaitingOptions
  ): Effect.Effect<Receipt.BoundaryReceipt<Event>, Error | BoundaryError | WaitError, EventStore | ViewStore>
  <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    id: NoInfer<Id>,
    command: NoInfer<Command>,
    options?: ExecuteOptions
  ): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError, EventStore>
  <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
    boundary: Boundary<Name, Command, States, Event, Error>,
    command: NoInfer<Command>,
    options?: ExecuteOptions
  ): Effect.Effect<Receipt.BoundaryReceipt<Event>, Error | BoundaryError, EventStore>
} = (target: AnyTarget, first: unknown, second?: unknown, third?: unknown): never =>
  (isBoundary(target)
    ? executeBoundary(target, first as Tagged, second as AnyOptions)
    : executeAggregate(target, first, second as Tagged, third as AnyOptions)) as never

/**
 * Executes a command that came from outside: decodes the id and the command
 * from JSON values, and fails with a `InvalidCommand` if one does not match.
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
export const executeUnknown: {
  <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    id: unknown,
    command: unknown,
    options: WaitingOptions
  ): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError | InvalidCommand | WaitError, EventStore | ViewStore>
  <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
    boundary: Boundary<Name, Command, States, Event, Error>,
    command: unknown,
    options: WaitingOptions
  ): Effect.Effect<
    Receipt.BoundaryReceipt<Event>,
    Error | BoundaryError | InvalidCommand | WaitError,
    EventStore | ViewStore
  >
  <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    id: unknown,
    command: unknown,
    options?: ExecuteOptions
  ): Effect.Effect<Receipt.Receipt<Event>, Error | ExecuteError | InvalidCommand, EventStore>
  <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
    boundary: Boundary<Name, Command, States, Event, Error>,
    command: unknown,
    options?: ExecuteOptions
  ): Effect.Effect<Receipt.BoundaryReceipt<Event>, Error | BoundaryError | InvalidCommand, EventStore>
} = (target: AnyTarget, ...rest: ReadonlyArray<unknown>): never =>
  Effect.suspend((): Effect.Effect<unknown, unknown, EventStore | ViewStore> => {
    if (isBoundary(target)) {
      const decoded = CommandCodec.ofBoundary(target).decode(rest[0])
      if (Result.isFailure(decoded)) return Effect.fail(decoded.failure)
      return executeBoundary(target, decoded.success, rest[1] as AnyOptions)
    }
    const codec = CommandCodec.of(target)
    const id = codec.decodeId(rest[0])
    if (Result.isFailure(id)) return Effect.fail(id.failure)
    const decoded = codec.decode(rest[1])
    if (Result.isFailure(decoded)) return Effect.fail(decoded.failure)
    return executeAggregate(target, id.success, decoded.success, rest[2] as AnyOptions)
  }) as never

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

type AnyAggregate = Aggregate<string, unknown, unknown, Tagged, Tagged, unknown>
type AnyBoundary = Boundary<string, Tagged, unknown, Tagged, unknown>
type AnyTarget = AnyAggregate | AnyBoundary

const isBoundary = (target: AnyTarget): target is AnyBoundary => "_tag" in target

type AnyOptions = ExecuteOptions | WaitingOptions | undefined

const executeAggregate = (
  aggregate: AnyAggregate,
  id: unknown,
  command: Tagged,
  options: NonNullable<AnyOptions> = {}
) => {
  const executing = Effect.contextWith((context: Context.Context<EventStore>) => {
    const streamId = streamIdOf(aggregate, id)
    if (Result.isFailure(streamId)) return Effect.fail(streamId.failure)
    const stream = streamId.success
    const ambient = Ambient.of(context)
    const key = commandKey(options.commandId, () => CommandCodec.of(aggregate).fingerprint(stream, command))
    if (Result.isFailure(key)) return execution.refused(aggregate.name, key.failure, ambient)
    const running = execution.run(new AggregateWork(aggregate, stream, command, key.success), options, ambient)
    if (!ambient.traced) return running
    return inSpan(running, command, options, { "hexfold.aggregate": aggregate.name, "hexfold.stream": stream })
  })
  return options.waitFor === undefined ? executing : reflected(executing, options)
}

const executeBoundary = (boundary: AnyBoundary, command: Tagged, options: NonNullable<AnyOptions> = {}) => {
  const executing = Effect.contextWith((context: Context.Context<EventStore>) => {
    const ambient = Ambient.of(context)
    const key = commandKey(options.commandId, () => CommandCodec.ofBoundary(boundary).fingerprint(command))
    if (Result.isFailure(key)) return execution.refused(boundary.name, key.failure, ambient)
    const running = execution.run(new BoundaryWork(boundary, command, key.success), options, ambient)
    return ambient.traced ? inSpan(running, command, options, { "hexfold.boundary": boundary.name }) : running
  })
  return options.waitFor === undefined ? executing : reflected(executing, options)
}

const reflected = <A extends { readonly position: number }, E, R>(
  executing: Effect.Effect<A, E, R>,
  { waitFor: views, waitTimeout }: WaitingOptions
): Effect.Effect<A, E | WaitError, R | ViewStore> =>
  Effect.tap(executing, ({ position }) => waitFor(views, position, waitTimeout))

const inSpan = <A, E, R>(
  running: Effect.Effect<A, E, R>,
  command: Tagged,
  { commandId }: Pick<ExecuteOptions, "commandId">,
  place: Record<string, string>
): Effect.Effect<A, E, R> =>
  spanIf(true, running, "Executor.execute", () => ({
    ...place,
    "hexfold.command": command._tag,
    ...(commandId === undefined ? {} : { "hexfold.command_id": commandId })
  }))

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

const commandKey = (
  id: string | undefined,
  fingerprint: () => Result.Result<string, Error>
): Result.Result<CommandKey | undefined, EventStoreError> =>
  id === undefined
    ? noKey
    : Result.mapBoth(fingerprint(), {
        onFailure: (cause) =>
          new EventStoreError({
            operation: "append",
            reason: new Rejected({ detail: `the command does not match its schema: ${cause.message}`, cause })
          }),
        onSuccess: (fingerprint) => ({ id, fingerprint })
      })

const noKey = Result.succeed(undefined)
