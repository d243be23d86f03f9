/**
 * Signatures of webhooks by the specification Standard Webhooks: HMAC-SHA256 over the id,
 * the time and the body. The sender signs with each of its secrets. The receiver takes a
 * request that is signed with one of its own. So a secret is changed without a request
 * that is refused.
 */
import type { PublicationCatalogue } from "@hexfold/core"
import { Clock, DateTime, Duration, Effect, Redacted, Schema } from "effect"
import { Mac } from "effect/crypto"
import { Base64 } from "effect/encoding"
import * as CloudEvent from "../messages/CloudEvent.ts"

/** Secrets or an address that cannot be used. The error repeats neither. */
export class InvalidWebhook extends Schema.TaggedError<InvalidWebhook>()("InvalidWebhook", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** A request is not one of the sender, or is too old. Answer it with 401 and do nothing else. */
export class InvalidSignature extends Schema.TaggedError<InvalidSignature>()("InvalidSignature", {
  /**
   * `headers`: a header is missing or malformed. `time`: the request was signed too long ago, or in the future.
   * `signature`: it was signed with none of the secrets, or something was changed after it.
   */
  reason: Schema.Literals(["headers", "time", "signature"])
}) {
  override get message(): string {
    return whys[this.reason]
  }
}

const whys = {
  headers: "a header of the signature is missing or malformed",
  time: "the request was signed too long ago, or in the future",
  signature: "the signature does not match"
}

/** The secrets that sender and receiver share, and how they are used. */
export interface Options {
  /** Each is `whsec_` and 24 to 64 bytes in base64. Give the new one and the old one while a secret is changed. */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  /** How far the time of a signature may be from the present time, in both directions. 5 minutes by default. */
  readonly tolerance?: Duration.Input
}

/** The headers of a signature. */
export interface SignatureHeaders {
  readonly "webhook-id": string
  /** The time of the signature in seconds since 1970. */
  readonly "webhook-timestamp": string
  readonly "webhook-signature": string
}

/** A request as it came. */
export interface Request {
  /** The headers by their names in lower case, as Node and Effect have them. */
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  /** The body exactly as it came. JSON that was parsed and written again has another signature. */
  readonly body: string | Uint8Array
}

/** What a signature says. */
export interface Signed {
  /** The id of the message. It is the same each time that the message is sent. */
  readonly id: string
  /** When this request was signed. */
  readonly at: DateTime.Utc
}

/** Signs and verifies with some secrets. */
export interface Webhook {
  /** Signs a body now, with every secret. An id with a `.` could be taken for another id and time. */
  readonly sign: (id: string, body: string | Uint8Array) => Effect.Effect<SignatureHeaders>
  /** Verifies a request. It takes the same time wherever a signature differs. */
  readonly verify: (request: Request) => Effect.Effect<Signed, InvalidSignature>
}

/**
 * Makes what signs and verifies.
 *
 * @example
 * ```ts
 * import { CloudEvent, Webhook } from "@hexfold/publishers/http"
 * import { Config, Effect } from "effect"
 *
 * const receive = (request: Webhook.Request & { readonly body: string }) =>
 *   Effect.gen(function*() {
 *     const secret = yield* Config.Redacted("ORDERS_SECRET")
 *     const webhook = yield* Webhook.make({ secrets: [secret] })
 *     yield* webhook.verify(request)
 *     return yield* CloudEvent.decode(request.body)
 *   })
 * ```
 */
export const make = ({ secrets, tolerance = "5 minutes" }: Options): Effect.Effect<Webhook, InvalidWebhook> =>
  Effect.gen(function* () {
    if (secrets.length === 0) return yield* new InvalidWebhook({ detail: "there is no secret" })
    const keys = yield* Effect.forEach(secrets, keyOf)
    const most = Duration.toMillis(tolerance)

    const tagsOf = (
      id: string,
      seconds: string,
      body: string | Uint8Array
    ): Effect.Effect<ReadonlyArray<Uint8Array>> => {
      const content = joined(
        encoder.encode(`${id}.${seconds}.`),
        typeof body === "string" ? encoder.encode(body) : body
      )
      return Effect.promise(() =>
        Promise.all(keys.map(async (key) => new Uint8Array(await crypto.subtle.sign("HMAC", key, content))))
      )
    }

    return {
      sign: (id, body) =>
        Effect.gen(function* () {
          const seconds = String(Math.floor((yield* Clock.currentTimeMillis) / 1_000))
          const tags = yield* tagsOf(id, seconds, body)
          return {
            "webhook-id": id,
            "webhook-timestamp": seconds,
            "webhook-signature": tags.map((tag) => `v1,${Base64.encode(tag)}`).join(" ")
          }
        }),

      verify: ({ body, headers }) =>
        Effect.gen(function* () {
          const id = headers["webhook-id"]
          const seconds = headers["webhook-timestamp"]
          const signatures = headers["webhook-signature"]
          if (typeof id !== "string" || typeof seconds !== "string" || typeof signatures !== "string") {
            return yield* new InvalidSignature({ reason: "headers" })
          }
          if (id === "" || id.includes(".") || !/^\d{1,11}$/.test(seconds)) {
            return yield* new InvalidSignature({ reason: "headers" })
          }
          const at = Number(seconds) * 1_000
          if (Math.abs((yield* Clock.currentTimeMillis) - at) > most) {
            return yield* new InvalidSignature({ reason: "time" })
          }
          const tags = yield* tagsOf(id, seconds, body)
          const given = signatures.split(" ").filter((each) => each.startsWith("v1,"))
          // Every tag is compared with every signature, so the time does not tell which one matches.
          const matches = given.map((each) => {
            const bytes = Base64.decode(each.slice(3))
            return tags.map((tag) => bytes._tag === "Success" && Mac.timingSafeEqual(tag, bytes.success))
          })
          if (!matches.flat().includes(true)) return yield* new InvalidSignature({ reason: "signature" })
          return { id, at: DateTime.makeUnsafe(at) }
        })
    }
  })

/**
 * How messages travel as webhooks, for an AsyncAPI document: see `PublicationCatalogue.asyncApi`. The channels have no
 * address, because each receiver has its own.
 *
 * @example
 * ```ts
 * import { PublicationCatalogue } from "@hexfold/core"
 * import { Webhook } from "@hexfold/publishers/http"
 *
 * declare const OrdersV1: PublicationCatalogue.Published
 *
 * const document = PublicationCatalogue.asyncApi([OrdersV1], { title: "Shop", version: "1.4.0" }, Webhook.transport)
 * ```
 */
export const transport: PublicationCatalogue.Transport = {
  protocol: "https",
  channel: () => ({
    address: null,
    description:
      "The receiver's own address. Messages of one key come in order and at least once; a message that comes again has the same id and source."
  }),
  operation: { bindings: { http: { method: "POST", bindingVersion: "0.3.0" } } },
  message: (described) => {
    const attributes = CloudEvent.schemasOf(described)
    return {
      contentType: "application/cloudevents+json",
      correlationId: { location: "$message.payload#/correlationid" },
      headers: {
        type: "object",
        description: "The signature of Standard Webhooks.",
        properties: {
          "webhook-id": { type: "string", description: "The id of the message." },
          "webhook-timestamp": { type: "string", pattern: "^[0-9]{1,11}$" },
          "webhook-signature": { type: "string", pattern: "^v1,\\S+( v1,\\S+)*$" }
        },
        required: ["webhook-id", "webhook-timestamp", "webhook-signature"]
      },
      payload: {
        type: "object",
        description: "A CloudEvent in the structured mode.",
        properties: { ...attributes, data: described.body },
        required: [...Object.keys(attributes), "data"]
      }
    }
  }
}

const prefix = "whsec_"
const encoder = new TextEncoder()

const keyOf = (secret: Redacted.Redacted, index: number) =>
  Effect.gen(function* () {
    const text = Redacted.value(secret)
    const bytes = Base64.decode(text.slice(prefix.length))
    if (
      !text.startsWith(prefix) ||
      bytes._tag === "Failure" ||
      bytes.success.length < 24 ||
      bytes.success.length > 64
    ) {
      return yield* new InvalidWebhook({
        detail: `the secret with the index ${index} is not "${prefix}" and 24 to 64 bytes in base64`
      })
    }
    return yield* Effect.promise(() =>
      crypto.subtle.importKey("raw", joined(bytes.success), { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
    )
  })

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
