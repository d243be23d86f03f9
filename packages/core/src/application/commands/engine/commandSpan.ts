import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { EventStore } from "../../../ports/EventStore.ts"
import { type CommandContext, make } from "./commandContext.ts"
import type { Measured, Outcome } from "./metrics.ts"
import type { ExecuteOptions } from "../options.ts"

/** An execution, and after it, how it ended. */
export interface Traced<A, E> {
  readonly run: () => Effect.Effect<A, E>
  readonly outcome: Outcome | undefined
  readonly streams: ReadonlyArray<{ readonly streamId: string }>
}

/**
 * Runs a command in a span of its own, and in a context that has the span. A
 * rejection by the domain does not make the span fail: it is passed on outside
 * the span.
 */
export const inSpan = <A, E>(
  { command, kind, target }: Measured,
  { commandId }: Pick<ExecuteOptions, "commandId">,
  start: (context: CommandContext) => Traced<A, E>,
  name = "Executor.execute"
): Effect.Effect<A, E, EventStore> => {
  const running = Effect.contextWith((context: Context.Context<EventStore>) => {
    const execution = start(make(context))
    return Effect.matchCauseEffect(execution.run(), {
      onSuccess: (receipt) => Effect.succeed(Effect.succeed(receipt)),
      onFailure: (cause) =>
        execution.outcome === "rejected" ? Effect.succeed(Effect.failCause(cause)) : Effect.failCause(cause)
    }).pipe(
      Effect.ensuring(
        Effect.suspend(() => {
          const streams = execution.streams.map(({ streamId }) => streamId)
          return Effect.annotateCurrentSpan({
            ...(kind === "boundary" ? { "hexfold.streams": streams } : { "hexfold.stream": streams[0] }),
            "hexfold.outcome": execution.outcome ?? "interrupted"
          })
        })
      )
    )
  })
  const attributes = {
    [`hexfold.${kind}`]: target.name,
    "hexfold.command": command._tag,
    ...(commandId === undefined ? {} : { "hexfold.command_id": commandId })
  }
  return Effect.flatten(Effect.withSpan(running, name, { attributes }))
}
