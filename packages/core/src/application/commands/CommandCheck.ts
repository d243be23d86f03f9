/**
 * The checks of a command that need no store. A program that takes a command now and executes it later makes them first: a
 * command that they refuse would never happen. `Executor.execute` makes the same checks again.
 */
import * as Result from "effect/Result"
import type { Aggregate } from "../../domain/Aggregate.ts"
import type { Boundary } from "../../domain/Boundary.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { CommandKey } from "../../ports/EventStore.ts"
import { aggregatePlan } from "./engine/aggregatePlan.ts"
import { boundaryPlan } from "./engine/boundaryPlan.ts"
import * as CommandCodec from "./CommandCodec.ts"
import type { InvalidCommand } from "./errors.ts"
import { streamIdOf } from "./engine/storable.ts"
import type { BoundaryError, ExecuteOptions } from "./options.ts"

/**
 * Checks a command on an aggregate: the id, the command, and the command id.
 *
 * @example
 * ```ts
 * import { Aggregate } from "@hexfold/core"
 * import { CommandCheck } from "@hexfold/core/adapter"
 *
 * interface Increment { readonly _tag: "Increment"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, never, never>
 *
 * const commandId = "x".repeat(2_000)
 * CommandCheck.aggregate(Counter, "visits", { _tag: "Increment", by: 1 }, { commandId }) // Result.fail(InvalidCommand { part: "commandId" })
 * ```
 */
export const aggregate = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  id: NoInfer<Id>,
  command: NoInfer<Command>,
  { commandId }: Pick<ExecuteOptions, "commandId"> = {}
): Result.Result<void, InvalidCommand> =>
  Result.flatMap(streamIdOf(aggregate, "id", id), (streamId) => {
    const key = keyOf(commandId, () => CommandCodec.of(aggregate).fingerprint(streamId, command))
    return Result.flatMap(key, (key) => toResult(aggregatePlan(aggregate, streamId, command, key, {}).invalid()))
  })

/**
 * Checks a command over a boundary: the command, the command id, and the streams of the participants that the command
 * itself names. Those that follow from states are not known yet.
 *
 * @example
 * ```ts
 * import { Boundary } from "@hexfold/core"
 * import { CommandCheck } from "@hexfold/core/adapter"
 *
 * interface Swap { readonly _tag: "Swap"; readonly a: string; readonly b: string }
 * declare const SwapCounters: Boundary.Boundary<"Swap", Swap, { a: number; b: number }, never, never>
 *
 * CommandCheck.boundary(SwapCounters, { _tag: "Swap", a: "", b: "clicks" }) // Result.fail(InvalidCommand { part: "command" })
 * ```
 */
export const boundary = <Name extends string, Command extends Tagged, States, Event extends Tagged, Error>(
  boundary: Boundary<Name, Command, States, Event, Error>,
  command: NoInfer<Command>,
  { commandId }: Pick<ExecuteOptions, "commandId"> = {}
): Result.Result<void, BoundaryError> => {
  const key = keyOf(commandId, () => CommandCodec.ofBoundary(boundary).fingerprint(command))
  return Result.flatMap(key, (key): Result.Result<void, BoundaryError> => {
    const plan = boundaryPlan(boundary, command, key, {})
    // Only a decision fails with an error of the domain, and nothing is decided here.
    const begun = plan.begin() as Result.Result<unknown, BoundaryError>
    return Result.isFailure(begun) ? Result.fail(begun.failure) : toResult(plan.invalid())
  })
}

const keyOf = (
  id: string | undefined,
  fingerprint: () => Result.Result<string, InvalidCommand>
): Result.Result<CommandKey | undefined, InvalidCommand> =>
  id === undefined ? Result.succeed(undefined) : Result.map(fingerprint(), (fingerprint) => ({ id, fingerprint }))

const toResult = <Invalid>(invalid: Invalid | undefined): Result.Result<void, Invalid> =>
  invalid === undefined ? Result.void : Result.fail(invalid)
