/**
 * A consistency boundary written as pure functions: `decide` turns a command
 * and a state into events or a typed error, `evolve` folds an event into the
 * state.
 *
 * Nothing here runs an effect. An aggregate is executed against an event store
 * with `Executor`, and tested by calling its functions.
 */
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { Decision, ErrorOf as ErrorOfDecision, EventOf as EventOfDecision } from "./Decision.ts"
import type { ErrorProblem, EventProblem, Exactly } from "./exactly.ts"
import type { Participant } from "./Participant.ts"
import * as StreamId from "./StreamId.ts"
import { streamIds } from "./json/idEncoding.ts"
import { judge } from "./json/jsonMeaning.ts"
import { sentOf } from "./json/sentVersions.ts"
import { currentOf, type Declaration, declarationsOf, type StoredType, type Versioned } from "./storedTypes.ts"
import { byTag, type Tagged, tagOf, type TaggedSchema, type TypeOf } from "./tagged.ts"
import type { Retired } from "./Versions.ts"

export type { Tagged, TaggedSchema }

/** A state machine with a name, made by {@link make}. */
export interface Aggregate<Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error> {
  /** The first part of every stream id of this aggregate. */
  readonly name: Name
  /** The state before the first event. */
  readonly initial: State
  /** The events that a command causes in a state, or the error that rejects it. */
  readonly decide: (command: Command, state: State) => Decision<Event, Error>
  /** The state after an event. */
  readonly evolve: (state: State, event: Event) => State
  /** The name of the stream that holds the events of the aggregate with this id. */
  readonly streamId: (id: Id) => StreamId.StreamId
  /** The id of the aggregate whose events a stream holds. A stream of another aggregate has none. */
  readonly idOf: (streamId: StreamId.StreamId) => Option.Option<Id>
  /** The aggregate with this id as a participant of a boundary. */
  readonly at: (id: Id) => Participant<Name, State, Event>
  /** The tags of the commands that are expected to begin a stream. */
  readonly begins: ReadonlySet<string>
  /** The number of the meaning of `evolve`: snapshots of another revision do not count. */
  readonly revision: number
  /** The schemas of the definition. */
  readonly schemas: Schemas<Id, State, Command, Event, Error>
}

/** The schemas of an aggregate, the kinds of commands, events and errors by tag. */
export interface Schemas<Id, State, Command extends Tagged, Event extends Tagged, Error> {
  readonly id: Schema.Codec<Id, unknown>
  readonly state: Schema.Codec<State, unknown>
  readonly commands: ReadonlyMap<Command["_tag"], Schema.Codec<Command, Tagged>>
  readonly events: ReadonlyMap<Event["_tag"], Schema.Codec<Event, Tagged>>
  readonly errors: ReadonlyMap<string, Schema.Codec<Error, Tagged>>
  /** The tags of the errors for which each command can be rejected, by the tag of the command: all, unless the definition says which. */
  readonly rejections: ReadonlyMap<string, ReadonlySet<string>>
  /** The stored types of events that have several versions or are retired. */
  readonly stored: ReadonlyMap<string, StoredType<Event>>
  /** The kinds of commands that have several versions. */
  readonly sent: ReadonlyMap<string, Versioned>
}

/** One handler for each tag of `Command`; what a handler may return is limited to `Event` and the errors of its command. */
export type DecideHandlers<Command extends Tagged, State, Event, Errors extends ErrorsOfCommands> = {
  readonly [C in Command as C["_tag"]]: (
    command: C,
    state: State
  ) => Decision<Event | Tagged, ErrorOfOne<Errors, C["_tag"]> | Tagged>
}

/** One handler for each tag of `Event`; it returns the next state, which is `Next[Tag]` with no other field than a state has. */
export type EvolveHandlers<Event extends Tagged, State, Next> = {
  readonly [Tag in keyof Next]: (
    state: NoInfer<State>,
    event: Extract<Event, { readonly _tag: Tag }>
  ) => Exactly<Next[Tag], State, "the state">
}

type NoOther<Handlers, Tags extends PropertyKey, What extends string> = {
  readonly [Tag in Exclude<keyof Handlers, Tags>]: `no ${What} has the tag ${Tag & string}`
}

type Each<Tags extends string> = { readonly [Tag in Tags]: unknown }

type NeedsDecide<Command> = [Command] extends [never] ? unknown : { readonly decide: unknown }

/** The schemas of the errors of an aggregate: of all of its commands together, or of each command by its tag. */
export type ErrorsOfCommands = ReadonlyArray<TaggedSchema> | { readonly [tag: string]: ReadonlyArray<TaggedSchema> }

// The errors of one command.
type ErrorOfOne<Errors, Tag> =
  Errors extends ReadonlyArray<TaggedSchema>
    ? TypeOf<Errors>
    : Tag extends keyof Errors
      ? Errors[Tag] extends ReadonlyArray<TaggedSchema>
        ? TypeOf<Errors[Tag]>
        : never
      : never

type NoOtherErrors<Name extends string, Errors, Tags extends string> =
  Errors extends ReadonlyArray<unknown>
    ? unknown
    : { readonly [Tag in Exclude<keyof Errors, Tags>]: `${Name} has no command ${Tag & string}` }

// What is wrong with the handlers, for the mistakes that the compiler does not explain in a line.
type DecideProblems<Name extends string, Decide, Event, Errors> = {
  readonly [Tag in keyof Decide]: Unless<DecideProblem<Name, ResultOf<Decide[Tag]>, Event, Errors, Tag>>
}

type BeginsProblem<Name extends string, Begins extends ReadonlyArray<string>, Tags extends string> = {
  readonly [I in keyof Begins]: Begins[I] extends Tags ? Begins[I] : `${Name} has no command ${Begins[I]}`
}

type Unless<Problem> = [Problem] extends [infer Message extends string]
  ? [Message] extends [never]
    ? unknown
    : Message
  : unknown

type ResultOf<Handler> = Handler extends (...args: never) => infer Decided ? Decided : never

type DecideProblem<Name extends string, Decided, Event, Errors, Tag> =
  | EventProblem<Name, EventOfDecision<Decided>, Event>
  | ErrorProblem<
      Errors extends ReadonlyArray<unknown> ? Name : `${Name}.${Tag & string}`,
      ErrorOfDecision<Decided>,
      ErrorOfOne<Errors, Tag>
    >

/**
 * Makes an aggregate.
 *
 * `decide` has one handler for each command, and `evolve` has one for each
 * event. A missing or a surplus handler does not compile. Nor does a handler of
 * `decide` that returns an event or an error which is not declared, or a handler
 * of `evolve` that returns a field which the state does not have.
 *
 * `errors` lists the errors of all commands, or names those of each command: `errors: { Increment: [TooLarge] }`. Then a
 * front tells its clients for which errors each command can be rejected, and a handler that returns an error of another
 * command does not compile.
 *
 * An aggregate that only boundaries write to leaves out `commands`, `errors` and
 * `decide`. An aggregate that rejects nothing leaves out `errors`.
 *
 * `begins` names the commands that mostly begin a stream, such as the opening of
 * an account. They are decided on the initial state without a read, and the append
 * checks that the stream is new. If it is not, or if the command is rejected, the
 * command is decided again on what is read, so nobody sees the difference but in
 * time: a command that begins a stream takes one round trip instead of two.
 *
 * `revision` is a whole number from 1 on, and 1 by default. Raise it when `evolve`
 * makes other states of the same events than before. Stored snapshots of another
 * revision are then ignored and replaced. Without snapshots it has no effect.
 *
 * An event or a command that has changed stands there as a chain of its versions: see `Versions.first`. The JSON of a
 * command says its version in the member `_version`, so no field of a command has this name.
 *
 * A name starts with a letter and continues with letters, digits and `_`. Tags
 * must differ. In JSON every value must have one meaning: a union such as
 * `optional(NullOr(String))` or `BigInt | String` has members with the same JSON.
 * Anything else is a mistake in the program and throws an `Error`.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}
 * class Incremented extends Schema.TaggedClass<Incremented>()("Incremented", { by: Schema.Int }) {}
 * class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}
 *
 * const Counter = Aggregate.make("Counter", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   commands: [Increment],
 *   events: [Incremented],
 *   errors: [TooLarge],
 *   decide: {
 *     Increment: ({ by }, count) =>
 *       count + by > 100
 *         ? Decision.reject(new TooLarge({ limit: 100 }))
 *         : Decision.accept(new Incremented({ by }))
 *   },
 *   evolve: {
 *     Incremented: (count, { by }) => count + by
 *   }
 * })
 *
 * Counter.decide(new Increment({ by: 3 }), 0) // Result.succeed([new Incremented({ by: 3 })])
 * Counter.evolve(0, new Incremented({ by: 3 })) // 3
 * Counter.streamId("a-b") // "Counter-a-b"
 * ```
 */
export const make = <
  const Name extends string,
  Id,
  State,
  const Events extends ReadonlyArray<Declaration>,
  const Decide extends DecideHandlers<TypeOf<Commands>, State, TypeOf<Events>, Errors>,
  // The default is for the parameters of the handlers while something else does not compile yet.
  const Next extends { readonly [Tag in keyof Next]: State } = { readonly [Tag in TypeOf<Events>["_tag"]]: State },
  const Commands extends ReadonlyArray<Declaration> = readonly [],
  const Errors extends ErrorsOfCommands = readonly [],
  const Begins extends ReadonlyArray<string> = readonly []
>(
  name: Name,
  definition: {
    readonly id: Schema.Codec<Id, unknown>
    readonly state: Schema.Codec<State, unknown>
    readonly initial: NoInfer<State>
    readonly commands?: Commands
    readonly begins?: Begins & BeginsProblem<Name, NoInfer<Begins>, TypeOf<Commands>["_tag"]>
    readonly events: Events
    readonly retired?: ReadonlyArray<Retired<TypeOf<NoInfer<Events>>>>
    readonly errors?: Errors & NoOtherErrors<Name, NoInfer<Errors>, TypeOf<NoInfer<Commands>>["_tag"]>
    readonly revision?: number
    readonly decide?: Decide &
      NoOther<Decide, TypeOf<Commands>["_tag"], "command"> &
      DecideProblems<Name, Decide, TypeOf<Events>, Errors>
    readonly evolve: EvolveHandlers<TypeOf<Events>, State, Next> &
      Each<TypeOf<Events>["_tag"]> &
      NoOther<Next, TypeOf<Events>["_tag"], "event">
  } & NeedsDecide<TypeOf<Commands>>
): Aggregate<
  Name,
  Id,
  State,
  TypeOf<Commands>,
  TypeOf<Events>,
  // Inferred from all handlers at once, so that an editor shows the errors themselves.
  [keyof Decide] extends [never]
    ? never
    : Decide[keyof Decide] extends (command: never, state: never) => Decision<unknown, infer Error>
      ? Error
      : never
> => {
  if (!StreamId.isAggregateName(name)) {
    throw new Error(
      `"${name}" cannot be the name of an aggregate: a name starts with a letter, continues with letters, digits and "_", and has at most 100 characters`
    )
  }
  const { revision = 1 } = definition
  if (!Number.isSafeInteger(revision) || revision < 1) {
    throw new Error(`${name}: the revision ${String(revision)} is not a whole number from 1 on`)
  }
  // A handler accepts exactly the command whose tag selects it.
  const decide = (definition.decide ?? {}) as unknown as Record<
    string,
    (command: TypeOf<Commands>, state: State) => Decision<TypeOf<Events>, never>
  >
  const evolve = definition.evolve as unknown as Record<string, (state: State, event: TypeOf<Events>) => State>
  judge(`${name}, id`, definition.id)
  const ids = streamIds(name, definition.id)
  const commands = definition.commands ?? []
  const aggregate = {
    name,
    initial: definition.initial,
    decide: (command: TypeOf<Commands>, state: State) => decide[command._tag]!(command, state),
    evolve: (state: State, event: TypeOf<Events>) => evolve[event._tag]!(state, event),
    ...ids,
    at: (id: Id): Participant<Name, State, TypeOf<Events>> => ({
      source: aggregate,
      streamId: ids.streamId(id),
      access: "write"
    }),
    begins: new Set<string>(definition.begins ?? []),
    revision,
    schemas: {
      id: definition.id,
      state: definition.state,
      commands: byTag(name, "commands", commands.map(currentOf)) as ReadonlyMap<
        TypeOf<Commands>["_tag"],
        Schema.Codec<TypeOf<Commands>, Tagged>
      >,
      ...declarationsOf(name, definition.events, definition.retired),
      ...errorsOf(name, commands.map(currentOf), definition.errors ?? []),
      sent: sentOf(name, commands)
    }
  }
  return aggregate
}

/**
 * The state after a sequence of events, from `state` or from the initial one.
 *
 * @example
 * ```ts
 * import { Aggregate } from "@hexfold/core"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * Aggregate.fold(Counter, [{ _tag: "Reset" }])
 * ```
 */
export const fold = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  events: Iterable<NoInfer<Event>>,
  state: NoInfer<State> = aggregate.initial
): State => {
  let current = state
  for (const event of events) current = aggregate.evolve(current, event)
  return current
}

// Several commands may name the same error.
const errorsOf = (name: string, commands: ReadonlyArray<TaggedSchema>, declared: ErrorsOfCommands) => {
  const tags = commands.map((command) => tagOf(name, "commands", command))
  const byCommand = isList(declared) ? undefined : new Map(Object.entries(declared))
  for (const tag of byCommand?.keys() ?? []) {
    if (!tags.includes(tag)) throw new Error(`${name}: there are errors for the command ${tag}, which is not declared`)
  }
  const all = isList(declared) ? declared : [...new Set([...byCommand!.values()].flat())]
  const errors = byTag(name, "errors", all) as ReadonlyMap<string, Schema.Codec<never, Tagged>>
  const rejections = new Map(
    tags.map((tag) => [
      tag,
      new Set(byCommand === undefined ? errors.keys() : byCommand.get(tag)?.map((each) => tagOf(name, "errors", each)))
    ])
  )
  return { errors, rejections }
}

const isList = (declared: ErrorsOfCommands): declared is ReadonlyArray<TaggedSchema> => Array.isArray(declared)

/** What every aggregate has, as a constraint for functions and types that accept them all. */
export interface Any {
  readonly name: string
  readonly initial: unknown
  readonly decide: (command: never, state: never) => Decision<unknown, unknown>
  readonly evolve: (state: never, event: never) => unknown
  readonly streamId: (id: never) => StreamId.StreamId
}

/** An aggregate whose types are not known. Who calls its functions answers for what it gives them. */
export type Untyped = Aggregate<string, unknown, unknown, Tagged, Tagged, unknown>

/** The type of an aggregate's ids. */
export type IdOf<A extends Any> = Parameters<A["streamId"]>[0]

/** The type of an aggregate's state. */
export type StateOf<A extends Any> = A["initial"]

/** The union of an aggregate's commands. */
export type CommandOf<A extends Any> = Parameters<A["decide"]>[0]

/** The union of an aggregate's events. */
export type EventOf<A extends Any> = Parameters<A["evolve"]>[1]

/** The union of the errors for which an aggregate rejects commands. */
export type ErrorOf<A extends Any> = ReturnType<A["decide"]> extends Decision<unknown, infer Error> ? Error : never
