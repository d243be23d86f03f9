import { Reason } from "@hexfold/core"
import type { PublisherBatch } from "@hexfold/core/adapter"
import { Duration, Effect, Result, Stream } from "effect"
import { Headers, type HttpClientError, type HttpClientResponse } from "effect/http"

/** No answer came in time. */
export class Unanswered {
  readonly detail: string
  constructor(detail: string) {
    this.detail = detail
  }
}

/** Why a message was not taken, by what came of its request; undefined if it was taken. */
export const failureOf = (
  host: string,
  answer: Result.Result<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError | Unanswered>,
  now: number,
  longestPause: Duration.Duration
): PublisherBatch.Failure | undefined => {
  if (Result.isSuccess(answer)) return ofStatus(host, answer.success, now, longestPause)
  const error = answer.failure
  if (error instanceof Unanswered) return { reason: new Reason.Timeout({ detail: error.detail }) }
  // A client of the application may fail for a status.
  if (error.response !== undefined) return ofStatus(host, error.response, now, longestPause)
  return error.reason._tag === "TransportError"
    ? // The error itself has the request with its body, its signature and its address. What it was caused by has not.
      { reason: new Reason.Unavailable({ detail: `the connection to ${host} failed`, cause: error.reason.cause }) }
    : { reason: new Reason.Rejected({ detail: "the request could not be made" }) }
}

/** Whether the receiver wants no request at all for a time, and not only later ones for this message. */
export const isPause = (
  failure: PublisherBatch.Failure
): failure is PublisherBatch.Failure & { readonly retryAfter: Duration.Duration } =>
  failure.retryAfter !== undefined && (failure.code === 429 || failure.code === 503)

const ofStatus = (
  host: string,
  { headers, status }: HttpClientResponse.HttpClientResponse,
  now: number,
  longestPause: Duration.Duration
): PublisherBatch.Failure | undefined => {
  if (status >= 200 && status < 300) return undefined
  const isLater = status === 408 || status === 425 || status === 429 || status >= 500
  if (!isLater) return { reason: new Reason.Rejected({ detail: `${host} ${refusal(status)}` }), code: status }
  const pause = Headers.parseRetryAfter(headers["retry-after"] ?? "")
  return {
    reason: new Reason.Unavailable({ detail: `${host} answered ${status}` }),
    code: status,
    // A header that is not valid says nothing.
    ...(Result.isSuccess(pause)
      ? { retryAfter: Duration.min(Headers.retryAfterDelay(pause.success, now), longestPause) }
      : undefined)
  }
}

const refusal = (status: number): string =>
  status < 400
    ? `answered ${status}, a redirect, which is not followed`
    : status === 410
      ? "answered 410: it takes no more messages"
      : `refused the message with ${status}`

/** The most bytes of an answer's body that are read, so that the connection can be used again. */
const mostBytes = 65_536

/**
 * Reads the body of an answer and forgets it. The status is the answer: a body that breaks
 * off, does not end or is too long changes nothing, and its connection is closed.
 */
export const drained = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> => {
  let bytes = 0
  return response.stream.pipe(
    Stream.takeUntil((chunk) => (bytes += chunk.length) > mostBytes),
    Stream.runDrain,
    Effect.timeoutOption("1 second"),
    Effect.exit,
    Effect.asVoid
  )
}
