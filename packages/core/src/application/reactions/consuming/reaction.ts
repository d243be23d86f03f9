/** What reacts to events, as the engine sees it. */
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { Tagged } from "../../../domain/tagged.ts"
import type { Consumer } from "../../../domain/view/consumer.ts"
import type { Envelope, OnPoison } from "../../../domain/view/definition.ts"
import type { RecordedEvent } from "../../../ports/EventStore.ts"

/** A consumer with what it does for each event that it handles. */
export interface Reaction {
  readonly consumer: Consumer
  /** The name of the aggregate whose events are orders of operators. They are handled also while their key is parked. */
  readonly orders?: string
  /** What happens to an event whose handler has failed for the last time. */
  readonly onPoison: OnPoison
  /** Whether it also reacts to events that an import has moved here. */
  readonly reactsToImported: boolean
  /** When a handler that has failed is run again, if not as the settings say. It is given the error. */
  readonly retry: Schedule.Schedule<unknown, unknown> | undefined
  readonly handle: (
    event: Tagged,
    envelope: Envelope<string, unknown>,
    recorded: RecordedEvent
  ) => Effect.Effect<unknown, unknown>
}
