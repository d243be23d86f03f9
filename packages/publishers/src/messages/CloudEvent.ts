/**
 * Messages as CloudEvents 1.0. A CloudEvent has the attributes of the specification, of
 * its extensions for partitions and correlation, and two of its own: `publication` and
 * `schemaversion`.
 */
import type { PublicationCatalogue, Publisher } from "@hexfold/core"
import { DateTime, Effect, Option, Schema } from "effect"

/** What was received is not a message of a publication, as CloudEvent. The error does not repeat what was received. */
export class InvalidCloudEvent extends Schema.TaggedError<InvalidCloudEvent>()("InvalidCloudEvent", {
  detail: Schema.String
}) {
  override get message(): string {
    return `not a message of a publication: ${this.detail}`
  }
}

/** The media type of a CloudEvent that is one text of JSON. */
export const contentType = "application/cloudevents+json; charset=utf-8"

/** The attributes of a CloudEvent by name. */
export interface Attributes {
  readonly [name: string]: string | number
}

/**
 * The attributes of a message.
 *
 * @example
 * ```ts
 * import type { PublicationCatalogue, Publisher } from "@hexfold/core"
 * import { CloudEvent } from "@hexfold/publishers/http"
 *
 * declare const message: Publisher.Message
 *
 * CloudEvent.attributesOf(message)["type"] // "orders.v1.OrderPlaced"
 * ```
 */
export const attributesOf = (message: Publisher.Message): Attributes => ({
  specversion: "1.0",
  id: message.id,
  source: message.source,
  type: `${message.publication}.${message.type}`,
  time: DateTime.formatIso(message.time),
  datacontenttype: "application/json",
  publication: message.publication,
  partitionkey: message.key,
  schemaversion: message.schemaVersion,
  correlationid: message.correlationId,
  causationid: message.causationId
})

/**
 * The JSON Schemas of the attributes of a public event's messages, for an AsyncAPI document.
 *
 * @example
 * ```ts
 * import type { PublicationCatalogue } from "@hexfold/core"
 * import { CloudEvent } from "@hexfold/publishers/http"
 *
 * declare const described: PublicationCatalogue.Described
 *
 * CloudEvent.schemasOf(described)["type"] // { type: "string", const: "orders.v1.OrderPlaced" }
 * ```
 */
export const schemasOf = ({
  publication,
  source,
  type,
  version
}: Omit<PublicationCatalogue.Described, "body">): Readonly<Record<string, Schema.JsonObject>> => ({
  specversion: only("1.0"),
  id: {
    ...text,
    minLength: 1,
    maxLength: 200,
    description: "With the source it names the message: it may come again."
  },
  source: only(source),
  type: only(`${publication}.${type}`),
  time: { ...text, format: "date-time" },
  datacontenttype: only("application/json"),
  publication: only(publication),
  partitionkey: { ...text, minLength: 1, description: "Messages of the publication with the same key come in order." },
  schemaversion: { type: "integer", const: version },
  correlationid: { ...text, minLength: 1 },
  causationid: { ...text, minLength: 1 }
})

const text = { type: "string" } as const
const only = (value: string): Schema.JsonObject => ({ ...text, const: value })

/**
 * A message as one text of JSON: its attributes, and its body as `data`.
 *
 * @example
 * ```ts
 * import type { PublicationCatalogue, Publisher } from "@hexfold/core"
 * import { CloudEvent } from "@hexfold/publishers/http"
 *
 * declare const message: Publisher.Message
 *
 * const json = CloudEvent.encode(message)
 * ```
 */
export const encode = (message: Publisher.Message): string =>
  JSON.stringify({ ...attributesOf(message), data: message.body })

/**
 * The message that a text of JSON has. Verify who has sent it before: see `Webhook.verify`.
 *
 * @example
 * ```ts
 * import { CloudEvent } from "@hexfold/publishers/http"
 *
 * declare const body: string
 *
 * const message = CloudEvent.decode(body)
 * ```
 */
export const decode = (text: string): Effect.Effect<Publisher.Message, InvalidCloudEvent> =>
  Effect.flatMap(parse(text), (event) =>
    typeof event === "object" && event !== null && !Array.isArray(event)
      ? fromAttributes(event as { readonly [name: string]: unknown }, (event as { readonly data?: Schema.Json }).data)
      : invalid("it is not an object")
  )

/**
 * The message with these attributes and this body.
 *
 * @example
 * ```ts
 * import { CloudEvent } from "@hexfold/publishers/nats"
 *
 * declare const attributes: CloudEvent.Attributes
 *
 * const message = CloudEvent.fromAttributes(attributes, { order: "1" })
 * ```
 */
export const fromAttributes = (
  attributes: { readonly [name: string]: unknown },
  body: Schema.Json | undefined
): Effect.Effect<Publisher.Message, InvalidCloudEvent> => {
  for (const name of texts) {
    const value = attributes[name]
    if (typeof value !== "string" || value === "") return invalid(`the attribute ${name} is not a text, or is empty`)
  }
  const { causationid, correlationid, id, partitionkey, publication, schemaversion, source, specversion, time, type } =
    attributes as { readonly [name in (typeof texts)[number]]: string } & { readonly schemaversion: unknown }
  if (specversion !== "1.0") return invalid("the attribute specversion is not 1.0")
  const version = typeof schemaversion === "string" ? Number(schemaversion) : schemaversion
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1) {
    return invalid("the attribute schemaversion is not a whole number from 1 on")
  }
  const at = rfc3339.test(time) ? DateTime.make(time) : Option.none()
  if (Option.isNone(at)) return invalid("the attribute time is not a time")
  if (!type.startsWith(`${publication}.`)) return invalid("the attribute type does not begin with the publication")
  if (body === undefined) return invalid("it has no data")
  return Effect.succeed({
    id,
    source,
    publication,
    type: type.slice(publication.length + 1),
    key: partitionkey,
    time: DateTime.toUtc(at.value),
    schemaVersion: version,
    correlationId: correlationid,
    causationId: causationid,
    body
  })
}

const texts = [
  "specversion",
  "id",
  "source",
  "type",
  "time",
  "publication",
  "partitionkey",
  "correlationid",
  "causationid"
] as const

/**
 * The id under which a receiver executes the command of a message: the same each time that the message comes, and another
 * one for every other message. A command id has at most 1,000 characters, so source and id may not be longer together.
 *
 * @example
 * ```ts
 * import { Executor, type Aggregate, type Publisher } from "@hexfold/core"
 * import { CloudEvent } from "@hexfold/publishers/nats"
 *
 * interface Charge { readonly _tag: "Charge"; readonly order: string }
 * declare const Bill: Aggregate.Aggregate<"Bill", string, number, Charge, never, never>
 * declare const message: Publisher.Message
 *
 * const charged = Executor.execute(Bill, message.key, { _tag: "Charge", order: message.key }, {
 *   commandId: CloudEvent.commandIdOf(message)
 * })
 * ```
 */
export const commandIdOf = ({ id, source }: Pick<Publisher.Message, "id" | "source">): string =>
  // Of others a source or an id may have a space: where one ends must show.
  `message:${[source, id].map((each) => each.replace(/[% ]/g, encodeURIComponent)).join(" ")}`

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i

// The text of an error of `JSON.parse` repeats what was received, so the cause is left out.
const parse = (text: string): Effect.Effect<unknown, InvalidCloudEvent> =>
  Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: () => new InvalidCloudEvent({ detail: "it is not JSON" })
  })

const invalid = (detail: string) => Effect.fail(new InvalidCloudEvent({ detail }))
