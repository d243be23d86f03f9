import type { Query } from "@hexfold/core"
import type { QueryEvaluation } from "@hexfold/core/adapter"

/**
 * The result of the database's `sort_key` for a value, see `migrations/views.ts`.
 * No stored text contains NUL, so a text with NUL is cut there, and `exact` is
 * false. Such a key sorts after the text that is left, and before all longer texts
 * that begin with it.
 */
export interface SortKey {
  readonly text: string
  readonly exact: boolean
}

export const textKey = (text: string): SortKey => {
  const end = text.indexOf("\0")
  return end === -1 ? { text, exact: true } : { text: text.slice(0, end), exact: false }
}

export const sortKey = (value: QueryEvaluation.SortValue): SortKey => {
  switch (typeof value) {
    case "boolean":
      return textKey(value ? "2" : "1")
    case "number":
      return textKey(value < 0 ? `3${hexOf(~bitsOf(value))}` : `4${hexOf(bitsOf(value))}`)
    case "string":
      return textKey(`5${value}`)
    default:
      return textKey(value === null ? "0" : "6")
  }
}

/** The range of the keys of one kind of values. It includes `from` and excludes `to`. */
export const rangeOf = (value: Query.Scalar): readonly [from: string, to: string] =>
  typeof value === "boolean" ? ["1", "3"] : typeof value === "number" ? ["3", "5"] : ["5", "6"]

// JSON has no -0.
const bitsOf = (value: number): bigint => new BigUint64Array(new Float64Array([value + 0]).buffer)[0]!

const hexOf = (bits: bigint): string => BigInt.asUintN(64, bits).toString(16).padStart(16, "0")
