/** The results of commands: receipts, and the reasons for which a command can be rejected. */
import type { Api } from "@hexfold/core"
import {
  GraphQLBoolean,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLNullableOutputType,
  GraphQLObjectType,
  GraphQLString,
  GraphQLUnionType
} from "graphql"
import type { AnyAggregate } from "../serving/declared.ts"
import type { Types } from "./building.ts"
import { identifierOf } from "./types/declared.ts"
import type { Events } from "./events.ts"
import { type Answer, RecordedEvent, Rejection, required } from "./fixed.ts"
import { SafeInt } from "./types/scalars.ts"
import type { AnySchema } from "./types/schemas.ts"
import { formOf, type Slot } from "./types/shape.ts"
import { shown } from "./types/values.ts"

/** The errors of a command, by tag. */
export type Errors = ReadonlyMap<string, AnySchema>

/** What an error is resolved from. */
interface Failed {
  readonly error: unknown
}

/** What a receipt is resolved from, besides the receipt itself. */
interface Shown {
  readonly late: boolean
  readonly state?: unknown
}

/** The types of the results of commands. */
export class Results {
  readonly #parts: { readonly api: Api.Any; readonly types: Types; readonly events: Events }

  constructor(parts: { readonly api: Api.Any; readonly types: Types; readonly events: Events }) {
    this.#parts = parts
  }

  /** The result of a command: its receipt, or why it was rejected. */
  of(
    name: string,
    receipt: GraphQLObjectType,
    tags: ReadonlySet<string>,
    errors: Errors,
    more: ReadonlyArray<GraphQLObjectType>
  ): GraphQLNonNull<GraphQLUnionType> {
    const origin = `the result of ${name}`
    const result = this.#parts.types.names.claim(
      `${name}Result`,
      origin,
      origin,
      () =>
        new GraphQLUnionType({
          name: `${name}Result`,
          types: () => [receipt, ...[...tags].map((tag) => this.#error(tag, errors.get(tag)!)), ...more],
          resolveType: (answer) => (answer as Answer).type
        })
    )
    return new GraphQLNonNull(result)
  }

  #error(tag: string, schema: AnySchema): GraphQLObjectType {
    const { names, outputs, shapes } = this.#parts.types
    const name = identifierOf(schema, tag)
    const struct = shapes.object(schema, { name, words: `the error ${tag}`, isFixed: true })
    return names.claim(
      name,
      `the error ${tag}`,
      `error ${formOf(struct)}`,
      () =>
        new GraphQLObjectType<Answer>({
          name,
          interfaces: [Rejection],
          fields: () => ({
            message: { type: new GraphQLNonNull(GraphQLString) },
            ...outputs.beside(
              struct,
              ["message"],
              (answer) => (answer as Failed).error,
              // Every rejection says its message.
              (field) => field.name !== "message" || formOf(field.shape) !== "String"
            )
          })
        })
    )
  }

  /** The receipt of an aggregate. */
  receipt(aggregate: AnyAggregate): GraphQLObjectType {
    const { api, events, types } = this.#parts
    const { name, schemas } = aggregate
    const origin = `the receipt of ${name}`
    return types.names.claim(`${name}Receipt`, origin, origin, () => {
      const state: Slot | undefined = api.rules.states.has(name)
        ? types.shapes.of(schemas.state, { name: `${name}State`, words: `${name}, state` })
        : undefined
      return new GraphQLObjectType({
        name: `${name}Receipt`,
        fields: () => ({
          streamId: { type: new GraphQLNonNull(GraphQLID) },
          version: { type: new GraphQLNonNull(GraphQLInt) },
          ...outcome,
          ...(events.areShown(name) ? eventsField(events.union(aggregate)) : {}),
          ...(state === undefined
            ? {}
            : {
                state: {
                  type: types.outputs.at(state, true),
                  description: "The state after the command, or a later one. Null if the caller may not read it.",
                  resolve: (receipt: unknown) => shown(state, (receipt as Partial<Shown>).state)
                }
              })
        })
      })
    })
  }

  /** The receipt of a boundary. */
  boundaryReceipt(name: string, boundary: string): GraphQLObjectType {
    const { api, events, types } = this.#parts
    const origin = `the receipt of ${boundary}`
    return types.names.claim(name, origin, origin, () => {
      const stream = types.names.claim(
        "StreamVersion",
        "the version of a stream",
        "the version of a stream",
        () =>
          new GraphQLObjectType({
            name: "StreamVersion",
            fields: {
              streamId: { type: new GraphQLNonNull(GraphQLID) },
              version: { type: new GraphQLNonNull(GraphQLInt) }
            }
          })
      )
      const areShown = api.aggregates.some((each) => events.areShown(each.name))
      return new GraphQLObjectType({
        name,
        fields: {
          streams: listOf(stream),
          ...outcome,
          ...(areShown ? eventsField(RecordedEvent) : {})
        }
      })
    })
  }
}

const listOf = (type: GraphQLNullableOutputType) => ({
  type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)))
})

const outcome = {
  position: required(SafeInt),
  history: required(SafeInt),
  attempts: required(GraphQLInt),
  repeated: { ...required(GraphQLBoolean), description: "Whether the command had happened before." },
  late: {
    ...required(GraphQLBoolean),
    description: "Whether the views did not show the command in time. It has happened all the same."
  }
}

const eventsField = (type: GraphQLNullableOutputType) => ({
  events: {
    type: new GraphQLList(new GraphQLNonNull(type)),
    description: "The events that the caller may read; null if the caller may read none of these aggregates."
  }
})
