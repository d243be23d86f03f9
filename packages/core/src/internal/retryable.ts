import * as Predicate from "effect/Predicate"

/** Whether an error says that the same operation may succeed later. */
export const isRetryable = (error: unknown): boolean =>
  Predicate.hasProperty(error, "isRetryable") && error.isRetryable === true
