/** Messages of other systems that come as signed webhooks, such as those of `HttpPublisher`. */
import { Executor, type Publisher } from "@hexfold/core"
import { CloudEvent, Webhook } from "@hexfold/publishers/http"
import { type Duration, Effect, type Layer, type Redacted } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { InvalidRequest } from "../errors.ts"
import { answeringBelow } from "../web/addresses.ts"
import { answeringAll, answerOf, noContent, responseOf } from "../web/problems.ts"
import { defaultMaxBytes, textBody, type TooLarge } from "../web/bodies.ts"

/** Where webhooks come, who may send them, and what is done with them. */
export interface Options<E, R> {
  readonly path: `/${string}`
  /** The secrets of the sender. Give the new one and the old one while a secret is changed. */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  /** How far the time of a signature may be from the present time. 5 minutes by default. */
  readonly tolerance?: Duration.Input
  /** The most bytes of a message. 1 MiB by default. */
  readonly maxBodyBytes?: number
  /**
   * Handles a message: mostly it executes one command, with `commandId`. So a message that comes again has no second
   * effect. What it returns is not used. A command that the domain rejects is handled too, so turn that error into a
   * success; otherwise the sender is told that the message will never be taken.
   */
  readonly handle: (message: Publisher.Message, commandId: string) => Effect.Effect<unknown, E, R>
}

/**
 * Receives webhooks: the signature is checked before the message is read.
 *
 * | answer | when |
 * |---|---|
 * | 204 | the message is handled |
 * | 400, 413 | it is no message, its signature is of another one, or it is too large: it will never be taken |
 * | 401 | the signature is not that of a sender, or too old |
 * | 422 | the handler has failed with an error of the domain: it will never be taken |
 * | 500, 503 | the handler could not do it now: the sender tries again |
 *
 * @example
 * ```ts
 * import { type Aggregate, Executor } from "@hexfold/core"
 * import { Webhooks } from "@hexfold/server/webhooks"
 * import { Effect, Redacted } from "effect"
 *
 * interface Charge { readonly _tag: "Charge"; readonly order: string }
 * interface TooLate { readonly _tag: "TooLate" }
 * declare const Bill: Aggregate.Aggregate<"Bill", string, number, Charge, never, TooLate>
 *
 * const Orders = Webhooks.layer({
 *   path: "/webhooks/orders",
 *   secrets: [Redacted.make("whsec_…")],
 *   handle: ({ key }, commandId) =>
 *     Executor.execute(Bill, key, { _tag: "Charge", order: key }, { commandId }).pipe(
 *       Effect.catchTag("TooLate", () => Effect.void)
 *     )
 * })
 * ```
 */
export const layer = <E, R>(
  options: Options<E, R>
): Layer.Layer<never, Webhook.InvalidWebhook, HttpRouter.HttpRouter | R> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const { handle, maxBodyBytes = defaultMaxBytes, path, secrets, tolerance } = options
      const { verify } = yield* Webhook.make({ secrets, ...(tolerance === undefined ? {} : { tolerance }) })
      const services = yield* Effect.context<R>()
      const received = Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const body = yield* textBody(request, maxBodyBytes)
        const signed = yield* verify({ headers: request.headers, body })
        const message = yield* CloudEvent.decode(body)
        if (message.id !== signed.id) {
          return yield* new InvalidRequest({ part: "id", detail: "it is not the id that is signed" })
        }
        yield* Effect.mapError(
          Effect.provideContext(handle(message, CloudEvent.commandIdOf(message)), services),
          (error) => new NotHandled(error)
        )
        return noContent
      })
      yield* answeringBelow(router, { roots: [path], taken: [{ method: "POST", path }] })
      yield* router.add("POST", path, received.pipe(Effect.catch(refused), answeringAll))
    })
  )

class NotHandled {
  readonly _tag = "NotHandled"
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

type Refusal = TooLarge | Webhook.InvalidSignature | CloudEvent.InvalidCloudEvent | InvalidRequest | NotHandled

const refused = (refusal: Refusal): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  switch (refusal._tag) {
    case "InvalidSignature":
      return Effect.succeed(responseOf({ status: 401, title: "InvalidSignature", detail: refusal.reason }))
    case "InvalidCloudEvent":
      return Effect.succeed(responseOf({ status: 400, title: "InvalidCloudEvent", detail: refusal.message }))
    case "TooLarge":
    case "InvalidRequest":
      return answerOf(refusal)
    case "NotHandled":
      return Executor.isTechnicalError(refusal.error)
        ? answerOf(refusal.error)
        : Effect.as(
            Effect.logWarning("hexfold: a message was rejected, and will not come again", refusal.error),
            responseOf({ status: 422, title: "Rejected" })
          )
  }
}
