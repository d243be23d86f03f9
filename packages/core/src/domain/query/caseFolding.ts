// ASCII, Latin-1, Latin Extended-A, Greek and Coptic, Cyrillic with its supplement.
const blocks = [
  [0x0041, 0x017f],
  [0x0370, 0x052f]
] as const

// Those letters whose lower case is one letter too.
const pairs: Array<readonly [upper: string, lower: string]> = []
for (const [first, last] of blocks) {
  for (let code = first; code <= last; code++) {
    const upper = String.fromCodePoint(code)
    const lower = upper.toLowerCase()
    if (lower !== upper && lower.length === 1) pairs.push([upper, lower])
  }
}

/**
 * The letters that `ignoreCase` does not tell apart: each of `upper` is the one
 * of `lower` at the same place. Every store folds by this table, so that all
 * give the same answer whatever their language settings are.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * QueryEvaluation.caseTable.lower[QueryEvaluation.caseTable.upper.indexOf("Ä")] // "ä"
 * ```
 */
export const caseTable: { readonly upper: string; readonly lower: string } = {
  upper: pairs.map(([upper]) => upper).join(""),
  lower: pairs.map(([, lower]) => lower).join("")
}

const lowerOf = new Map(pairs)

/** The text with each letter of the table in lower case. */
export const foldCase = (text: string): string => {
  let folded = ""
  for (const character of text) folded += lowerOf.get(character) ?? character
  return folded
}
