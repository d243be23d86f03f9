import * as Predicate from "effect/Predicate"

/** Whether an error says of itself that waiting may cure it. */
export const isRetryable = (error: unknown): boolean =>
  Predicate.hasProperty(error, "isRetryable") && error.isRetryable === true
