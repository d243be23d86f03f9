/**
 * Where the ids come from that the core draws: those of events, and those in the names of
 * the owners of views. The events of a command without an id, outside a trace, have the
 * id of the first one as correlation and causation.
 */
import * as Context from "effect/Context"
import * as uuid from "../../internal/uuid.ts"

/**
 * Draws an id: a UUID that was never drawn before. `now` is the time in milliseconds.
 * By default the ids are UUIDs of version 7, which sort by time. Test kits provide others
 * that are the same in each run. An application leaves it alone, because no two
 * events of a log may have one id.
 *
 * @example
 * ```ts
 * import { Ids } from "@hexfold/core/adapter"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void>
 *
 * const inOrder = Effect.suspend(() => {
 *   let drawn = 0
 *   const next = () => `00000000-0000-7000-8000-${String(++drawn).padStart(12, "0")}`
 *   return Effect.provideService(program, Ids.Next, next)
 * })
 * ```
 */
export const Next: Context.Reference<(now: number) => string> = Context.Reference("@hexfold/core/Ids/Next", {
  defaultValue: () => uuid.make
})
