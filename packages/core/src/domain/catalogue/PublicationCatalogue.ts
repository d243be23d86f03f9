/**
 * The messages of publications as a document that other teams read: one AsyncAPI description of all of them. It is made
 * of the declarations, so it never lags behind. The same declarations always make the same document, so it can be
 * committed and compared.
 */
import type * as Schema from "effect/Schema"
import type { Contract } from "../storedTypes.ts"
import { draft07, type Info as InfoOfEvents, isWritten } from "./asyncApi.ts"
import { compiled } from "./compiled.ts"
import { type Shown, shownOf } from "./shown.ts"
import { type Status, type StoredVersion, storedVersions } from "./storedVersions.ts"

export type { Contract }

/** What has a contract: a publication. */
export interface Published {
  readonly contract: Contract
}

/** What the document says about the application. */
export interface Info extends InfoOfEvents {
  /** The servers that carry the messages by a name of their own, each with its host and port: `nats.example.org:4222`. */
  readonly hosts?: Readonly<Record<string, string>>
}

/** One version of a public event, as a {@link Transport} describes its message. */
export interface Described {
  /** The publication with its version: `orders.v1`. */
  readonly publication: string
  readonly source: string
  /** The tag of the public event. */
  readonly type: string
  /** The version of its schema. */
  readonly version: number
  /** The schema of the message's body, as a reference. */
  readonly body: Schema.JsonObject
}

/** How messages travel. The publishers have one each, such as `NatsPublisher.transport`. Its schemas are of draft 07. */
export interface Transport {
  /** The protocol of the servers, as AsyncAPI names it: `nats`. */
  readonly protocol: string
  /** The members of a publication's channel, without its messages. */
  readonly channel: (publication: string) => Schema.JsonObject
  /** The members of an operation that sends, such as `bindings`. */
  readonly operation: Schema.JsonObject
  /** The members of a message that say how it travels: `contentType`, `headers`, `payload`, `correlationId`. */
  readonly message: (described: Described) => Schema.JsonObject
}

/** One version of one public event of a publication. */
export interface Entry {
  /** The publication with its version: `orders.v1`. */
  readonly publication: string
  readonly type: string
  /** The version of the schema, which messages say as `schemaVersion`. */
  readonly version: number
  /** `current`: the application publishes it. `former`: it has published it. `ahead`: a later deployment publishes it. */
  readonly status: Status
  /** The JSON Schema of the body without the tag, of draft 2020-12. What it refers to stands in its `$defs`. */
  readonly jsonSchema: Schema.JsonObject
}

/**
 * The public events of some publications one by one, each in all its versions.
 *
 * @example
 * ```ts
 * import { PublicationCatalogue } from "@hexfold/core"
 *
 * declare const OrdersV1: PublicationCatalogue.Published
 *
 * PublicationCatalogue.entries([OrdersV1]).map(({ publication, type, version }) => `${publication} ${type} ${version}`)
 * ```
 */
export const entries = (publications: ReadonlyArray<Published>): ReadonlyArray<Entry> =>
  versionsOf(publications).map(({ aggregate, schema, status, type, version }) => {
    const { definitions, schemas } = compiled([schema])
    const own = schemas[0]!.schema
    const jsonSchema = Object.keys(definitions).length > 0 ? { ...own, $defs: definitions } : own
    return { publication: aggregate, type, version, status, jsonSchema }
  })

/**
 * An AsyncAPI 3.0 document of publications. Each is a channel, and each public event in each of its versions is a message
 * of it. The operation of a publication sends the current versions; former ones may still be under way. The schemas are of
 * JSON Schema's draft 07, which AsyncAPI prescribes.
 *
 * Throws an `Error` if two publications have one name, or if a schema has a JSON Schema of its own with keywords that
 * draft 07 does not know.
 *
 * @example
 * ```ts
 * import { PublicationCatalogue } from "@hexfold/core"
 *
 * declare const OrdersV1: PublicationCatalogue.Published
 * declare const transport: PublicationCatalogue.Transport // NatsPublisher.transport, HttpPublisher.transport
 *
 * const document = PublicationCatalogue.asyncApi([OrdersV1], { title: "Shop", version: "1.4.0" }, transport)
 * ```
 */
export const asyncApi = (
  publications: ReadonlyArray<Published>,
  { description, hosts = {}, title, version }: Info,
  transport: Transport
): Schema.JsonObject => {
  const { definitions, events } = shownOf(versionsOf(publications), meanings)
  const sources = new Map(publications.map(({ contract: { name, source } }) => [name, source]))
  const servers = Object.entries(hosts)
  const channels = Map.groupBy(events, ({ aggregate }) => aggregate)
  return {
    asyncapi: "3.0.0",
    info: { title, version, ...(description === undefined ? undefined : { description }) },
    ...(servers.length === 0
      ? undefined
      : { servers: Object.fromEntries(servers.map(([name, host]) => [name, { host, protocol: transport.protocol }])) }),
    defaultContentType: "application/json",
    channels: Object.fromEntries(
      Array.from(channels, ([name, own]) => [
        name,
        {
          title: `The messages of ${name}`,
          ...transport.channel(name),
          messages: Object.fromEntries(own.map(({ key }) => [key, { $ref: `#/components/messages/${key}` }]))
        }
      ])
    ),
    operations: Object.fromEntries(
      Array.from(channels, ([name, own]) => [
        name,
        {
          action: "send",
          title: `The application publishes ${name}`,
          channel: { $ref: `#/channels/${name}` },
          ...transport.operation,
          messages: own.filter(isWritten).map(({ key }) => ({ $ref: `#/channels/${name}/messages/${key}` }))
        }
      ])
    ),
    components: {
      messages: Object.fromEntries(
        events.map((event) => [event.key, messageOf(event, sources.get(event.aggregate)!, transport)])
      ),
      schemas: draft07({
        ...Object.fromEntries(events.map(({ key, schema, type }) => [key, withTag(schema, type)])),
        ...definitions
      })
    }
  }
}

const messageOf = (
  { aggregate, description, key, status, type, version }: Shown,
  source: string,
  transport: Transport
): Schema.JsonObject => ({
  name: type,
  title: `${type}, version ${version}`,
  description,
  tags: [{ name: status }],
  ...transport.message({
    publication: aggregate,
    source,
    type,
    version,
    body: { $ref: `#/components/schemas/${key}` }
  })
})

const versionsOf = (publications: ReadonlyArray<Published>): ReadonlyArray<StoredVersion> => {
  const names = publications.map(({ contract: { name } }) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new Error(`two publications of the catalogue are called ${twice}`)
  return storedVersions(publications.map(({ contract }) => contract))
}

// The body of a message has the tag, unlike the data of a stored event.
const withTag = (schema: Schema.JsonObject, type: string): Schema.JsonObject => {
  const tag = { type: "string", const: type }
  const { properties, required, ...rest } = schema
  return schema["type"] === "object"
    ? {
        ...rest,
        properties: { _tag: tag, ...(properties as Schema.JsonObject | undefined) },
        required: ["_tag", ...((required ?? []) as ReadonlyArray<string>)]
      }
    : { allOf: [schema, { type: "object", properties: { _tag: tag }, required: ["_tag"] }] }
}

const meanings: Readonly<Record<Status, string>> = {
  current: "The application publishes it.",
  former: "The application has published it. Such messages may still be under way.",
  ahead: "A later deployment of the application will publish it.",
  retired: "The application does not publish it any more."
}
