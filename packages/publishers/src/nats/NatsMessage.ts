/**
 * Messages as NATS has them: the binary mode of the NATS binding of CloudEvents. The body
 * is the payload, and each attribute is a header.
 */
import { createHash } from "node:crypto"
import type { MsgHdrs } from "@nats-io/transport-node"
import type { PublicationCatalogue, Publisher } from "@hexfold/core"
import { Effect, type Schema } from "effect"
import * as CloudEvent from "../messages/CloudEvent.ts"

/** The most characters of a key's part of a subject. A server closes the connection for a subject of thousands. */
const longestToken = 255

/**
 * The subject of the messages of a key: the publication, `.`, and the key as one token.
 *
 * In the token, letters and digits of ASCII, `_` and `-` stay. Every other character is
 * written as the bytes of its UTF-8, each as `%` and two hexadecimal digits: `a.b` is
 * `a%2Eb`. `decodeURIComponent` gives the key again. A token of more than 255 characters is
 * replaced by `~` and the SHA-256 of the key in hexadecimal. So two keys never have one
 * subject. A stream takes the messages of a publication with the subject `orders.v1.*`.
 *
 * @example
 * ```ts
 * import { NatsMessage } from "@hexfold/publishers/nats"
 *
 * NatsMessage.subjectOf("orders.v1", "order-1") // "orders.v1.order-1"
 * NatsMessage.subjectOf("orders.v1", "*") // "orders.v1.%2A"
 * ```
 */
export const subjectOf = (publication: string, key: string): string => {
  const token = key.replace(/[^\w-]/gu, percentEncoded)
  return `${publication}.${token.length > longestToken ? `~${createHash("sha256").update(key).digest("hex")}` : token}`
}

/**
 * The headers of a message, without that of its id for JetStream.
 *
 * @example
 * ```ts
 * import type { PublicationCatalogue, Publisher } from "@hexfold/core"
 * import { NatsMessage } from "@hexfold/publishers/nats"
 *
 * declare const message: Publisher.Message
 *
 * NatsMessage.headersOf(message)["ce-publication"] // "orders.v1"
 * ```
 */
export const headersOf = (message: Publisher.Message): { readonly [name: string]: string } =>
  Object.fromEntries(
    Object.entries(CloudEvent.attributesOf(message)).map(([name, value]) => [`${prefix}${name}`, headerOf(value)])
  )

// Space, `"`, `%`, and everything that is not visible ASCII.
const headerOf = (value: string | number): string => String(value).replace(/[^!#$&-~]/gu, percentEncoded)

/**
 * How messages travel over NATS, for an AsyncAPI document: see `PublicationCatalogue.asyncApi`.
 *
 * @example
 * ```ts
 * import { PublicationCatalogue } from "@hexfold/core"
 * import { NatsMessage } from "@hexfold/publishers/nats"
 *
 * declare const OrdersV1: PublicationCatalogue.Published
 *
 * const info = { title: "Shop", version: "1.4.0", hosts: { production: "nats.example.org:4222" } }
 * const document = PublicationCatalogue.asyncApi([OrdersV1], info, NatsMessage.transport)
 * ```
 */
export const transport: PublicationCatalogue.Transport = {
  protocol: "nats",
  channel: (publication) => ({
    address: `${publication}.{key}`,
    description:
      "A subject of a JetStream stream. Messages of one key come in order and at least once; a message that comes again has the same id and source.",
    parameters: {
      key: {
        description: `The key as one token: letters and digits of ASCII, "_" and "-" stay, every other byte of its UTF-8 is "%" and two hexadecimal digits. A token of more than ${longestToken} characters is "~" and the SHA-256 of the key.`
      }
    }
  }),
  operation: { bindings: { nats: { bindingVersion: "0.1.0" } } },
  message: (described) => {
    const attributes = Object.entries(CloudEvent.schemasOf(described))
    return {
      contentType: "application/json",
      correlationId: { location: `$message.header#/${prefix}correlationid` },
      headers: {
        type: "object",
        description: "The attributes of a CloudEvent, percent-encoded.",
        properties: {
          [messageId]: {
            type: "string",
            description: "The id, a space and the source: for JetStream's de-duplication."
          },
          ...Object.fromEntries(attributes.map(([name, schema]) => [`${prefix}${name}`, asHeader(schema)]))
        },
        required: [messageId, ...attributes.map(([name]) => `${prefix}${name}`)]
      },
      payload: described.body
    }
  }
}

const messageId = "Nats-Msg-Id"

// What an encoded value is longer than, its own length does not limit.
const asHeader = ({ const: value, maxLength: _, type: __, ...rest }: Schema.JsonObject): Schema.JsonObject => ({
  type: "string",
  ...rest,
  ...(typeof value === "string" || typeof value === "number" ? { const: headerOf(value) } : undefined)
})

/** What was received, such as a `JsMsg` of JetStream. */
export interface Received {
  readonly headers?: MsgHdrs | undefined
  readonly data: Uint8Array
}

/**
 * The message that was received, in the binary or the structured mode.
 *
 * @example
 * ```ts
 * import { NatsMessage } from "@hexfold/publishers/nats"
 * import { Effect } from "effect"
 *
 * declare const received: NatsMessage.Received & { readonly ack: () => void }
 *
 * const handled = Effect.gen(function*() {
 *   const message = yield* NatsMessage.decode(received)
 *   yield* Effect.log(message.type)
 *   received.ack()
 * })
 * ```
 */
export const decode = ({ data, headers }: Received): Effect.Effect<Publisher.Message, CloudEvent.InvalidCloudEvent> =>
  Effect.gen(function* () {
    const text = yield* attempt("the payload is not UTF-8", () => decoder.decode(data))
    const values = new Map([...(headers ?? [])].map(([name, [value = ""]]) => [name.toLowerCase(), value]))
    if (values.get("content-type")?.toLowerCase().startsWith("application/cloudevents") === true) {
      return yield* CloudEvent.decode(text)
    }
    const attributes: Record<string, string> = {}
    for (const [name, value] of values) {
      if (!name.startsWith(prefix)) continue
      attributes[name.slice(prefix.length)] = yield* attempt(`the header ${name} is not percent-encoded`, () =>
        decodeURIComponent(unquoted(value))
      )
    }
    const body = yield* attempt("the payload is not JSON", () => JSON.parse(text) as Schema.Json)
    return yield* CloudEvent.fromAttributes(attributes, body)
  })

const prefix = "ce-"
const decoder = new TextDecoder("utf-8", { fatal: true })

const percentEncoded = (character: string): string =>
  Array.from(
    new TextEncoder().encode(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
  ).join("")

// Senders of older versions of the binding quote values.
const unquoted = (value: string): string =>
  /^".*"$/.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value

// The text of an error of these functions may repeat what was received, so the cause is left out.
const attempt = <A>(detail: string, run: () => A): Effect.Effect<A, CloudEvent.InvalidCloudEvent> =>
  Effect.try({ try: run, catch: () => new CloudEvent.InvalidCloudEvent({ detail }) })
