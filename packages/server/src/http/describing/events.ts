/** Recorded events in the description of an API. */
import type { Api } from "@hexfold/core"
import { Schema } from "effect"
import { type AnyAggregate, fieldsOf, membersOf } from "../../serving/declared.ts"
import { oncePer } from "./oncePer.ts"

type AnySchema = Schema.Codec<unknown, unknown>

/** The events of an aggregate. */
export const eventOf: (aggregate: AnyAggregate) => AnySchema = oncePer(({ name, schemas }) =>
  Schema.Union(
    Array.from(schemas.events, ([tag, event]) =>
      Schema.Struct({
        id: Schema.String,
        streamId: Schema.String,
        aggregate: Schema.Literal(name),
        version: Schema.Int,
        position: Schema.Int,
        type: Schema.Literal(tag),
        schemaVersion: Schema.Int,
        data: Schema.Struct(fieldsOf(event)),
        recordedAt: Schema.String,
        imported: Schema.Boolean,
        correlationId: Schema.String,
        causationId: Schema.String,
        actor: Schema.optionalKey(Schema.String)
      })
    )
  ).annotate({ identifier: `${name}Event` })
)

/** The events that somebody may read. With a name of its own, it alone changes when an aggregate is added. */
export const recordedOf: (api: Api.Any) => AnySchema | undefined = oncePer((api) => {
  const readable = [...membersOf(api).aggregates.values()].filter(({ name }) => api.rules.events.has(name))
  return readable.length === 0
    ? undefined
    : Schema.Union(readable.map(eventOf)).annotate({ identifier: "RecordedEvent" })
})
