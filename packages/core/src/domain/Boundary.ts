/**
 * A command that reads several streams, decides on all of them, and adds events
 * to some of them in one atomic step.
 *
 * Nothing here runs an effect. A boundary is executed against an event store
 * with `Executor`, and tested by calling its `decide`.
 */
import type * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Decision from "./Decision.ts"
import type { ErrorProblem, EventProblem, TagOf } from "./exactly.ts"
import { judge } from "./json/jsonMeaning.ts"
import { sentTo } from "./json/sentVersions.ts"
import type { Versioned } from "./storedTypes.ts"
import { byTag, type Tagged, type TaggedSchema, type TypeOf } from "./tagged.ts"
import type * as Participant from "./Participant.ts"
import { type Chain, isChain } from "./Versions.ts"

/** The events of a decision by role; for a role of several streams, a list for each in the role's order. */
export type Emission<Event> =
  | { readonly [role: string]: ReadonlyArray<Event> | ReadonlyArray<ReadonlyArray<Event>> }
  | ReadonlyArray<never>

/** The state of a participant, if it has been read already. */
export type StateLookup = <P extends Participant.Any>(participant: P) => Participant.StateOf<P> | undefined

/** A command over several streams, made by {@link make}. */
export interface Boundary<Name extends string, Command extends Tagged, States, Event, Error> {
  readonly _tag: "Boundary"
  readonly name: Name
  /** The schema of its command. */
  readonly command: Schema.Codec<Command, unknown>
  /** The versions of its command, if there are several. */
  readonly sent: Versioned | undefined
  /** The schemas of the errors for which it rejects, by tag. */
  readonly errors: ReadonlyMap<string, Schema.Codec<Error, Tagged>>
  /**
   * The participants of a command, stage by stage. There is at least one stage;
   * the participants of a later one follow from the states of the earlier ones.
   */
  readonly stages: (command: Command) => ReadonlyArray<Stage>
  /** The events that the command causes in these states, by role, or the error that rejects it. */
  readonly decide: (command: Command, states: States) => Result.Result<Emission<Event>, Error>
  /** The most streams that one command may read. */
  readonly maxParticipants: number
}

/** Names the participants of one stage. */
export type Stage = (states: never, stateOf: StateLookup) => Participant.Participants

/** Participants in stages, made by {@link discover}. */
export interface Discovery<out P> {
  readonly stages: ReadonlyArray<Stage>
  /** Only for the type checker: the participants of all stages. */
  readonly "~participants"?: P
}

type Emitted<Decided> = Decided extends Result.Result<infer Events, unknown> ? Events : never

type AccessOf<P> =
  P extends ReadonlyArray<infer Each> ? AccessOf<Each> : P extends Participant.Any ? P["access"] : never

type NameOf<P> =
  P extends ReadonlyArray<infer Each> ? NameOf<Each> : P extends Participant.Any ? P["source"]["name"] : never

// What is wrong with a decision, distributed over its branches.
type Problem<Events, P> =
  Events extends ReadonlyArray<infer Event>
    ? [Event] extends [never]
      ? never
      : "wrap it: Decision.all({ role: decision })"
    : { [Role in keyof Events & string]: RoleProblem<Role, Exclude<Events[Role], undefined>, P> }[keyof Events & string]

type RoleProblem<Role extends string, Events, P> = Role extends keyof P
  ? AccessOf<P[Role]> extends "read"
    ? `the role ${Role} is read-only`
    : P[Role] extends ReadonlyArray<infer Each>
      ? Events extends ReadonlyArray<ReadonlyArray<infer Event>>
        ? PlayerProblem<Role, Event, Each>
        : `the role ${Role} takes a list of decisions, one for each of its streams`
      : Events extends ReadonlyArray<ReadonlyArray<unknown>>
        ? [Events[number]] extends [never]
          ? never
          : `the role ${Role} takes one decision and not a list`
        : Events extends ReadonlyArray<infer Event>
          ? PlayerProblem<Role, Event, P[Role]>
          : never
  : `the boundary has no role ${Role}`

type PlayerProblem<Role extends string, Event, P> =
  TagOf<Event> extends TagOf<Participant.EventOf<P>>
    ? `the role ${Role}: ${EventProblem<NameOf<P>, Event, Participant.EventOf<P>>}`
    : `the role ${Role} takes only events of ${NameOf<P>}`

// The decision itself, or what is wrong with it, which the compiler prints in the place of a type.
type Checked<Name extends string, Decided, P, Error> = [P] extends [never]
  ? Decided
  : [Decided] extends [Result.Result<unknown, unknown>]
    ? [DecisionProblem<Name, Decided, P, Error>] extends [infer Message extends string]
      ? [Message] extends [never]
        ? Decided
        : Joined<Message>
      : Decided
    : "wrap it: Decision.all({ role: decision })"

// One text for all messages: of a union the compiler would print the name and not the members.
type Joined<Messages extends string> =
  LastOf<Messages> extends infer Last extends string
    ? [Exclude<Messages, Last>] extends [never]
      ? Last
      : `${Joined<Exclude<Messages, Last>>}; ${Last}`
    : never

// Of several signatures the compiler infers from the last one.
type LastOf<Union> = (Union extends unknown ? (each: () => Union) => void : never) extends (
  all: infer All extends () => unknown
) => void
  ? ReturnType<All>
  : never

type DecisionProblem<Name extends string, Decided, P, Error> =
  | Problem<Emitted<Decided>, P>
  | ErrorProblem<Name, Decision.ErrorOf<Decided>, Error>

/**
 * Makes a boundary.
 *
 * `participants` names the streams that take part, by role. `decide` gets their
 * states by role and returns their events by role. Events for an unknown role,
 * for a role that is read-only, or for a role of another aggregate do not
 * compile. Nor does an error that `decide` can return and that `errors` does not
 * list. A boundary that rejects nothing leaves out `errors`.
 *
 * The versions of all participants are checked when the events are appended: the
 * step happens on the states that were read, or not at all.
 *
 * Two roles may be played by the same stream. It is read once, and a decision
 * may write to it through one of the two roles.
 *
 * @example
 * ```ts
 * import { Aggregate, Boundary, Decision } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Schema.Int }) {}
 * class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Schema.Int }) {}
 * class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", {}) {}
 * interface Moved { readonly _tag: "Moved"; readonly by: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, Deposit | Withdraw, Moved, Overdrawn>
 *
 * const Transfer = Boundary.make("Transfer", {
 *   command: Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String, amount: Schema.Int }),
 *   participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
 *   errors: [Overdrawn],
 *   decide: ({ amount }, { from, to }) =>
 *     Decision.all({
 *       from: Account.decide(new Withdraw({ amount }), from),
 *       to: Account.decide(new Deposit({ amount }), to)
 *     })
 * })
 *
 * Transfer.decide({ _tag: "Transfer", from: "a", to: "b", amount: 3 }, { from: 10, to: 0 })
 * // Result.succeed({ from: [{ _tag: "Moved", by: -3 }], to: [{ _tag: "Moved", by: 3 }] })
 * ```
 */
export const make = <
  const Name extends string,
  Command extends Tagged,
  Decided,
  // The default lets a `decide` that is declared elsewhere pass until the participants are inferred.
  P extends Participant.Participants = never,
  const Errors extends ReadonlyArray<TaggedSchema> = readonly []
>(
  name: Name,
  definition: {
    /** The schema of its command, or a chain of its versions: see `Versions.first`. */
    readonly command: Schema.Codec<Command, unknown> | Chain<Schema.Codec<Command, unknown>>
    /** Names the streams that take part, by role: all at once, or in stages with {@link discover}. */
    readonly participants: (command: Command) => P | Discovery<P>
    /** The schemas of all errors that `decide` can return. */
    readonly errors?: Errors
    readonly decide: (
      command: Command,
      states: Participant.StatesOf<NoInfer<P>>
    ) => Checked<Name, Decided, NoInfer<P>, TypeOf<NoInfer<Errors>>>
    /** The most streams that one command may read; 1,000 if not given. */
    readonly maxParticipants?: number
  }
): Boundary<Name, Command, Participant.StatesOf<P>, Participant.EventsOf<P>, Decision.ErrorOf<Decided>> => {
  const declared = definition.command
  const command = isChain(declared) ? declared.current : declared
  judge(`${name}, command`, command)
  return {
    _tag: "Boundary",
    name,
    command,
    sent: sentTo(name, declared),
    errors: byTag(name, "errors", definition.errors ?? []) as ReadonlyMap<string, Schema.Codec<never, Tagged>>,
    stages: (command) => {
      const named = definition.participants(command)
      return isDiscovery(named) ? named.stages : [() => named]
    },
    decide: definition.decide as never,
    maxParticipants: definition.maxParticipants ?? 1_000
  }
}

/**
 * Makes a participant, or a list of them, read-only. Its version is still
 * checked. Commands that only read a stream do not conflict with each other.
 *
 * @example
 * ```ts
 * import { Aggregate, Boundary } from "@hexfold/core"
 *
 * declare const Rules: Aggregate.Aggregate<"Rules", string, number, never, never, never>
 *
 * Boundary.readOnly(Rules.at("transfers"))
 * ```
 */
export const readOnly: {
  <Name extends string, State, Event extends Tagged>(
    participant: Participant.Participant<Name, State, Event, Participant.Access>
  ): Participant.Participant<Name, State, Event, "read">
  <Name extends string, State, Event extends Tagged>(
    participants: ReadonlyArray<Participant.Participant<Name, State, Event, Participant.Access>>
  ): ReadonlyArray<Participant.Participant<Name, State, Event, "read">>
} = (participants: Participant.Any | ReadonlyArray<Participant.Any>): never =>
  (isList(participants) ? participants.map(onlyRead) : onlyRead(participants)) as never

const onlyRead = (participant: Participant.Any): Participant.Any => ({ ...participant, access: "read" })

const isList = (role: Participant.Any | ReadonlyArray<Participant.Any>): role is ReadonlyArray<Participant.Any> =>
  Array.isArray(role)

/**
 * Participants in stages: those of a later stage follow from the states of the
 * earlier ones. The first argument holds the participants of the first stage.
 *
 * A stage is called again after its participants were read, until it names no
 * new one. With `stateOf` it looks up the states of the participants that it
 * has named itself, to follow a chain of references. A role of a later stage
 * replaces a role of the same name. Each stream is read once, and the new
 * streams of a round are read in one call.
 *
 * @example
 * ```ts
 * import { Aggregate, Boundary, Decision } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * declare const Order: Aggregate.Aggregate<"Order", string, { readonly method: string }, never, { readonly _tag: "Paid" }, never>
 * declare const Method: Aggregate.Aggregate<"Method", string, { readonly isActive: boolean }, never, never, never>
 *
 * const Pay = Boundary.make("Pay", {
 *   command: Schema.TaggedStruct("Pay", { order: Schema.String }),
 *   participants: (command) =>
 *     Boundary.discover({ order: Order.at(command.order) }, ({ order }) => ({
 *       method: Boundary.readOnly(Method.at(order.method))
 *     })),
 *   decide: (_, { method }) =>
 *     method.isActive ? Decision.all({ order: Decision.accept({ _tag: "Paid" }) }) : Decision.nothing
 * })
 * ```
 */
export const discover: {
  <P1 extends Participant.Participants, P2 extends Participant.Participants>(
    first: P1,
    second: (states: Participant.StatesOf<P1>, stateOf: StateLookup) => P2
  ): Discovery<Merge<P1, P2>>
  <P1 extends Participant.Participants, P2 extends Participant.Participants, P3 extends Participant.Participants>(
    first: P1,
    second: (states: Participant.StatesOf<P1>, stateOf: StateLookup) => P2,
    third: (states: Participant.StatesOf<Merge<P1, P2>>, stateOf: StateLookup) => P3
  ): Discovery<Merge<Merge<P1, P2>, P3>>
  <
    P1 extends Participant.Participants,
    P2 extends Participant.Participants,
    P3 extends Participant.Participants,
    P4 extends Participant.Participants
  >(
    first: P1,
    second: (states: Participant.StatesOf<P1>, stateOf: StateLookup) => P2,
    third: (states: Participant.StatesOf<Merge<P1, P2>>, stateOf: StateLookup) => P3,
    fourth: (states: Participant.StatesOf<Merge<Merge<P1, P2>, P3>>, stateOf: StateLookup) => P4
  ): Discovery<Merge<Merge<Merge<P1, P2>, P3>, P4>>
} = (first: Participant.Participants, ...later: ReadonlyArray<Stage>): never =>
  new Discovered([() => first, ...later]) as never

class Discovered implements Discovery<never> {
  readonly stages: ReadonlyArray<Stage>

  constructor(stages: ReadonlyArray<Stage>) {
    this.stages = stages
  }
}

const isDiscovery = <P>(named: P | Discovery<P>): named is Discovery<P> => named instanceof Discovered

/** The participants of two stages. */
export type Merge<Earlier, Later> = {
  readonly [Role in keyof Earlier | keyof Later]: Role extends keyof Later
    ? Later[Role]
    : Role extends keyof Earlier
      ? Earlier[Role]
      : never
}

/** What every boundary has, as a constraint for functions and types that accept them all. */
export interface Any {
  readonly _tag: "Boundary"
  readonly name: string
  readonly decide: (command: never, states: never) => Result.Result<unknown, unknown>
}

/** A boundary whose types are not known. Who calls its functions answers for what it gives them. */
export type Untyped = Boundary<string, Tagged, unknown, Tagged, unknown>

/** The type of a boundary's command. */
export type CommandOf<B extends Any> = Parameters<B["decide"]>[0]

/** The states of a boundary's roles, by role. */
export type StatesOf<B extends Any> = Parameters<B["decide"]>[1]
