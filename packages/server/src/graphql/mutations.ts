/** Commands as mutations. An answer is a union: the receipt, and each reason for which this command can be rejected. */
import type { Aggregate, Api } from "@hexfold/core"
import { CommandIdReused, VersionConflict } from "@hexfold/core"
import { type Duration, Effect } from "effect"
import {
  type GraphQLEnumType,
  type GraphQLFieldConfigArgumentMap,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull
} from "graphql"
import { type Commands, commandsOf, type Done } from "../serving/commands.ts"
import { type AnyAggregate, type AnyBoundary, membersOf, tagOf } from "../serving/declared.ts"
import { placeOf } from "../serving/events.ts"
import { type CommandFailure, Rejected } from "../serving/failures.ts"
import type { Types } from "./building.ts"
import type { Operation, Services } from "./context.ts"
import { identifierOf, ownName } from "./types/declared.ts"
import { selectedBelow } from "./documents/selection.ts"
import { errorWith } from "./errors.ts"
import type { Events } from "./events.ts"
import { type Answer, CommandIdReusedType, VersionConflictType } from "./fixed.ts"
import { type Errors, Results } from "./results.ts"
import { withAnswer } from "./plans/answering.ts"
import { distinct, lowerFirst, nameOf } from "./types/names.ts"
import { enumType, type Fields } from "./types/outputs.ts"
import type { AnySchema } from "./types/schemas.ts"
import type { StructShape } from "./types/shape.ts"
import { isGiven, received, sentFields, structOf } from "./types/values.ts"

/** What mutations are made with. */
interface Parts {
  readonly api: Api.Any
  readonly types: Types
  readonly events: Events
  /** For how long a mutation waits for views. */
  readonly patience: Duration.Input
}

/** What a client sends with a command. */
interface Arguments {
  readonly id?: unknown
  readonly input?: Readonly<Record<string, unknown>>
  readonly commandId?: string | null
  readonly expectedVersion?: number | null
  readonly waitFor?: ReadonlyArray<string> | null
}

/** The mutations of an API, with what each belongs to. */
export const mutationsOf = (
  parts: Parts
): ReadonlyArray<readonly [origin: string, name: string, field: Fields[string]]> => {
  const { aggregates, boundaries } = membersOf(parts.api)
  const mutations = new Mutations(parts)
  return [
    ...Array.from(aggregates.values()).flatMap((aggregate) =>
      Array.from(
        aggregate.schemas.commands,
        ([tag, command]) =>
          [
            `the command ${tag} of ${aggregate.name}`,
            lowerFirst(ownName(aggregate.name, tag, command)),
            mutations.ofAggregate(aggregate, tag, command)
          ] as const
      )
    ),
    ...Array.from(
      boundaries.values(),
      (boundary) =>
        [`the boundary ${boundary.name}`, lowerFirst(boundary.name), mutations.ofBoundary(boundary)] as const
    )
  ]
}

class Mutations {
  readonly #parts: Parts
  readonly #results: Results
  readonly #commands: Commands
  readonly #common: GraphQLFieldConfigArgumentMap

  constructor(parts: Parts) {
    this.#parts = parts
    this.#results = new Results(parts)
    this.#commands = commandsOf(parts.api)
    this.#common = {
      commandId: { type: GraphQLID, description: "Names the command: a repeat has no second effect." },
      ...(parts.api.views.length === 0
        ? {}
        : {
            waitFor: {
              type: new GraphQLList(new GraphQLNonNull(viewNames(parts.api))),
              description: "The views that shall show the command before it is answered."
            }
          })
    }
  }

  ofAggregate(aggregate: AnyAggregate, tag: string, command: AnySchema): Fields[string] {
    const { name, schemas } = aggregate
    const { inputs, shapes } = this.#parts.types
    const own = ownName(name, tag, command)
    const id = shapes.of(schemas.id, { name: `${name}Id`, words: `${name}, id` })
    const receipt = `${name}Receipt`
    const tags = schemas.rejections.get(tag) ?? new Set(schemas.errors.keys())
    const struct = this.#command(own, `${name}, command ${tag}`, command)
    const config = {
      type: this.#results.of(own, this.#results.receipt(aggregate), tags, schemas.errors, [
        VersionConflictType,
        CommandIdReusedType
      ]),
      args: {
        id: { type: new GraphQLNonNull(inputs.of(id.shape)) },
        ...this.#input(struct),
        ...this.#common,
        expectedVersion: { type: GraphQLInt, description: "The version that the aggregate must have." }
      }
    }
    return withAnswer(config, (args, operation, asked) => {
      const { expectedVersion, id: given } = args as Arguments
      return answerTo(
        receipt,
        schemas.errors,
        this.#commands.aggregate({
          ...this.#request(operation, args as Arguments, struct),
          aggregate: name,
          id: { json: received(id, given) },
          wantsState: selectedBelow(asked.fieldNodes, asked).has("state"),
          ...(isGiven(expectedVersion) ? { expectedVersion } : {})
        })
      )
    })
  }

  ofBoundary(boundary: AnyBoundary): Fields[string] {
    const { command, errors, name } = boundary
    const own = nameOf(name)
    const receipt = `${own}Receipt`
    const struct = this.#command(own, `${name}, command ${tagOf(boundary)}`, command)
    const config = {
      type: this.#results.of(own, this.#results.boundaryReceipt(receipt, name), new Set(errors.keys()), errors, [
        CommandIdReusedType
      ]),
      args: { ...this.#input(struct), ...this.#common }
    }
    return withAnswer(config, (args, operation) => {
      const request = { ...this.#request(operation, args as Arguments, struct), boundary: name }
      return answerTo(receipt, errors, this.#commands.boundary(request))
    })
  }

  #command(name: string, words: string, schema: AnySchema): StructShape {
    return this.#parts.types.shapes.object(schema, { name, words, isFixed: true })
  }

  // A command without fields needs no input.
  #input(struct: StructShape): GraphQLFieldConfigArgumentMap {
    return sentFields(struct).length === 0
      ? {}
      : { input: { type: new GraphQLNonNull(this.#parts.types.inputs.struct(struct)) } }
  }

  #request({ caller, correlationId }: Operation, { commandId, input = {}, waitFor }: Arguments, struct: StructShape) {
    if (commandId === "") throw errorWith("BAD_USER_INPUT", "commandId: it is empty")
    return {
      caller,
      command: structOf(struct, input),
      ...(isGiven(commandId) ? { key: commandId } : {}),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(isGiven(waitFor) ? { waitFor, patience: this.#parts.patience } : {})
    }
  }
}

const answerTo = (
  receipt: string,
  errors: Errors,
  execution: Effect.Effect<Done, CommandFailure, Services>
): Effect.Effect<unknown, CommandFailure, Services> =>
  execution.pipe(
    Effect.map((done): unknown => ({ type: receipt, ...shownDone(done) })),
    Effect.catch((failure) => {
      const answer: unknown = answerOf(failure, errors)
      return answer === undefined ? Effect.fail(failure) : Effect.succeed(answer)
    })
  )

const shownDone = ({ isLate, receipt, state }: Done) => ({
  ...receipt,
  events: receipt.events?.map((event) => ({
    ...event,
    cursor: placeOf({ history: receipt.history, position: event.position })
  })),
  late: isLate,
  ...(state === undefined ? {} : { state: state.state })
})

// What the client can decide on is an answer, and all else is an error.
const answerOf = (failure: CommandFailure, errors: Errors): (Answer & { readonly error: unknown }) | undefined => {
  if (failure instanceof Rejected) {
    const { error, json } = failure
    return { type: identifierOf(errors.get(error._tag)!, error._tag), message: messageOf(error), error: json }
  }
  if (failure instanceof VersionConflict || failure instanceof CommandIdReused) {
    const message = failure._tag === "VersionConflict" ? failure.message : "the id was used before, for another command"
    return { type: failure._tag, message, error: failure }
  }
  return undefined
}

// An error may have a field of its own that is called so.
const messageOf = (error: Aggregate.Tagged): string => {
  const message: unknown = error instanceof Error ? error.message : ""
  return typeof message === "string" && message !== "" ? message : error._tag
}

const viewNames = ({ views }: Api.Any): GraphQLEnumType => {
  const named = distinct(
    "the names of views",
    views,
    ({ name }) => nameOf(name),
    ({ name }) => `the view ${JSON.stringify(name)}`
  )
  return enumType(
    "ViewName",
    Array.from(named, ([name, view]) => ({ name, value: view.name }))
  )
}
