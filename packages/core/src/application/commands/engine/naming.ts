import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CommandKey, Position } from "../../../ports/EventStore.ts"
import type { InvalidCommand } from "../errors.ts"
import type { ExecuteOptions } from "../options.ts"
import type { Executed } from "../derivedIds.ts"
import type { CommandContext } from "./commandContext.ts"

/** Executes a command under its own id, under one that is derived from the event for which it is executed, or under none. */
export const named = <Options extends ExecuteOptions, A extends Position, E, R>(
  options: Options,
  { appended, derivedIds }: CommandContext,
  what: Omit<Executed, "commandId">,
  fingerprint: () => Result.Result<string, InvalidCommand>,
  run: (options: Options, key: Result.Result<CommandKey | undefined, InvalidCommand>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const { commandId } = options
  const execute: typeof run =
    appended === undefined
      ? run
      : (...given) =>
          Effect.tap(run(...given), (receipt) =>
            Effect.sync(() => {
              if (receipt.position > 0) appended({ history: receipt.history, position: receipt.position })
            })
          )
  if (commandId === undefined && derivedIds === undefined) return execute(options, noKey)
  const content = fingerprint()
  const under = (id: string) => Result.map(content, (fingerprint) => ({ id, fingerprint }))
  const around = derivedIds?.around
  const runUnder = (options: Options, id: string) =>
    around === undefined ? execute(options, under(id)) : around({ ...what, commandId: id }, execute(options, under(id)))
  if (commandId !== undefined) return runUnder(options, commandId)
  if (Result.isFailure(content)) return execute(options, Result.fail(content.failure))
  return derivedIds!.run(content.success, (id) => runUnder({ ...options, commandId: id }, id))
}

const noKey = Result.succeed(undefined)
