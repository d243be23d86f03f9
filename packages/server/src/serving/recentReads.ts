/** Queries that were read before. To read one takes 45 µs, and clients ask the same again and again. */
import { Result } from "effect"

/** The most queries that are remembered, and the most characters of one. */
const mostKept = 500
const mostCharacters = 2_000

/** Reads what is asked, and remembers what was read. What is wrong is read again, as its error names it. */
export const remembering = <A, E>(
  read: (given: unknown) => Result.Result<A, E>
): ((given: unknown) => Result.Result<A, E>) => {
  const known = new Map<string, Result.Result<A, E>>()
  return (given) => {
    const text = textOf(given)
    if (text === undefined || text.length > mostCharacters) return read(given)
    const found = known.get(text)
    if (found !== undefined) {
      // The last one is the one that was asked last.
      known.delete(text)
      known.set(text, found)
      return found
    }
    const made = read(given)
    if (Result.isFailure(made)) return made
    known.set(text, made)
    if (known.size > mostKept) known.delete(known.keys().next().value!)
    return made
  }
}

// A query that is nested too deep has no text. The schema that reads it refuses it.
const textOf = (given: unknown): string | undefined => {
  try {
    return JSON.stringify(given)
  } catch {
    return undefined
  }
}
