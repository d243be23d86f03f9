import * as Predicate from "effect/Predicate"
import type { CommandIdReused, ConcurrencyConflict, EventStoreError } from "../../../ports/errors.ts"

// By their tags: an adapter may come with another copy of this package.
export const isConflict = (error: unknown): error is ConcurrencyConflict =>
  Predicate.isTagged(error, "ConcurrencyConflict")

export const isReused = (error: unknown): error is CommandIdReused => Predicate.isTagged(error, "CommandIdReused")

export const isStoreError = (error: unknown): error is EventStoreError => Predicate.isTagged(error, "EventStoreError")

/** Whether the store has refused a request, which then never succeeds as it is. */
export const isRefused = (error: unknown): boolean => isStoreError(error) && error.reason._tag === "Rejected"
