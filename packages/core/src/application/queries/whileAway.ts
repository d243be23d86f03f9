import * as Schedule from "effect/Schedule"
import { isRetryable } from "../../internal/retryable.ts"

/** Tries again while a store is unavailable. Errors that waiting does not cure are passed on. */
export const whileAway = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.while(({ input }: { readonly input: unknown }) => isRetryable(input))
)
