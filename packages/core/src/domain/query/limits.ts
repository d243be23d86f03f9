import * as Duration from "effect/Duration"
import { maxDepth, maxFields, maxOperands } from "./data.ts"
import type { PathTo } from "./fields.ts"
import { maxIndexed } from "./indexes.ts"

/**
 * What a query that somebody else has sent may ask. Without any limit of one's
 * own, it may ask what an index of the view answers.
 */
export interface QueryLimits<State> {
  /**
   * The fields that may be filtered, ordered and grouped by, and the fields below
   * them: those of the view's indexes, all, or the ones that are named. `indexed`
   * by default.
   */
  readonly fields?: "indexed" | "all" | ReadonlyArray<PathTo<State, unknown>> | undefined
  /** The fields that no message names, because not everybody may see them, and the fields below them. None by default. */
  readonly unnamed?: ReadonlyArray<PathTo<State, unknown>> | undefined
  /**
   * Whether a query may look at all records of the view, because no index answers
   * it. False by default. Totals, counts and groups look at all records that the
   * filter finds, so they need it too.
   */
  readonly scan?: boolean | undefined
  /** The most records of a page. 100 by default. */
  readonly maxLimit?: number | undefined
  /** The most records of a page if the query does not say. `maxLimit`, or 20 if that is less, by default. */
  readonly defaultLimit?: number | undefined
  /** The most filters, operands, and fields of an order or a selection, in all. 100 by default. */
  readonly maxOperands?: number | undefined
  /** The most names of a path. 10 by default. */
  readonly maxNames?: number | undefined
  /** The most characters of a name. 200 by default. */
  readonly maxNameLength?: number | undefined
  /** The most characters of a text that a field is compared with. 1,000 by default. */
  readonly maxTextLength?: number | undefined
  /** How long the store may take for the query. 2 seconds by default. */
  readonly timeout?: Duration.Input | undefined
}

/** The limits with everything filled in. */
export interface Bounds {
  readonly scan: boolean
  readonly maxLimit: number
  readonly defaultLimit: number
  readonly maxOperands: number
  readonly maxNames: number
  readonly maxNameLength: number
  readonly maxTextLength: number
  readonly timeout: number
}

/** The limits for a state that is not known. */
export interface AnyLimits extends Omit<QueryLimits<never>, "fields" | "unnamed"> {
  readonly fields?: "indexed" | "all" | ReadonlyArray<string> | undefined
  readonly unnamed?: ReadonlyArray<string> | undefined
}

/** The numbers of the limits. Throws an `Error` for one that makes no sense. */
export const boundsOf = (limits: AnyLimits): Bounds => {
  const { maxLimit = 100, scan = false, timeout = "2 seconds" } = limits
  const bounds = {
    maxLimit,
    defaultLimit: limits.defaultLimit ?? Math.min(20, maxLimit),
    maxOperands: limits.maxOperands ?? 100,
    maxNames: limits.maxNames ?? 10,
    maxNameLength: limits.maxNameLength ?? 200,
    maxTextLength: limits.maxTextLength ?? 1_000,
    timeout: Math.ceil(Duration.toMillis(timeout))
  }
  for (const [name, value] of Object.entries(bounds)) {
    const most = mosts.get(name) ?? Number.MAX_SAFE_INTEGER
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new Error(`the limit ${name} must be a whole number from 1 to ${most}, but it is ${value}`)
    }
  }
  if (bounds.defaultLimit > maxLimit) {
    throw new Error(`the limit defaultLimit, ${bounds.defaultLimit}, is more than maxLimit, ${maxLimit}`)
  }
  if (!scan && maxLimit > maxIndexed) {
    throw new Error(`an index answers at most ${maxIndexed} records: a maxLimit of ${maxLimit} needs scan`)
  }
  return { ...bounds, scan }
}

const mosts = new Map([
  ["maxOperands", maxOperands],
  ["maxNames", maxFields],
  // The longest time limit of a statement that a server takes.
  ["timeout", 2_147_483_647]
])

/** How deep a filter may be nested, whatever the limits say. */
export const deepest = maxDepth

/** The most characters of a cursor. A cursor has the values of the fields that it orders by. */
export const maxCursorLength = 65_536
