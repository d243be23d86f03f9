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
import type { Tagged } from "./tagged.ts"
import type * as Participant from "./Participant.ts"

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
  /** The participants, stage by stage: those of a stage follow from the states of the stages before. */
  readonly stages: ReadonlyArray<Stage<Command>>
  /** The events that the command causes in these states, by role, or the error that rejects it. */
  readonly decide: (command: Command, states: States) => Result.Result<Emission<Event>, Error>
  /** The most streams that one command may read. */
  readonly maxParticipants: number
}

/** The participants of one stage. */
export type Stage<in Command> = (command: Command, states: never, stateOf: StateLookup) => Participant.Participants

/** The stages of participants, made by {@link discover}. */
export interface Stages<in Command, out P> {
  readonly stages: ReadonlyArray<Stage<Command>>
  /** Only for the type checker: the participants of all stages. */
  readonly participants?: P
}

type Emitted<Decided> = Decided extends Result.Result<infer Events, unknown> ? Events : never

type EventsFor<P> =
  P extends ReadonlyArray<infer Each>
    ? ReadonlyArray<ReadonlyArray<Participant.EventOf<Each>>>
    : ReadonlyArray<Participant.EventOf<P>>

type AccessOf<P> =
  P extends ReadonlyArray<infer Each> ? AccessOf<Each> : P extends Participant.Any ? P["access"] : never

type NameOf<P> =
  P extends ReadonlyArray<infer Each> ? NameOf<Each> : P extends Participant.Any ? P["source"]["name"] : never

// Says for each role of an emission what is wrong with it, distributed over the branches of a decision.
type Problem<Events, P> =
  Events extends ReadonlyArray<never>
    ? never
    : {
        [Role in keyof Events & string]: Role extends keyof P
          ? AccessOf<P[Role]> extends "read"
            ? `the role ${Role} is read-only`
            : Exclude<Events[Role], undefined> extends EventsFor<P[Role]>
              ? never
              : `the role ${Role} takes only events of ${NameOf<P[Role]>}`
          : `the boundary has no role ${Role}`
      }[keyof Events & string]

// What is wrong becomes the name of a property that the decision lacks, so that the compiler prints it.
type Checked<Decided, P> = { readonly [Message in Problem<Emitted<Decided>, P>]: never }

/**
 * Makes a boundary.
 *
 * `participants` says which streams take part, by role; `decide` gets their
 * states by role and returns events by role. Events for a role that is no
 * participant, that is read-only, or that is played by another aggregate do
 * not compile. Whatever takes part is checked when the events are appended:
 * the step happens on the states that were read, or not at all.
 *
 * Two roles may be played by the same stream; it is read once, and a decision
 * may write to it through one of them.
 *
 * @example
 * ```ts
 * import { Aggregate, Boundary, Decision } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Schema.Int }) {}
 * class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Schema.Int }) {}
 * interface Moved { readonly _tag: "Moved"; readonly by: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, Deposit | Withdraw, Moved, "Overdrawn">
 *
 * const Transfer = Boundary.make("Transfer", {
 *   command: Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String, amount: Schema.Int }),
 *   participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
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
  P extends Participant.Participants,
  Decided extends Result.Result<unknown, unknown>
>(
  name: Name,
  definition: {
    readonly command: Schema.Codec<Command, unknown>
    readonly participants: ((command: Command) => P) | Stages<Command, P>
    readonly decide: (
      command: Command,
      states: Participant.StatesOf<NoInfer<P>>
    ) => Decided & Checked<Decided, NoInfer<P>>
    /** The most streams that one command may read; 1,000 if not given. */
    readonly maxParticipants?: number
  }
): Boundary<Name, Command, Participant.StatesOf<P>, Participant.EventsOf<P>, Decision.ErrorOf<Decided>> => ({
  _tag: "Boundary",
  name,
  command: definition.command,
  stages: typeof definition.participants === "function" ? [definition.participants] : definition.participants.stages,
  decide: definition.decide as never,
  maxParticipants: definition.maxParticipants ?? 1_000
})

/**
 * Lets a participant, or the several of a role, only be read. Its version is
 * checked all the same; commands that only read it do not get in each other's
 * way.
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
 * earlier ones.
 *
 * A stage is asked again after its participants were read, until it names none
 * that is new; `stateOf` gives it the states that it has brought in itself, to
 * follow a chain of references. A role of a later stage replaces one of the
 * same name. Each stream is read once, each round of new ones in one snapshot.
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
 *   participants: Boundary.discover(
 *     (command: { readonly order: string }) => ({ order: Order.at(command.order) }),
 *     (_, { order }) => ({ method: Boundary.readOnly(Method.at(order.method)) })
 *   ),
 *   decide: (_, { method }) => method.isActive ? Decision.all({ order: Decision.accept({ _tag: "Paid" }) }) : Decision.nothing
 * })
 * ```
 */
export const discover: {
  <Command, P1 extends Participant.Participants, P2 extends Participant.Participants>(
    first: (command: Command) => P1,
    second: (command: Command, states: Participant.StatesOf<P1>, stateOf: StateLookup) => P2
  ): Stages<Command, Merge<P1, P2>>
  <
    Command,
    P1 extends Participant.Participants,
    P2 extends Participant.Participants,
    P3 extends Participant.Participants
  >(
    first: (command: Command) => P1,
    second: (command: Command, states: Participant.StatesOf<P1>, stateOf: StateLookup) => P2,
    third: (command: Command, states: Participant.StatesOf<Merge<P1, P2>>, stateOf: StateLookup) => P3
  ): Stages<Command, Merge<Merge<P1, P2>, P3>>
  <
    Command,
    P1 extends Participant.Participants,
    P2 extends Participant.Participants,
    P3 extends Participant.Participants,
    P4 extends Participant.Participants
  >(
    first: (command: Command) => P1,
    second: (command: Command, states: Participant.StatesOf<P1>, stateOf: StateLookup) => P2,
    third: (command: Command, states: Participant.StatesOf<Merge<P1, P2>>, stateOf: StateLookup) => P3,
    fourth: (command: Command, states: Participant.StatesOf<Merge<Merge<P1, P2>, P3>>, stateOf: StateLookup) => P4
  ): Stages<Command, Merge<Merge<Merge<P1, P2>, P3>, P4>>
} = (...stages: ReadonlyArray<Stage<never>>): never => ({ stages }) as never

/** The participants of two stages. */
export type Merge<Earlier, Later> = {
  readonly [Role in keyof Earlier | keyof Later]: Role extends keyof Later
    ? Later[Role]
    : Role extends keyof Earlier
      ? Earlier[Role]
      : never
}
