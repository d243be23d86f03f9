/** The types that every schema has. Their names are taken, whatever is declared. */
import {
  GraphQLBoolean,
  GraphQLID,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLNonNull,
  type GraphQLNullableOutputType,
  GraphQLObjectType,
  GraphQLString
} from "graphql"
import type { CommandIdReused, VersionConflict } from "@hexfold/core"
import type { EventJson } from "../serving/receipts.ts"
import type { TypeNames } from "./types/names.ts"
import { AnyJson, SafeInt, scalars } from "./types/scalars.ts"

/** The type of a field that is always there. */
export const required = (type: GraphQLNullableOutputType) => ({ type: new GraphQLNonNull(type) })

/** Why a command did not happen, for a client that can decide on it. */
export const Rejection = new GraphQLInterfaceType({
  name: "Rejection",
  description: "Why a command did not happen.",
  fields: { message: required(GraphQLString) }
})

/** An answer with the name of its type. */
export interface Answer {
  readonly type: string
  readonly message: string
}

/** The version that a client expected was not the present one. */
export const VersionConflictType = new GraphQLObjectType<Answer & { readonly error: VersionConflict }>({
  name: "VersionConflict",
  description: "The aggregate has another version than the one that was expected.",
  interfaces: [Rejection],
  fields: {
    message: required(GraphQLString),
    expected: { type: SafeInt, resolve: ({ error }) => error.expected },
    actual: { type: SafeInt, resolve: ({ error }) => error.actual }
  }
})

/** The id of a command was used before. */
export const CommandIdReusedType = new GraphQLObjectType<Answer & { readonly error: CommandIdReused }>({
  name: "CommandIdReused",
  description: "The id of the command was used before, for another command.",
  interfaces: [Rejection],
  fields: { message: required(GraphQLString) }
})

/** A recorded event, with the place in the log from which a feed goes on after it. */
export interface ShownEvent extends EventJson {
  readonly cursor: string
}

const EventMeta = new GraphQLObjectType<ShownEvent>({
  name: "EventMeta",
  description: "What is known of a recorded event besides its data.",
  fields: {
    id: required(GraphQLID),
    cursor: { ...required(GraphQLID), description: "The place in the log: a feed goes on after it." },
    streamId: required(GraphQLID),
    aggregate: required(GraphQLString),
    version: required(GraphQLInt),
    position: required(SafeInt),
    type: required(GraphQLString),
    schemaVersion: required(GraphQLInt),
    recordedAt: required(scalars.DateTime),
    imported: required(GraphQLBoolean),
    correlationId: required(GraphQLString),
    causationId: required(GraphQLString),
    actor: { type: GraphQLString }
  }
})

/** A recorded event of any aggregate. */
export const RecordedEvent = new GraphQLInterfaceType({
  name: "RecordedEvent",
  description: "A recorded event.",
  fields: { meta: required(EventMeta) }
})

/** The field of an event that says what is known of it. */
export const metaField = { ...required(EventMeta), resolve: (event: unknown) => event }

/** How a page of records goes on. */
export const PageInfo = new GraphQLObjectType({
  name: "PageInfo",
  fields: { hasNextPage: required(GraphQLBoolean), endCursor: { type: GraphQLString } }
})

/** Takes the names of the types that every schema has. */
export const reserve = (names: TypeNames): void => {
  const fixed = [
    ...Object.values(scalars),
    AnyJson,
    Rejection,
    VersionConflictType,
    CommandIdReusedType,
    EventMeta,
    RecordedEvent,
    PageInfo
  ]
  const others = ["ID", "Query", "Mutation", "Subscription", "ViewName"]
  for (const name of [...fixed.map(({ name }) => name), ...others]) {
    names.claim(name, "a type of every schema", "a type of every schema", () => name)
  }
}
