/** Decides after which positions a read may begin. All stores ask this module, so all refuse the same positions. */
import { EventStoreError, type Operation } from "./errors.ts"
import type { AllReadOptions } from "./EventStore.ts"
import type { Position } from "./horizon.ts"
import { PositionFromAnotherHistory, Rejected } from "./Reason.ts"

/** What a store knows of its log when it judges a position. */
export interface Log {
  /** The last position that was drawn. */
  readonly drawn: number
  /** The number of the present history. */
  readonly history: number
  /**
   * The last position that is valid of an earlier history: the lowest one at which this history, or a later one that
   * has ended, has ended.
   */
  readonly endOf: (history: number) => number
}

/** The place of a position, with or without its history. */
export const placeOf = (position: number | Position | undefined): number | undefined =>
  typeof position === "object" ? position.position : position

/**
 * The refusal of a read that begins after a position which the log does not have, or
 * undefined. A reader that goes on from such a position would skip what comes later.
 *
 * A position of an earlier history is refused beyond the end of that history, and one
 * of a later history always is: `PositionFromAnotherHistory`. A position of the present
 * history, and a number, is `Rejected` beyond the last position drawn, except that a
 * number may be any when reading backwards, where nothing can be skipped. The shape of
 * the position must have been checked before: see `AppendCheck.checkRange`. A read that
 * names the history in which the log must be is refused in any other.
 *
 * @example
 * ```ts
 * import { PositionCheck } from "@hexfold/core/adapter"
 *
 * const log = { drawn: 70, history: 2, endOf: () => 64 }
 * PositionCheck.check("readAll", { after: { history: 1, position: 64 } }, log) // undefined
 * PositionCheck.check("readAll", { after: { history: 1, position: 65 } }, log)
 * // EventStoreError { operation: "readAll", reason: PositionFromAnotherHistory { position: 65, endedAt: 64, … } }
 * ```
 */
export const check = (
  operation: Operation,
  { after: position, direction, history: expected }: Pick<AllReadOptions, "after" | "direction" | "history">,
  { drawn, endOf, history: current }: Log
): EventStoreError | undefined => {
  if (expected !== undefined && expected !== current) {
    const ended = expected < current ? { endedAt: endOf(expected) } : {}
    const detail = `the log is in history ${current}, not in history ${expected}`
    const reason = { detail, history: expected, position: placeOf(position) ?? 0, current, ...ended }
    return new EventStoreError({ operation, reason: new PositionFromAnotherHistory(reason) })
  }
  if (position === undefined || (typeof position === "number" && direction === "backwards")) return undefined
  if (typeof position === "object" && position.history !== current) {
    const { history, position: place } = position
    const reason = { history, position: place, current }
    if (history > current) {
      const detail = `position ${place} is of history ${history}, but the log is in history ${current}`
      return new EventStoreError({ operation, reason: new PositionFromAnotherHistory({ ...reason, detail }) })
    }
    const endedAt = endOf(history)
    if (place <= endedAt) return undefined
    const detail =
      `position ${place} is of history ${history}, which ended at position ${endedAt}; ` +
      `the log is in history ${current} now, and other events may have taken the positions after ${endedAt}`
    return new EventStoreError({ operation, reason: new PositionFromAnotherHistory({ ...reason, detail, endedAt }) })
  }
  const place = placeOf(position)!
  if (place <= drawn) return undefined
  const detail = `position ${place} is beyond the end of the log: the last position drawn is ${drawn}`
  return new EventStoreError({ operation, reason: new Rejected({ detail }) })
}
