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

/** The keys of the texts that name numbers, each with the key of its number. */
export const namedKeys: ReadonlyArray<readonly [name: string, key: string]> = ["-Infinity", "Infinity", "NaN"].map(
  (name) => [`5${name}`, sortKey(Number(name)).text]
)

/** The value that has this key. */
export const valueOfKey = (key: string): QueryEvaluation.SortValue => {
  switch (key[0]) {
    case "1":
    case "2":
      return key === "2"
    case "3":
    case "4": {
      const bits = BigInt(`0x${key.slice(1)}`)
      const number = new Float64Array(
        new BigUint64Array([key[0] === "3" ? BigInt.asUintN(64, ~bits) : bits]).buffer
      )[0]!
      // JSON has only the name of such a number.
      return Number.isFinite(number) ? number : String(number)
    }
    case "5":
      return key.slice(1)
    case "6":
      return []
    default:
      return null
  }
}
