/** Recorded events in GraphQL: in receipts, and as they come. */
import type { Api } from "@hexfold/core"
import { Effect, Stream } from "effect"
import {
  GraphQLEnumType,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
  GraphQLUnionType
} from "graphql"
import { type AnyAggregate, membersOf } from "../serving/declared.ts"
import { eventsOf, placeOf, positionIn } from "../serving/events.ts"
import { live, type Operation } from "./context.ts"
import { ownName } from "./types/declared.ts"
import { type ShownEvent, metaField, RecordedEvent } from "./fixed.ts"
import type { Types } from "./building.ts"
import type { Fields } from "./types/outputs.ts"
import { formOf } from "./types/shape.ts"
import { isGiven } from "./types/values.ts"

/** The types of the events that the rules let somebody read. */
export class Events {
  readonly #types: Types
  readonly #api: Api.Any

  constructor(types: Types, api: Api.Any) {
    this.#types = types
    this.#api = api
  }

  /** Whether somebody may read the events of an aggregate. */
  areShown(aggregate: string): boolean {
    return this.#api.rules.events.has(aggregate)
  }

  /** The types of the events of an aggregate. */
  of({ name: aggregate, schemas }: AnyAggregate): ReadonlyArray<GraphQLObjectType> {
    const { names, outputs, shapes } = this.#types
    return Array.from(schemas.events, ([tag, schema]) => {
      const name = ownName(aggregate, tag, schema)
      const place = { name, words: `${aggregate}, event ${tag}`, isFixed: true }
      const struct = shapes.object(schema, place)
      return names.claim(
        name,
        `the event ${tag} of ${aggregate}`,
        `event of ${aggregate} ${formOf(struct)}`,
        () =>
          new GraphQLObjectType<ShownEvent>({
            name,
            interfaces: [RecordedEvent],
            isTypeOf: (event) => event.aggregate === aggregate && event.type === tag,
            fields: () => ({
              meta: metaField,
              ...outputs.beside(struct, ["meta"], (event) => (event as ShownEvent).data)
            })
          })
      )
    })
  }

  /** The union of the events of an aggregate. */
  union(aggregate: AnyAggregate): GraphQLUnionType {
    const name = `${aggregate.name}Event`
    const origin = `the events of ${aggregate.name}`
    return this.#types.names.claim(
      name,
      origin,
      origin,
      () => new GraphQLUnionType({ name, types: () => this.of(aggregate) })
    )
  }

  /** The subscription to events, if the rules let somebody read some. */
  subscription(): Fields {
    const { aggregates } = membersOf(this.#api)
    if (![...aggregates.keys()].some((name) => this.areShown(name))) return {}
    const { feed } = eventsOf(this.#api)
    const several = { type: new GraphQLList(new GraphQLNonNull(GraphQLString)) }
    return {
      events: {
        type: new GraphQLNonNull(RecordedEvent),
        description: "Recorded events: past ones, then each new one.",
        args: {
          after: {
            type: GraphQLID,
            description: "The cursor of an event: goes on after it. By default from the beginning."
          },
          from: { type: this.#start(), description: "Where to begin without `after`." },
          aggregates: several,
          types: several
        },
        subscribe: (_, args, context) => {
          const { caller, run, services } = context as Operation
          const { after, aggregates, from, types } = args as Arguments
          return run(
            Effect.gen(function* () {
              const position = isGiven(after) ? yield* positionIn(after) : undefined
              const steps = yield* feed({
                caller,
                ...(position === undefined ? {} : { after: position }),
                ...(isGiven(from) ? { from: "now" as const } : {}),
                ...(isGiven(aggregates) ? { aggregates } : {}),
                ...(isGiven(types) ? { types } : {})
              })
              const events = Stream.flatMap(steps, ({ event, resume }) =>
                event === undefined ? Stream.empty : Stream.succeed({ ...event, cursor: placeOf(resume) })
              )
              return live(events, services)
            })
          )
        },
        resolve: (event) => event
      }
    }
  }

  #start(): GraphQLEnumType {
    return this.#types.names.claim(
      "FeedStart",
      "where a feed begins",
      "where a feed begins",
      () => new GraphQLEnumType({ name: "FeedStart", values: { NOW: { value: "now" } } })
    )
  }
}

interface Arguments {
  readonly after?: string | null
  readonly from?: "now" | null
  readonly aggregates?: ReadonlyArray<string> | null
  readonly types?: ReadonlyArray<string> | null
}
