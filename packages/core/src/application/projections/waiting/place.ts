import type { Consumer } from "../../../domain/view/consumer.ts"
import type { DeadLetterCounts } from "../../../ports/deadLetter.ts"
import type { Horizon } from "../../../ports/EventStore.ts"
import type { Status as Generation } from "../../../ports/generation.ts"

/** A consumer, and what is known of it when what waits is looked for. */
export interface Place {
  readonly view: Consumer
  readonly known: Generation
  /** The time of the first timer that should have fired and has not. */
  readonly due: number | undefined
  readonly counts: DeadLetterCounts
  /** The position up to which the events are handled. */
  readonly applied: number
  readonly log: Horizon
  /** The present time in milliseconds. */
  readonly now: number
}
