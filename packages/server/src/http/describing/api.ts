/** An API as a description for tools: Effect's `HttpApi`, of which the OpenAPI document is made. */
import type { Api } from "@hexfold/core"
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import {
  type AnyAggregate,
  type AnyBoundary,
  type AnyView,
  fieldsOf,
  membersOf,
  tagOf
} from "../../serving/declared.ts"
import { Batch } from "../batchRoute.ts"
import { eventOf, recordedOf } from "./events.ts"
import { problems, rejectionsOf } from "./problems.ts"

type AnySchema = Schema.Codec<unknown, unknown>
type Fields = Readonly<Record<string, AnySchema>>

/**
 * The description of an API. The name of a type begins with the name of the aggregate, boundary or view that it belongs
 * to: so no name depends on what else is declared.
 */
export const described = (api: Api.Any, prefix: `/${string}` | undefined): HttpApi.Top => {
  const { aggregates, boundaries, views } = membersOf(api)
  const groups = [
    ...Array.from(aggregates.values(), (aggregate) => ofAggregate(aggregate, api)),
    ...Array.from(boundaries.values(), (boundary) => ofBoundary(boundary, api)),
    ...Array.from(views.values(), (view) => ofView(view, api)),
    ofWhole(api)
  ]
  // The compiler cannot follow groups that are made of data.
  let whole = HttpApi.make(api.name) as unknown as HttpApi.Top
  for (const group of groups) {
    whole = whole.add(prefix === undefined ? group : group.prefix(prefix)) as unknown as HttpApi.Top
  }
  return whole.annotateMerge(OpenApi.annotations({ title: api.name, version: "1" })) as unknown as HttpApi.Top
}

const groupOf = (name: string, endpoints: ReadonlyArray<unknown>): HttpApiGroup.Top => {
  let group = HttpApiGroup.make(name) as unknown as HttpApiGroup.Top
  for (const endpoint of endpoints) group = group.add(endpoint as HttpApiEndpoint.Top) as unknown as HttpApiGroup.Top
  return group
}

const ofAggregate = (aggregate: AnyAggregate, api: Api.Any): HttpApiGroup.Top => {
  const { name, schemas } = aggregate
  const { events, states } = api.rules
  const receipt = named(`${name}Receipt`, {
    streamId: Schema.String,
    version: Schema.Int,
    ...outcome,
    ...(events.has(name) ? { events: Schema.optionalKey(Schema.Array(eventOf(aggregate))) } : {}),
    ...(states.has(name)
      ? { state: Schema.optionalKey(schemas.state), stateVersion: Schema.optionalKey(Schema.Int) }
      : {})
  })
  const commands = Array.from(schemas.commands, ([tag, command]) =>
    HttpApiEndpoint.post(tag, `/aggregates/${name}/:id/${tag}`, {
      params: { id: Schema.String },
      headers: { ...commandHeaders, "if-match": Schema.optionalKey(Schema.String) },
      payload: Schema.Struct(fieldsOf(command)),
      success: [receipt, receipt.pipe(HttpApiSchema.status(202))],
      error: errorsOf([...changing, 412], aggregate, schemas.rejections.get(tag))
    })
  )
  const state = HttpApiEndpoint.get("state", `/aggregates/${name}/:id`, {
    params: { id: Schema.String },
    success: named(`${name}AtVersion`, { state: schemas.state, version: Schema.Int }),
    error: errorsOf(reading)
  })
  return groupOf(name, [...commands, ...(states.has(name) ? [state] : [])])
}

const ofBoundary = (boundary: AnyBoundary, api: Api.Any): HttpApiGroup.Top => {
  const { command, errors, name } = boundary
  const recorded = recordedOf(api)
  const receipt = named(`${name}Receipt`, {
    streams: Schema.Array(Schema.Struct({ streamId: Schema.String, version: Schema.Int })),
    ...outcome,
    ...(recorded === undefined ? {} : { events: Schema.optionalKey(Schema.Array(recorded)) })
  })
  return groupOf(name, [
    HttpApiEndpoint.post(tagOf(boundary), `/commands/${name}`, {
      headers: commandHeaders,
      payload: Schema.Struct(fieldsOf(command)),
      success: [receipt, receipt.pipe(HttpApiSchema.status(202))],
      error: errorsOf([...changing, 422], boundary, new Set(errors.keys()))
    })
  ])
}

const ofView = ({ name, schemas }: AnyView, { links, rules }: Api.Any): HttpApiGroup.Top => {
  // Without a rule on a field, a record has its whole state, unless the query selects some fields.
  const isWhole = Object.keys(rules.views.get(name)?.fields ?? {}).length === 0
  const state = isWhole ? schemas.state : Schema.Record(Schema.String, Schema.Json)
  const isLinked = links.some(({ from }) => from.name === name)
  const linked = isLinked ? { with: text } : {}
  const members: Fields = { key: Schema.String, state, ...(isLinked ? { links: linkedRecords } : {}) }
  const record = named(`${name}Record`, members)
  const page = named(`${name}Page`, { rows: Schema.Array(record), next: text, total: Schema.optionalKey(Schema.Int) })
  const error = errorsOf(reading)
  const posted = errorsOf([...reading, 413])
  const key = { key: Schema.String }
  return groupOf(name, [
    HttpApiEndpoint.get("list", `/views/${name}`, { query: { ...queryParameters, ...linked }, success: page, error }),
    HttpApiEndpoint.post("query", `/views/${name}`, { payload: queryOf(name), success: page, error: posted }),
    HttpApiEndpoint.get("record", `/views/${name}/:key`, { params: key, query: linked, success: record, error }),
    HttpApiEndpoint.get("liveList", `/live/${name}`, {
      query: queryParameters,
      success: HttpApiSchema.StreamSse({ data: json(page) }),
      error
    }),
    HttpApiEndpoint.post("liveQuery", `/live/${name}`, {
      payload: queryOf(name),
      success: HttpApiSchema.StreamSse({ data: json(page) }),
      error: posted
    }),
    HttpApiEndpoint.get("liveRecord", `/live/${name}/:key`, {
      params: key,
      success: HttpApiSchema.StreamSse({ data: json(record) }),
      error
    })
  ])
}

// What is sent as an event is not encoded by the endpoint.
const json = (schema: AnySchema) => Schema.toCodecJson(schema)

// The routes for all aggregates together. The name of their group has spaces, so no aggregate can have it.
const ofWhole = (api: Api.Any): HttpApiGroup.Top => {
  const recorded = recordedOf(api)
  const batch = HttpApiEndpoint.post("batch", "/batch", {
    payload: Batch,
    success: named("BatchResults", { results: Schema.Array(Schema.Record(Schema.String, Schema.Json)) }),
    error: errorsOf([400, 401, 413, 429, 500, 503])
  })
  const execution = HttpApiEndpoint.get("execution", "/executions/:key", {
    params: { key: Schema.String },
    success: Schema.Record(Schema.String, Schema.Json),
    error: errorsOf(reading)
  })
  if (recorded === undefined) return groupOf("all aggregates", [batch, execution])
  const events = HttpApiEndpoint.get("events", "/events", {
    headers: { "last-event-id": text },
    query: {
      after: text,
      from: Schema.optionalKey(Schema.Literal("now")),
      aggregates: text,
      types: text,
      correlationId: text,
      limit: text
    },
    // With a correlation id it is a page, without one the feed.
    success: [
      HttpApiSchema.StreamSse({ data: json(recorded) }),
      named("ConversationPage", { events: Schema.Array(recorded), next: text })
    ],
    error: errorsOf([...reading, 410])
  })
  return groupOf("all aggregates", [batch, execution, events])
}

const named = <F extends Fields>(identifier: string, fields: F) => Schema.Struct(fields).annotate({ identifier })

const text = Schema.optionalKey(Schema.String)

/** The records to which links lead, by the names of the links. */
const linkedRecords = Schema.optionalKey(
  Schema.Record(Schema.String, Schema.NullOr(Schema.Struct({ key: Schema.String, state: Schema.Json })))
)

const path = Schema.Array(Schema.String)

/** A query as it is sent. Filters are described in the pages about queries. */
const queryOf = (view: string) =>
  Schema.Struct({
    _tag: Schema.Literal("Records"),
    view: Schema.Literal(view),
    where: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
    orderBy: Schema.Array(
      Schema.Struct({
        path,
        direction: Schema.Literals(["asc", "desc"]),
        nulls: Schema.optionalKey(Schema.Literals(["first", "last"])),
        ignoreCase: Schema.optionalKey(Schema.Boolean)
      })
    ),
    limit: Schema.optionalKey(Schema.Int),
    after: text,
    select: Schema.optionalKey(Schema.Array(path)),
    total: Schema.optionalKey(Schema.Boolean)
  })

const queryParameters = { where: text, orderBy: text, select: text, limit: text, after: text, total: text }

const commandHeaders = { "idempotency-key": text, prefer: text, "x-correlation-id": text }

const outcome = {
  position: Schema.Int,
  history: Schema.Int,
  attempts: Schema.Int,
  repeated: Schema.Boolean
}

/** The statuses of problems that the routes have which only read, and those which change something. */
const reading = [400, 401, 403, 404, 429, 500, 503] as const
const changing = [...reading, 409, 413] as const

// One shape for each status: those of the front, and those of the domain's errors.
const errorsOf = (
  statuses: ReadonlyArray<number>,
  target?: AnyAggregate | AnyBoundary,
  tags: ReadonlySet<string> = new Set()
): ReadonlyArray<Schema.Top> => {
  const rejections = target === undefined ? new Map<string, Schema.Top>() : rejectionsOf(target)
  return [...statuses.map((status) => problems.get(status)!), ...[...tags].map((tag) => rejections.get(tag)!)]
}
