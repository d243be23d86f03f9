import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/** Whether a tracer is installed. Effect's default tracer makes spans that nobody sees. */
export const isTraced = (context: Context.Context<never>): boolean =>
  Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer

/**
 * Wraps an effect in a span if the program is traced, and otherwise leaves it as
 * it is: a span costs about 4 µs, as much as executing a command in memory.
 */
export const spanIf = <A, E, R>(
  traced: boolean,
  effect: Effect.Effect<A, E, R>,
  name: string,
  attributes: () => Record<string, unknown> = none
): Effect.Effect<A, E, R> => (traced ? Effect.withSpan(effect, name, { attributes: attributes() }) : effect)

const none = () => ({})
