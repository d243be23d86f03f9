/** Recorded events in the description of an API. */
import type { Api } from "@hexfold/core"
import { Schema } from "effect"
import { type AnyAggregate, fieldsOf } from "../serving/declared.ts"

type AnySchema = Schema.Codec<unknown, unknown>

const eventsByAggregate = new WeakMap<AnyAggregate, AnySchema>()

/** The events of an aggregate. */
export const eventOf = (aggregate: AnyAggregate): AnySchema => {
  const event = eventsByAggregate.get(aggregate) ?? unionOf(aggregate)
  eventsByAggregate.set(aggregate, event)
  return event
}

const recordedByApi = new WeakMap<Api.Any, AnySchema>()

/** The events that somebody may read. With a name of its own, it alone changes when an aggregate is added. */
export const recordedOf = (api: Api.Any, aggregates: ReadonlyMap<string, AnyAggregate>): AnySchema | undefined => {
  const readable = [...aggregates.values()].filter(({ name }) => api.rules.events.has(name))
  if (readable.length === 0) return undefined
  const recorded =
    recordedByApi.get(api) ?? Schema.Union(readable.map(eventOf)).annotate({ identifier: "RecordedEvent" })
  recordedByApi.set(api, recorded)
  return recorded
}

const unionOf = ({ name, schemas }: AnyAggregate) =>
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
