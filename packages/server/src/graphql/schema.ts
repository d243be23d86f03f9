/** The schema of an API. */
import type { Api } from "@hexfold/core"
import { Duration } from "effect"
import { GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString, validateSchema } from "graphql"
import { membersOf } from "../serving/declared.ts"
import { typesOf } from "./building.ts"
import { Events } from "./events.ts"
import { mutationsOf } from "./mutations.ts"
import { distinct } from "./types/names.ts"
import type { Fields } from "./types/outputs.ts"
import { viewFieldsOf } from "./views.ts"

type RootField = readonly [origin: string, name: string, field: Fields[string]]

/** A schema, and the places that became `JSON` in it. */
export interface Described {
  readonly schema: GraphQLSchema
  readonly json: ReadonlyArray<string>
}

/**
 * The schema of an API. It is made once for all that serve the API with the same patience: to make it takes up to 100 ms.
 * Throws an `Error` that names what has no name, or one name for two.
 */
export const describedOf = (api: Api.Any, patience: Duration.Input): Described => {
  const known = schemas.get(api) ?? new Map<number, Described>()
  schemas.set(api, known)
  const millis = Duration.toMillis(patience)
  const described = known.get(millis) ?? describe(api, patience)
  known.set(millis, described)
  return described
}

const schemas = new WeakMap<Api.Any, Map<number, Described>>()

const describe = (api: Api.Any, patience: Duration.Input): Described => {
  const types = typesOf()
  const events = new Events(types, api)
  const { queries, subscriptions } = viewFieldsOf(api, types)
  const mutations = mutationsOf({ api, types, events, patience })
  const feeds = Object.entries(events.subscription()).map(([name, field]): RootField => ["the events", name, field])
  const shown = Array.from(membersOf(api).aggregates.values()).flatMap((aggregate) =>
    events.areShown(aggregate.name) ? events.of(aggregate) : []
  )
  const mutation = root("Mutation", mutations)
  const subscription = root("Subscription", [...subscriptions, ...feeds])
  const schema = new GraphQLSchema({
    query: root("Query", queries.length === 0 ? [["the API", "apiVersion", apiVersion]] : queries)!,
    ...(mutation === undefined ? {} : { mutation }),
    ...(subscription === undefined ? {} : { subscription }),
    types: shown
  })
  const problems = validateSchema(schema)
  if (problems.length > 0) throw new Error(`the GraphQL schema: ${problems.map(({ message }) => message).join("; ")}`)
  return { schema, json: types.shapes.notes }
}

const root = (name: string, fields: ReadonlyArray<RootField>): GraphQLObjectType | undefined => {
  if (fields.length === 0) return undefined
  const named = distinct(
    name,
    fields,
    ([, own]) => own,
    ([origin, own]) => `${origin} (${own})`
  )
  return new GraphQLObjectType({
    name,
    fields: Object.fromEntries(Array.from(named, ([own, [, , field]]) => [own, field]))
  })
}

// A query type has at least one field.
const apiVersion = { type: new GraphQLNonNull(GraphQLString), resolve: () => "1" }
