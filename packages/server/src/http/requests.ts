/** What a request of HTTP says: its command, its headers, its parameters. */
import type { Headers } from "effect/http"
import { Effect, Result } from "effect"
import { InvalidRequest } from "../errors.ts"
import { correlationIn } from "../web/identity.ts"

/** The JSON of a command: its fields as they were sent, and its tag. */
export const commandOf = (body: unknown, tag: string): Effect.Effect<unknown, InvalidRequest> => {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return invalid("body", "it is no object")
  if ("_tag" in body && body._tag !== tag) return invalid("body", `its _tag is not ${tag}`)
  return Effect.succeed({ ...body, _tag: tag })
}

/** What the headers of a command say. */
export interface CommandHeaders {
  readonly key?: string
  readonly expectedVersion?: number
  readonly correlationId?: string
  /** For how many seconds the client wants to wait for the views. */
  readonly wait?: number
  /** Whether the client wants the state in the answer. */
  readonly wantsState: boolean
  /** Whether the client fetches the answer later. */
  readonly isAsync: boolean
}

/** The headers of a command: `Idempotency-Key`, `If-Match`, `Prefer` and `X-Correlation-Id`. */
export const commandHeaders = (headers: Headers.Headers): Effect.Effect<CommandHeaders, InvalidRequest> =>
  names.some((name) => headers[name] !== undefined) ? readHeaders(headers) : saysNothing

const names = ["idempotency-key", "if-match", "prefer", "x-correlation-id"]

const saysNothing = Effect.succeed<CommandHeaders>({ wantsState: false, isAsync: false })

const readHeaders: typeof commandHeaders = Effect.fnUntraced(function* (headers: Headers.Headers) {
  const given = headers["idempotency-key"]
  const key = given === undefined ? undefined : yield* keyOf(given)
  const match = headers["if-match"]
  const version = match === undefined ? undefined : /^"(\d{1,15})"$/.exec(match.trim())?.[1]
  if (match !== undefined && version === undefined) {
    return yield* invalid("If-Match", 'it is no version in quotes, such as "3"')
  }
  const correlationId = yield* correlationIn(headers)
  return {
    ...(key === undefined ? {} : { key }),
    ...(version === undefined ? {} : { expectedVersion: Number(version) }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...preferences(headers["prefer"])
  }
})

const preferences = (prefer: string | undefined): Pick<CommandHeaders, "wait" | "wantsState" | "isAsync"> => {
  if (prefer === undefined) return { wantsState: false, isAsync: false }
  const preferred = prefer.split(/[,;]/).map((each) => each.trim())
  const wait = preferred.map((each) => /^wait=(\d{1,6})$/.exec(each)?.[1]).find((seconds) => seconds !== undefined)
  return {
    ...(wait === undefined ? {} : { wait: Number(wait) }),
    wantsState: preferred.includes("return=representation"),
    isAsync: preferred.includes("respond-async")
  }
}

// A structured header has quotes, and many clients send none. A key that is not ASCII is a display string of RFC 9651.
const keyOf = (value: string): Effect.Effect<string, InvalidRequest> => {
  const display = /^%"(.*)"$/.exec(value.trim())?.[1]
  const key = display === undefined ? (/^"(.*)"$/.exec(value.trim())?.[1] ?? value.trim()) : percentDecoded(display)
  if (key === undefined) return invalid("Idempotency-Key", "its percent-encoding is broken")
  return key === "" ? invalid("Idempotency-Key", "it is empty") : Effect.succeed(key)
}

const percentDecoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The JSON of a query, from the parameters `where`, `orderBy`, `select`, `limit`, `after` and `total`. */
export const queryOf = (
  view: string,
  params: Readonly<Record<string, string | ReadonlyArray<string>>>,
  pathOf: (text: string) => ReadonlyArray<string>
): Effect.Effect<unknown, InvalidRequest> =>
  Effect.try({
    try: () => {
      const given = new Map(Object.entries(params).map(([name, value]) => [name, textOf(name, value)]))
      const unknown = [...given.keys()].find((name) => !known.has(name))
      if (unknown !== undefined) throw new Error(`${unknown}: there is no such parameter`)
      const list = (name: string) => {
        const text = given.get(name) ?? ""
        if (text.length > longestList) throw new Error(`${name}: it has more than ${longestList} characters`)
        return text.split(",").filter((each) => each !== "")
      }
      const limit = given.get("limit")
      const where = given.get("where")
      return {
        _tag: "Records",
        view,
        ...(where === undefined ? {} : { where: filterIn(where) }),
        orderBy: list("orderBy").map((text) =>
          text.startsWith("-")
            ? { path: pathOf(text.slice(1)), direction: "desc" }
            : { path: pathOf(text), direction: "asc" }
        ),
        ...(limit === undefined
          ? {}
          : { limit: Result.getOrThrowWith(numberIn(limit), (detail) => new Error(`limit: ${detail}`)) }),
        ...(given.has("after") ? { after: given.get("after") } : {}),
        ...(given.has("select") ? { select: list("select").map(pathOf) } : {}),
        ...(given.has("total") ? { total: choiceIn("total", given.get("total")) } : {})
      }
    },
    catch: (cause) =>
      new InvalidRequest({ part: "query", detail: cause instanceof Error ? cause.message : "it cannot be read" })
  })

/** Refuses parameters that would change nothing: a client that sends one expects another answer. */
export const checkParams = (params: object, known: ReadonlyArray<string> = []): Effect.Effect<void, InvalidRequest> => {
  const unknown = Object.keys(params).find((name) => !known.includes(name))
  return unknown === undefined ? Effect.void : invalid(unknown, "there is no such parameter")
}

/** The number that a parameter gives. */
export const numberOf = (name: string, value: string | ReadonlyArray<string>): Effect.Effect<number, InvalidRequest> =>
  Result.match(numberIn(value), { onFailure: (detail) => invalid(name, detail), onSuccess: Effect.succeed })

/** Says what is wrong with a part of a request. */
export const invalid = (part: string, detail: string): Effect.Effect<never, InvalidRequest> =>
  Effect.fail(new InvalidRequest({ part, detail }))

const textOf = (name: string, value: string | ReadonlyArray<string>): string => {
  if (typeof value !== "string") throw new Error(`${name}: ${givenTwice}`)
  return value
}

const givenTwice = "it is given more than once"

// `Number` also takes signs, spaces, powers, other bases, and nothing at all.
const numberIn = (value: string | ReadonlyArray<string>): Result.Result<number, string> => {
  if (typeof value !== "string") return Result.fail(givenTwice)
  return /^\d{1,15}$/.test(value)
    ? Result.succeed(Number(value))
    : Result.fail("it is no whole number in decimal digits")
}

const filterIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error("where: it is not JSON", { cause })
  }
}

const choiceIn = (name: string, text: string | undefined): boolean => {
  if (text !== "true" && text !== "false") throw new Error(`${name}: it can only be true or false`)
  return text === "true"
}

/** The most characters of a list of fields. To read one that is longer would take long. */
const longestList = 1_000

const known = new Set(["where", "orderBy", "select", "limit", "after", "total"])
