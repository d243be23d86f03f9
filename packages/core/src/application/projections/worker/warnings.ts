/** The warnings of events that could not be applied. They have the message of the error, and no data of the event or the record. */
import * as Effect from "effect/Effect"
import type * as View from "../../../domain/View.ts"
import type { DeadLetter } from "../../../ports/deadLetter.ts"
import { ProjectionFailed } from "../../views/errors.ts"

/** Warns of an event that was skipped or parked. One that only waits for a parked one has no error, and needs no warning of its own. */
export const warnOfDeadLetter = (
  { name, version }: View.Any,
  { error, key, parked, position, stream, streamVersion, type }: DeadLetter
): Effect.Effect<void> => {
  if (error === undefined) return Effect.void
  const event = `event ${streamVersion} of ${stream}, a "${type}" at position ${position}`
  const done = parked ? `parked the key "${key}" at` : key === "" ? "skipped" : `skipped, for the key "${key}",`
  return Effect.logWarning(`${name}, version ${version}: ${done} ${event}: ${error.step} failed: ${error.cause}`)
}

/** Warns of an event that stopped a view. Other failures are the caller's to report. */
export const warnOfStop = ({ name, version }: View.Any, error: Error): Effect.Effect<void> =>
  error instanceof ProjectionFailed
    ? Effect.logWarning(`${name}, version ${version}: the projection has stopped: ${error.message}`)
    : Effect.void
