/**
 * Messages as signed webhooks: each message is one POST of a CloudEvent.
 *
 * The CloudEvent is in the structured mode: one text of JSON with the attributes and the
 * body. The signature of Standard Webhooks covers the body of a request and no header of
 * CloudEvents, so in the binary mode anybody on the way could change the type, the key or
 * the time. The batched mode has one answer for many messages, which says of none whether
 * it was taken.
 */
import { Publisher, Reason } from "@hexfold/core"
import { PublisherBatch } from "@hexfold/core/adapter"
import { Clock, Duration, Effect, Layer, Option, Redacted, Schedule } from "effect"
import { FetchHttpClient, HttpBody, HttpClient, HttpClientRequest } from "effect/http"
import * as CloudEvent from "../messages/CloudEvent.ts"
import { drained, failureOf, isPause, Unanswered } from "./answers.ts"
import * as Webhook from "./Webhook.ts"

/** Where messages go, and how. */
export interface Options {
  /**
   * The address that takes the messages, with `https:`, or with `http:` where nobody can listen or change anything. No
   * error has its path, but the spans of the client have it.
   */
  readonly url: string
  /** The secrets of the signature: see {@link Webhook.Options}. With several each request has a signature for each. */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  /** More headers of each request by name, such as `authorization`. */
  readonly headers?: { readonly [name: string]: Redacted.Redacted }
  /** The most requests at the same time. 16 by default. */
  readonly concurrency?: number
  /** How long one request may take. 15 seconds by default. */
  readonly requestLimit?: Duration.Input
  /** How long a call may take, with its repeats and pauses. 30 seconds by default. */
  readonly limit?: Duration.Input
  /**
   * When a message is sent again within a call. By default twice, after about 0.2 and 0.4 seconds. A longer
   * `Retry-After` of the receiver is kept.
   */
  readonly retry?: Schedule.Schedule<unknown, PublisherBatch.Failure>
}

/** The longest time for which a receiver is left alone because it asks for it. */
const longestPause = Duration.hours(1)

/**
 * Makes a publisher to one address. An answer 2xx means that the message is taken.
 * After 408, 425, 429, 5xx, a connection that fails and a request that takes too long the
 * message may be taken later. Any other answer is a refusal, also a redirect, which is
 * not followed, and 410 Gone. A receiver that answers 429 or 503 with `Retry-After` gets
 * no request before that time, at most for an hour.
 *
 * The `RequestInit` of `FetchHttpClient` is used if it is in the context here, not if only
 * the layer of the client was given it.
 *
 * @example
 * ```ts
 * import { HttpPublisher } from "@hexfold/publishers/http"
 * import { Config, Effect } from "effect"
 *
 * const publisher = Effect.gen(function*() {
 *   const secret = yield* Config.Redacted("ORDERS_SECRET")
 *   return yield* HttpPublisher.make({ url: "https://example.org/orders", secrets: [secret] })
 * })
 * ```
 */
export const make = (
  options: Options
): Effect.Effect<Publisher.Publisher["Service"], Webhook.InvalidWebhook, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const init = Option.getOrElse(yield* Effect.serviceOption(FetchHttpClient.RequestInit), () => ({}))
    const url = yield* urlOf(options.url)
    const webhook = yield* Webhook.make({ secrets: options.secrets })
    const { concurrency = 16, headers = {}, limit = "30 seconds", requestLimit = "15 seconds" } = options
    const late = new Unanswered(
      `${url.host} did not answer within ${Duration.format(Duration.fromInputUnsafe(requestLimit))}`
    )
    // Until when the receiver wants to be left alone, in milliseconds since 1970.
    let pausedUntil = 0

    const request = (message: Publisher.Message) =>
      Effect.gen(function* () {
        const json = CloudEvent.encode(message)
        return HttpClientRequest.post(url, {
          headers: {
            ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Redacted.value(value)])),
            ...(yield* webhook.sign(message.id, json))
          },
          body: HttpBody.text(json, CloudEvent.contentType)
        })
      })

    const send = (message: Publisher.Message): Effect.Effect<void, PublisherBatch.Failure> =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        if (now < pausedUntil) return yield* Effect.fail(paused(url.host, Duration.millis(pausedUntil - now)))
        const answer = yield* Effect.flatMap(request(message), client.execute).pipe(
          Effect.timeoutOrElse({ duration: requestLimit, orElse: () => Effect.fail(late) }),
          // Outside of the limit: what has answered is not late.
          Effect.tap(drained),
          Effect.provideService(FetchHttpClient.RequestInit, { ...init, redirect: "manual" }),
          Effect.result
        )
        const failure = failureOf(url.host, answer, yield* Clock.currentTimeMillis, longestPause)
        if (failure === undefined) return
        if (isPause(failure)) {
          pausedUntil = (yield* Clock.currentTimeMillis) + Duration.toMillis(failure.retryAfter)
        }
        return yield* Effect.fail(failure)
      })

    return PublisherBatch.make({ send, concurrency, limit, retry: options.retry ?? twice })
  })

/**
 * Supplies a publisher to one address.
 *
 * @example
 * ```ts
 * import { HttpPublisher } from "@hexfold/publishers/http"
 * import { Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * declare const secret: Redacted.Redacted
 *
 * const Live = HttpPublisher.layer({ url: "https://example.org/orders", secrets: [secret] }).pipe(
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 */
export const layer = (
  options: Options
): Layer.Layer<Publisher.Publisher, Webhook.InvalidWebhook, HttpClient.HttpClient> =>
  Layer.effect(Publisher.Publisher, make(options))

const twice = Schedule.exponential("200 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 2 }))

const paused = (host: string, retryAfter: Duration.Duration): PublisherBatch.Failure => ({
  reason: new Reason.Unavailable({ detail: `${host} has asked to be left alone` }),
  retryAfter
})

// A webhook's address may be a secret, so no error repeats it.
const urlOf = (text: string): Effect.Effect<URL, Webhook.InvalidWebhook> => {
  const url = URL.parse(text)
  const problem =
    url === null
      ? "is not a URL"
      : url.protocol !== "https:" && url.protocol !== "http:"
        ? "begins neither with https: nor with http:"
        : url.username !== "" || url.password !== ""
          ? "has a user or a password: give them as a header"
          : undefined
  return url === null || problem !== undefined
    ? Effect.fail(new Webhook.InvalidWebhook({ detail: `the address of the receiver ${problem}` }))
    : Effect.succeed(url)
}
