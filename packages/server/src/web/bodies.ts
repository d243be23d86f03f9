/** The bodies of requests, up to a size. */
import type { HttpServerRequest } from "effect/http"
import { HttpIncomingMessage } from "effect/http"
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
): Effect.Effect<string, TooLarge> =>
  // Without this check a body of this size would be read to its limit.
  Number(request.headers["content-length"]) > maxBytes
    ? Effect.fail(new TooLarge(maxBytes))
    : request.text.pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(maxBytes)),
        Effect.mapError(() => new TooLarge(maxBytes))
      )

/** A body is larger than the front takes, or could not be read. */
export class TooLarge {
  readonly _tag = "TooLarge"
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }
}
