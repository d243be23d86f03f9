import * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import type { CommandIdReused, ConcurrencyConflict, EventStoreError } from "../../../ports/errors.ts"
import type { CommandKey } from "../../../ports/EventStore.ts"

// By their tags: an adapter may come with another copy of this package.
export const isConflict = (error: unknown): error is ConcurrencyConflict =>
  Predicate.isTagged(error, "ConcurrencyConflict")

export const isReused = (error: unknown): error is CommandIdReused => Predicate.isTagged(error, "CommandIdReused")

export const isStoreError = (error: unknown): error is EventStoreError => Predicate.isTagged(error, "EventStoreError")

/** Whether the store has refused a request, which then never succeeds as it is. */
export const isRefused = (error: unknown): boolean => isStoreError(error) && error.reason._tag === "Rejected"

/** Whether an append was refused because its streams were read in another history of the log. */
export const isFromAnotherHistory = (error: unknown): boolean =>
  isStoreError(error) && error.reason._tag === "PositionFromAnotherHistory"

/** Whether the store has refused this use of a command's id. */
export const isKey = (key: CommandKey | undefined, { commandId, given }: CommandIdReused): boolean =>
  key !== undefined && key.id === commandId && key.fingerprint === given

/** The error of a failure that has one reason. */
export const onlyError = (cause: Cause.Cause<unknown>): unknown => {
  const [reason, ...others] = cause.reasons
  return reason !== undefined && others.length === 0 && Cause.isFailReason(reason) ? reason.error : undefined
}
