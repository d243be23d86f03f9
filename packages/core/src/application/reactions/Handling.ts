/** Handles one event as an owner of a reactor does, but without one: for test kits. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Tagged } from "../../domain/tagged.ts"
import type { Envelope } from "../../domain/view/definition.ts"
import type { EventStore, RecordedEvent } from "../../ports/EventStore.ts"
import type { Around } from "../commands/derivedIds.ts"
import { decodeCandidate } from "../views/decoding.ts"
import { inContext } from "./consuming/delivery.ts"
import type { Any, Services } from "./Reactor.ts"

export type { Around, Executed } from "../commands/derivedIds.ts"

/**
 * Runs the handler of a reactor once for a stored event, without retries: for each of the current events that it has
 * become, one after the other. Fails with the error of the handler, or with a `ProjectionFailed` for an event that does
 * not decode.
 *
 * The commands that the handler executes have the ids that they have in production. `around` is put around each.
 *
 * @example
 * ```ts
 * import { type EventStore, type Reactor } from "@hexfold/core"
 * import { Handling } from "@hexfold/core/adapter"
 * import { Effect } from "effect"
 *
 * declare const MoveUp: Reactor.Reactor<"MoveUp", { readonly _tag: "PlaceFreed" }, never, never>
 * declare const recorded: EventStore.RecordedEvent
 *
 * const ids: Array<string> = []
 * const program = Handling.once(MoveUp, recorded, ({ commandId }, execute) => {
 *   ids.push(commandId)
 *   return execute
 * })
 * ```
 */
export const once = <const A extends Any>(
  reactor: A,
  recorded: RecordedEvent,
  around: Around
): Effect.Effect<void, unknown, Services<A> | EventStore> => {
  const { decoded } = decodeCandidate(reactor, recorded)
  if (Result.isFailure(decoded)) return Effect.fail(decoded.failure)
  // A handler is only called with the events of its sources, and its services are those of the result.
  const handle = reactor.handle as (
    event: Tagged,
    envelope: Envelope<string, unknown>
  ) => Effect.Effect<unknown, unknown>
  const reaction = { consumer: reactor, handle }
  return Effect.forEach(decoded.success.parts, (part) => inContext(part, recorded, reaction, around), { discard: true })
}
