/** The most characters (code points) of an id: of a stream's id after the aggregate's name, of a command, an event's type, a record's key. */
export const maxIdLength = 1_000

/** Why a text, from `start` on, cannot be an id. */
export const idProblem = (what: string, text: string, start = 0): string | undefined => {
  if (typeof text !== "string") return `${what}: is not a text`
  const length = text.length - start
  if (length === 0 && start === 0) return `${what}: is empty`
  if (length > maxIdLength && (length > 2 * maxIdLength || [...text.slice(start)].length > maxIdLength)) {
    return `${what} ${quote(text.slice(0, 60))}…: is longer than ${maxIdLength} characters`
  }
  const problem = textProblem(text)
  return problem === undefined ? undefined : `${what} ${quote(text)}: ${problem}`
}

/** Why a store cannot keep a text. The compiler does not see every text that comes from outside. */
export const textProblem = (text: string): string | undefined =>
  typeof text !== "string"
    ? "is not a text"
    : text.includes("\0")
      ? "contains NUL"
      : text.isWellFormed()
        ? undefined
        : "contains half a surrogate pair"

/** A text as a message shows it: quoted, and only its beginning if it is long. */
export const quote = (text: string): string =>
  typeof text !== "string"
    ? `a ${typeof text}`
    : text.length > longestQuote
      ? `${JSON.stringify(text.slice(0, longestQuote).toWellFormed())}…`
      : JSON.stringify(text)

const longestQuote = 200

/** A message that may repeat what came from outside, with a bounded length. */
export const bounded = (message: string): string =>
  message.length > longestMessage ? `${message.slice(0, longestMessage).toWellFormed()}…` : message

const longestMessage = 2_000

/** A text in the form that a store can keep, with at most `most` UTF-16 units. */
export const storable = (text: string, most: number): string =>
  text.slice(0, most).toWellFormed().replaceAll("\0", "\uFFFD")
