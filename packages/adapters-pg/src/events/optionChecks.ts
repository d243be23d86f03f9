import { EventStoreError, Reason } from "@hexfold/core"
import { Duration, Effect } from "effect"

/** Refuses a number that is not whole and above 0. */
export const checkNumbers = (options: Readonly<Record<string, number>>): Effect.Effect<void, EventStoreError> => {
  const wrong = Object.entries(options).find(([, value]) => !(Number.isSafeInteger(value) && value > 0))
  return wrong === undefined
    ? Effect.void
    : refuse("open", `${wrong[0]} must be a whole number above 0, not ${wrong[1]}`)
}

/** Refuses a duration that is not above 0. */
export const checkDurations = (
  operation: EventStoreError["operation"],
  options: Readonly<Record<string, Duration.Duration>>
): Effect.Effect<void, EventStoreError> => {
  const wrong = Object.entries(options).find(([, value]) => !Duration.isPositive(value))
  return wrong === undefined
    ? Effect.void
    : refuse(operation, `${wrong[0]} must be above 0, not ${Duration.format(wrong[1])}`)
}

/** The longest limit that the server knows, in milliseconds. */
const longest = 2 ** 31 - 1

/** Refuses a limit in time that is below a millisecond, or longer than the server can wait. */
export const checkLimits = (
  operation: EventStoreError["operation"],
  options: Readonly<Record<string, Duration.Duration>>
): Effect.Effect<void, EventStoreError> => {
  const wrong = Object.entries(options).find(([, value]) => {
    const millis = Duration.toMillis(value)
    return !(millis >= 1 && millis <= longest)
  })
  return wrong === undefined
    ? Effect.void
    : refuse(operation, `${wrong[0]} must be from 1 ms to ${longest} ms, not ${Duration.format(wrong[1])}`)
}

const refuse = (operation: EventStoreError["operation"], detail: string) =>
  Effect.fail(new EventStoreError({ operation, reason: new Reason.Rejected({ detail }) }))
