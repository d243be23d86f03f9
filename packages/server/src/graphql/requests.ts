/** What a request of HTTP asks of GraphQL. */
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import type { GraphQLError } from "graphql"
import { jsonBody, type TooLarge } from "../web/bodies.ts"
import { errorWith } from "./errors.ts"
import type { Request } from "./operations.ts"
import { isGiven } from "./types/values.ts"

/** A request that cannot be read, with the status of its answer. */
export class Unreadable {
  readonly _tag = "Unreadable"
  readonly status: number
  readonly error: GraphQLError

  constructor(status: number, message: string) {
    this.status = status
    this.error = errorWith(status === 413 ? "PAYLOAD_TOO_LARGE" : "BAD_USER_INPUT", message)
  }
}

/** The operation that a request sends: in its body, or in its parameters. */
export const requestOf = (
  request: HttpServerRequest.HttpServerRequest,
  maxBytes: number
): Effect.Effect<Request, Unreadable, HttpServerRequest.ParsedSearchParams> =>
  request.method === "GET" ? inParameters : inBody(request, maxBytes)

const inBody = (request: HttpServerRequest.HttpServerRequest, maxBytes: number): Effect.Effect<Request, Unreadable> =>
  jsonBody(request, maxBytes).pipe(
    Effect.mapError((failure) =>
      failure._tag === "TooLarge"
        ? tooLarge(failure)
        : new Unreadable(failure.part === "content-type" ? 415 : 400, failure.message)
    ),
    Effect.flatMap(read)
  )

const tooLarge = ({ limit }: TooLarge) => new Unreadable(413, `a body has up to ${limit} bytes`)

const inParameters = Effect.gen(function* () {
  const given = yield* HttpServerRequest.ParsedSearchParams
  const parsed: Record<string, unknown> = {}
  for (const name of ["query", "operationName", "documentId", "variables", "extensions"]) {
    const value = given[name]
    if (value === undefined || value === "") continue
    if (typeof value !== "string") return yield* Effect.fail(new Unreadable(400, `${name} is given more than once`))
    parsed[name] = name === "variables" || name === "extensions" ? yield* json(name, value) : value
  }
  return yield* read(parsed)
})

const json = (name: string, text: string): Effect.Effect<unknown, Unreadable> =>
  Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => new Unreadable(400, `${name} is not JSON`) })

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const read = (body: unknown): Effect.Effect<Request, Unreadable> =>
  Effect.suspend(() => {
    const wrong = (message: string) => Effect.fail(new Unreadable(400, message))
    if (Array.isArray(body)) return wrong("operations are sent one by one, and not in a list")
    if (!isObject(body)) return wrong("the body is no object")
    const { documentId, extensions, operationName, query, variables } = body
    if (isGiven(query) && typeof query !== "string") return wrong("query is no text")
    if (isGiven(operationName) && typeof operationName !== "string") return wrong("operationName is no text")
    if (isGiven(variables) && !isObject(variables)) return wrong("variables are no object")
    if (isGiven(extensions) && !isObject(extensions)) return wrong("extensions are no object")
    const hash = hashIn(documentId, extensions ?? {})
    if (!isGiven(query) && hash === undefined)
      return wrong("there is no query: it is the member query of JSON that is sent by POST, or the parameter query")
    return Effect.succeed({
      ...(isGiven(query) ? { query } : {}),
      ...(hash === undefined ? {} : { hash }),
      ...(isGiven(operationName) ? { operationName } : {}),
      ...(isGiven(variables) ? { variables } : {})
    })
  })

// Two ways in which clients name a document that the server knows.
const hashIn = (documentId: unknown, extensions: Readonly<Record<string, unknown>>): string | undefined => {
  if (typeof documentId === "string") return documentId.replace(/^sha256:/, "")
  const persisted = extensions["persistedQuery"]
  const hash = isObject(persisted) ? persisted["sha256Hash"] : undefined
  return typeof hash === "string" ? hash : undefined
}
