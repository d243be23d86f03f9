/** Exact sums of the numbers in JSON, so that the order of the records does not matter. */

/** The number `digits / 10 ** scale`. */
interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

const parsed = (text: string): Decimal => {
  const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text)!
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(`${sign}${whole}${fraction}`)
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale }
}

const raised = ({ digits, scale }: Decimal, to: number): bigint => digits * 10n ** BigInt(to - scale)

const textOf = ({ digits, scale }: Decimal): string => {
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0")
  const fraction = scale === 0 ? "" : text.slice(-scale).replace(/0+$/, "")
  const whole = scale === 0 ? text : text.slice(0, -scale)
  return `${digits < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`
}

/**
 * The exact sum of numbers as a decimal text without zeros at its end; `NaN`,
 * `Infinity` or `-Infinity` as for numbers.
 *
 * @example
 * ```ts
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * QueryEvaluation.sumOf([0.1, 0.2]) // "0.3"
 * ```
 */
export const sumOf = (numbers: Iterable<number>): string => {
  let infinite: number | undefined
  let sum: Decimal = { digits: 0n, scale: 0 }
  for (const number of numbers) {
    if (!Number.isFinite(number)) {
      infinite = infinite === undefined ? number : infinite + number
      continue
    }
    const next = parsed(String(number))
    const scale = Math.max(sum.scale, next.scale)
    sum = { digits: raised(sum, scale) + raised(next, scale), scale }
  }
  return infinite === undefined ? textOf(sum) : String(infinite)
}

/**
 * A sum as {@link sumOf} writes it, from a decimal text with any zeros at its end.
 *
 * @example
 * ```ts
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * QueryEvaluation.decimalOf("1.50") // "1.5"
 * ```
 */
export const decimalOf = (text: string): string => (/\d/.test(text) ? textOf(parsed(text)) : text)

/**
 * The average of `count` numbers with this sum, as the text of the nearest number.
 *
 * @example
 * ```ts
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * QueryEvaluation.averageOf("10", 4) // "2.5"
 * ```
 */
export const averageOf = (sum: string, count: number): string => {
  if (!/\d/.test(sum)) return sum
  const { digits, scale } = parsed(sum)
  // The quotient has more digits than a number can tell apart, also of a sum that is small.
  const more = 40 + String(count).length
  return String(Number(textOf({ digits: (digits * 10n ** BigInt(more)) / BigInt(count), scale: scale + more })))
}
