/** The most characters (code points) of an id: of a stream's id after the aggregate's name, of a command, an event's type, a record's key. */
export const maxIdLength = 1_000

/** Why a text, from `start` on, cannot be an id. */
export const idProblem = (what: string, text: string, start = 0): string | undefined => {
  const length = text.length - start
  if (length === 0 && start === 0) return `${what}: is empty`
  if (length > maxIdLength && (length > 2 * maxIdLength || [...text.slice(start)].length > maxIdLength)) {
    return `${what} ${quote(text.slice(0, 60))}…: is longer than ${maxIdLength} characters`
  }
  const problem = textProblem(text)
  return problem === undefined ? undefined : `${what} ${quote(text)}: ${problem}`
}

/** Why a store cannot keep a text. */
export const textProblem = (text: string): string | undefined =>
  text.includes("\0") ? "contains NUL" : text.isWellFormed() ? undefined : "contains half a surrogate pair"

/** A text as a message shows it. */
export const quote = (text: string): string => JSON.stringify(text)

/** A text in the form that a store can keep, with at most `most` UTF-16 units. */
export const storable = (text: string, most: number): string =>
  text.slice(0, most).toWellFormed().replaceAll("\0", "\uFFFD")
