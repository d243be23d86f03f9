import { isAggregateName } from "./StreamId.ts"

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

/** Why a text cannot be the id of a stream. */
export const streamIdProblem = (streamId: string): string | undefined => {
  if (typeof streamId !== "string") return "stream id: is not a text"
  const dash = streamId.indexOf("-")
  return dash < 0 || !isAggregateName(streamId.slice(0, dash))
    ? `stream id ${quote(streamId)}: is not an aggregate's name, "-" and an id`
    : idProblem("stream id", streamId, dash + 1)
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

/** The text of what was thrown. A function may throw any value, also one that has no text. */
export const thrownText = (cause: unknown): string => {
  try {
    return String(cause)
  } catch {
    return "an error without a text"
  }
}

/**
 * Bounds what an error class shows of its instances. Their fields have the whole
 * facts. But a message, and what `JSON.stringify` and `util.inspect` show, may be
 * written to a log, and may repeat what came from outside: they show the beginning
 * of a long text or list, of a cause only its name and message, and of a receipt
 * no event.
 */
export const shortened = (type: { readonly prototype: Error }): void => {
  const { prototype } = type
  const own = Object.getOwnPropertyDescriptor(prototype, "message")
  if (own !== undefined) {
    Object.defineProperty(prototype, "message", {
      configurable: true,
      get(this: Error) {
        return bounded(String(own.get?.call(brief(this))))
      }
    })
  }
  short.add(prototype)
  Object.defineProperty(prototype, "toJSON", {
    configurable: true,
    writable: true,
    value(this: Error) {
      const { cause } = this
      return { ...fieldsOf(this, 0), ...(cause === undefined ? undefined : { cause: shown(cause, 1) }) }
    }
  })
}

// The error with the beginnings of its texts and lists, from which its message is made.
const brief = (error: Error): Error => {
  const own = Object.entries(error).filter(([, each]) => isLong(each))
  return own.length === 0
    ? error
    : (Object.create(
        error,
        Object.fromEntries(own.map(([key, value]) => [key, { value: beginning(value), enumerable: true }]))
      ) as Error)
}

const isLong = (value: unknown): boolean =>
  typeof value === "string" ? value.length > longestText : Array.isArray(value) || isPlain(value)

const beginning = (value: unknown): unknown => {
  if (typeof value === "string") return textOf(value)
  if (isPlain(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, beginning(each)]))
  if (!Array.isArray(value)) return value
  const first = value.slice(0, mostShown).map(beginning)
  return value.length > mostShown && typeof first[0] === "string" ? [...first, more(value, mostShown)] : first
}

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

const textOf = (text: string, most = longestText): string =>
  text.length > most ? `${text.slice(0, most).toWellFormed()}…` : text

const more = (all: ReadonlyArray<unknown>, shown: number): string => `… ${all.length - shown} more`

// The prototypes of the classes whose instances are shown in a bounded form.
const short = new WeakSet<object>()

const shown = (value: unknown, depth: number): unknown => {
  if (typeof value === "string") return depth > 1 ? textOf(value, longestQuote) : textOf(value)
  if (typeof value === "bigint" || typeof value === "function" || typeof value === "symbol")
    return textOf(String(value))
  if (typeof value !== "object" || value === null) return value
  if (short.has(Object.getPrototypeOf(value) as object)) return jsonOf(value)
  if (value instanceof Error) {
    const { _tag, message, name } = value as Error & { readonly _tag?: unknown }
    const kind = typeof _tag === "string" ? { _tag: shown(_tag, depth) } : { name: shown(name, depth) }
    return { ...kind, message: shown(message, depth) }
  }
  if (depth === deepest) return "…"
  if (Array.isArray(value)) {
    const most = depth > 1 ? mostShownWithin : mostShown
    const first = value.slice(0, most).map((each) => shown(each, depth + 1))
    return value.length > most ? [...first, more(value, most)] : first
  }
  return !isPlain(value) && "toJSON" in value ? shown(jsonOf(value), depth + 1) : fieldsOf(value, depth)
}

const jsonOf = (value: object): unknown => (value as { readonly toJSON: () => unknown }).toJSON()

const fieldsOf = (value: object, depth: number): Readonly<Record<string, unknown>> => {
  const fields: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value).slice(0, mostShown)) {
    // A receipt has the events of a command, and they have data.
    const isHidden = key === "receipt" || key === "data" || key === "metadata"
    fields[textOf(key, longestQuote)] =
      isHidden && typeof each === "object" && each !== null ? "…" : shown(each, depth + 1)
  }
  return fields
}

const longestText = 1_000
const mostShown = 10
/** The most members of a list within a list. */
const mostShownWithin = 3
const deepest = 4
