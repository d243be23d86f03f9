import * as JsonSchema from "effect/JsonSchema"
import type * as Schema from "effect/Schema"
import type { Shown } from "./shown.ts"
import type { Status } from "./storedVersions.ts"

/** What an AsyncAPI document says about the application. */
export interface Info {
  /** The name of the application. */
  readonly title: string
  /** The version of the application's events, such as that of its package. */
  readonly version: string
  readonly description?: string
}

/** An AsyncAPI document: a channel for each aggregate, with its events as messages. */
export const asyncApiOf = (
  { description, title, version }: Info,
  events: ReadonlyArray<Shown>,
  definitions: Readonly<Record<string, Schema.JsonObject>>
): Schema.JsonObject => {
  const channels = Map.groupBy(events, ({ aggregate }) => aggregate)
  const written = [...channels].filter(([, own]) => own.some(isWritten))
  return {
    asyncapi: "3.0.0",
    info: { title, version, ...(description === undefined ? undefined : { description }) },
    defaultContentType: "application/json",
    channels: Object.fromEntries(Array.from(channels, ([name, own]) => [name, channelOf(name, own)])),
    operations: Object.fromEntries(
      written.map(([name, own]) => [
        name,
        {
          action: "send",
          title: `Commands record events of ${name}`,
          channel: { $ref: `#/channels/${name}` },
          messages: own.filter(isWritten).map(({ key }) => ({ $ref: `#/channels/${name}/messages/${key}` }))
        }
      ])
    ),
    components: {
      messages: Object.fromEntries(events.map((event) => [event.key, messageOf(event)])),
      schemas: draft07({ ...Object.fromEntries(events.map(({ key, schema }) => [key, schema])), ...definitions })
    }
  }
}

/** Whether the program writes a version. */
export const isWritten = ({ status }: { readonly status: Status }): boolean => status === "current"

const channelOf = (name: string, events: ReadonlyArray<Shown>): Schema.JsonObject => ({
  address: `${name}-{id}`,
  title: `The stream of one ${name}`,
  parameters: { id: { description: `The id of the ${name}, as the name of its stream has it.` } },
  messages: Object.fromEntries(events.map(({ key }) => [key, { $ref: `#/components/messages/${key}` }]))
})

const messageOf = ({ description, key, status, type, version }: Shown): Schema.JsonObject => ({
  name: type,
  title: `${type}, version ${version}`,
  description,
  tags: [{ name: status }],
  headers: {
    type: "object",
    properties: { type: { const: type }, schemaVersion: { const: version } },
    required: ["type", "schemaVersion"]
  },
  payload: { $ref: `#/components/schemas/${key}` }
})

/** The same schemas in the dialect of AsyncAPI, which is that of draft 07. */
export const draft07 = (definitions: Readonly<Record<string, Schema.JsonObject>>): Schema.JsonObject => {
  const made = JsonSchema.toDocumentDraft07({
    dialect: "draft-2020-12",
    schema: {},
    definitions: definitions as Readonly<Record<string, JsonSchema.JsonSchema>>
  })
  return withRefs(made.definitions as Schema.JsonObject) as Schema.JsonObject
}

// A field may be called "$ref" too, but then it has a schema and no text.
const withRefs = (json: Schema.Json, name?: string): Schema.Json => {
  if (typeof json === "string")
    return name === "$ref" ? json.replace(/^#\/definitions\//, "#/components/schemas/") : json
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map((each: Schema.Json) => withRefs(each))
  return Object.fromEntries(
    Object.entries(json).map(([key, each]) => [key, values.has(key) ? each : withRefs(each, key)])
  )
}

// Keywords that have JSON of events and no schemas.
const values: ReadonlySet<string> = new Set(["const", "enum", "default", "examples"])
