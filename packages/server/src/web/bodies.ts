/** The bodies of requests, up to a size. */
import { type Headers, HttpIncomingMessage, type HttpServerError, type HttpServerRequest } from "effect/http"
import { ByteSize, Effect } from "effect"
import { InvalidRequest } from "../errors.ts"

/** The most bytes of a body, unless the program says otherwise: 1 MiB. */
export const defaultMaxBytes = 1 << 20

/** The JSON of a body. Only `application/json` is taken: a page of another site cannot send it without being asked. */
export const jsonBody = (
  request: HttpServerRequest.HttpServerRequest,
  maxBytes: number
): Effect.Effect<unknown, InvalidRequest | TooLarge> =>
  isJson(request.headers["content-type"])
    ? Effect.flatMap(textBody(request, maxBytes), parsed)
    : Effect.fail(new InvalidRequest({ part: "content-type", detail: "it must be application/json" }))

const isJson = (type: string | undefined): boolean => type?.split(";")[0]!.trim().toLowerCase() === "application/json"

const parsed = (text: string): Effect.Effect<unknown, InvalidRequest> => {
  try {
    return Effect.succeed(text === "" ? {} : JSON.parse(text))
  } catch {
    return Effect.fail(new InvalidRequest({ part: "body", detail: "it is not JSON" }))
  }
}

/** The text of a body. */
export const textBody = (
  request: HttpServerRequest.HttpServerRequest,
  maxBytes: number
): Effect.Effect<string, InvalidRequest | TooLarge> => {
  const length = isOfServer(request) ? lengthIn(request.headers) : undefined
  // Without this check a body of this size would be read to its limit.
  if (length !== undefined && length > maxBytes) return Effect.fail(new TooLarge(maxBytes))
  // A server reads as many bytes as were announced. Others must be counted, which takes 2 µs.
  const text = length === undefined ? counted(request.text, maxBytes) : request.text
  return text.pipe(Effect.catch((error) => unread(error, maxBytes)))
}

// The headers of a request that a program has made may say anything of its body.
const isOfServer = ({ source }: HttpServerRequest.HttpServerRequest): boolean => !(source instanceof Request)

const lengthIn = (headers: Headers.Headers): number | undefined => {
  const given = headers["content-length"]
  return given !== undefined && /^\d+$/.test(given) ? Number(given) : undefined
}

const counted = <A, E, R>(body: Effect.Effect<A, E, R>, maxBytes: number): Effect.Effect<A, E, R> =>
  Effect.provideService(body, HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(maxBytes))

// A client that goes away in the middle of a body hears no answer. What else fails is for the log.
const unread = (
  error: HttpServerError.HttpServerError,
  maxBytes: number
): Effect.Effect<never, InvalidRequest | TooLarge> =>
  error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge"
    ? Effect.fail(new TooLarge(maxBytes))
    : Effect.andThen(
        Effect.logDebug("hexfold: a body could not be read", error),
        Effect.fail(new InvalidRequest({ part: "body", detail: "it could not be read to its end" }))
      )

/** A body is larger than the front takes. */
export class TooLarge {
  readonly _tag = "TooLarge"
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }
}
