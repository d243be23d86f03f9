/**
 * The events of aggregates and topics as documents that other teams read: a JSON Schema, or an AsyncAPI description, of each type in
 * each version that a store may hold. They are made of the declarations, so they never lag behind.
 *
 * The documents describe what is stored: the JSON of an event's data without its tag, which is the `type` of the event.
 * The same declarations always make the same document.
 */
import type * as Schema from "effect/Schema"
import type { Declared } from "../storedTypes.ts"
import { asyncApiOf, type Info } from "./asyncApi.ts"
import { compiled } from "./compiled.ts"
import { type Shown, shownOf } from "./shown.ts"
import { type Status, type StoredVersion, storedVersions } from "./storedVersions.ts"

export type { Info, Status }

/** One version of one type of stored events, and the JSON Schema of its data. */
export interface Entry extends StoredVersion {
  /** A document of its own, of draft 2020-12: what it refers to stands in its `$defs`. */
  readonly jsonSchema: Schema.JsonObject
  /**
   * The fields that the JSON Schema does not describe, because their schemas do not tell what their JSON is, such as
   * `Schema.declare` without a codec. The empty text stands for the whole event. Any JSON fits there.
   */
  readonly undescribed: ReadonlyArray<string>
}

/** What identifies a JSON Schema. */
export interface Settings {
  /** The `$id` of the document, an absolute URI. */
  readonly id?: string
  readonly title?: string
}

/**
 * The events of some aggregates and topics one by one: each type, and each version of it from 1 on, whether this program writes it,
 * has written it, will write it or has retired it.
 *
 * @example
 * ```ts
 * import { Aggregate, EventCatalogue } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Counted = Schema.TaggedStruct("Counted", { by: Schema.Int })
 * const Counter = Aggregate.make("Counter", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   events: [Counted],
 *   evolve: { Counted: (count, { by }) => count + by }
 * })
 *
 * EventCatalogue.entries([Counter]).map(({ status, type, version }) => `${type} ${version} ${status}`) // ["Counted 1 current"]
 * ```
 */
export const entries = (aggregates: ReadonlyArray<Declared>): ReadonlyArray<Entry> =>
  storedVersions(aggregates).map((version) => {
    const { definitions, schemas } = compiled([version.schema])
    const { schema, undescribed } = schemas[0]!
    const hasOthers = Object.keys(definitions).length > 0
    return { ...version, jsonSchema: hasOthers ? { ...schema, $defs: definitions } : schema, undescribed }
  })

/**
 * A JSON Schema (draft 2020-12) of stored events. A recorded event fits it: an object with `streamId`, `type`,
 * `schemaVersion` and `data`, whatever else it has. `$defs` has one schema for each type and version, such as
 * `Account.Deposited.v2`. A version that this program does not write any more is `deprecated`.
 *
 * @example
 * ```ts
 * import { EventCatalogue } from "@hexfold/core"
 * import type { Aggregate } from "@hexfold/core"
 *
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, { readonly _tag: "Deposited" }, never>
 *
 * const text = JSON.stringify(EventCatalogue.jsonSchema([Account], { title: "Events of the bank" }), null, 2)
 * ```
 */
export const jsonSchema = (aggregates: ReadonlyArray<Declared>, { id, title }: Settings = {}): Schema.JsonObject => {
  const { definitions, events } = shownOf(storedVersions(aggregates), meanings)
  const none = { not: {} }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    ...(id === undefined ? undefined : { $id: id }),
    ...(title === undefined ? undefined : { title }),
    ...(events.length === 0 ? none : { oneOf: events.map(({ key }) => ({ $ref: `#/$defs/${key}` })) }),
    $defs: { ...Object.fromEntries(events.map((event) => [event.key, recordedOf(event)])), ...definitions }
  }
}

/**
 * An AsyncAPI 3.0 document of stored events. Each aggregate or topic is a channel, the stream of one id, and each type in each
 * version is a message of it: its `payload` is the data of the event, its `headers` have `type` and `schemaVersion`. The
 * operation of an aggregate sends the versions that this program writes. The schemas are of JSON Schema's draft 07, which
 * AsyncAPI prescribes.
 *
 * Throws an `Error` if a schema has a JSON Schema of its own with keywords that draft 07 does not know.
 *
 * @example
 * ```ts
 * import { EventCatalogue } from "@hexfold/core"
 * import type { Aggregate } from "@hexfold/core"
 *
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, { readonly _tag: "Deposited" }, never>
 *
 * const document = EventCatalogue.asyncApi([Account], { title: "Bank", version: "1.4.0" })
 * ```
 */
export const asyncApi = (aggregates: ReadonlyArray<Declared>, info: Info): Schema.JsonObject => {
  const { definitions, events } = shownOf(storedVersions(aggregates), meanings)
  return asyncApiOf(info, events, definitions)
}

const meanings: Readonly<Record<Status, string>> = {
  current: "The application records it.",
  former: "The application has recorded it. It reads it as the current version.",
  ahead: "The application can read it. Its next deployment will record it.",
  retired: "The application does not record it. It reads it as other events, or passes it."
}

const recordedOf = ({ aggregate, description, schema, status, type, version }: Shown): Schema.JsonObject => ({
  title: `${type} of ${aggregate}, version ${version}`,
  description,
  ...(status === "former" || status === "retired" ? { deprecated: true } : undefined),
  type: "object",
  properties: {
    // The name of an aggregate has only letters, digits and "_". None of them has another meaning in a pattern.
    streamId: { type: "string", pattern: `^${aggregate}-` },
    type: { const: type },
    schemaVersion: { const: version },
    data: schema
  },
  required: ["streamId", "type", "schemaVersion", "data"]
})
