/**
 * Tests of an aggregate or of a boundary in its own words: given these events,
 * when this command comes, then these events follow. Depends on no test runner:
 * an outcome that differs throws a {@link ScenarioFailure}.
 */
import type { Aggregate, Boundary, Participant } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Result, Schema } from "effect"
import { cast, checkWrites, type History, recordedByRole, rolesOf, statesOf } from "./boundaryRun.ts"
import { ScenarioFailure } from "./compare.ts"
import { accepted, type Decided, type Events, listed, plain, rejected } from "./outcome.ts"

export { type Events, ScenarioFailure }

/** The scenarios of an aggregate. */
export interface Scenario<Command, Event, Error> extends Given<Command, Event, Error> {
  /** These events have happened, as arguments or as a list. */
  readonly given: (...events: Events<Event>) => Given<Command, Event, Error>
}

/** The events that have happened; the next step is a command. */
export interface Given<Command, Event, Error> {
  readonly when: (command: Command) => When<Event, Error>
}

/** The command has been decided; the next step says what must have come of it. */
export interface When<Event, Error> {
  /** The command is accepted and causes exactly these events, in this order; as arguments or as a list. */
  readonly then: (...events: Events<Event>) => void
  /** The command is rejected with exactly this error. */
  readonly thenRejected: (error: Error) => void
  /** The command is accepted and causes no event. */
  readonly thenNothing: () => void
}

/** The scenarios of a boundary, with the events given so far. */
export interface BoundaryScenario<Command, States, Event, Error> {
  /** These events have happened in the stream of a participant, such as `Account.at("a")`, after those given before. */
  readonly given: <Name extends string, State, Given extends Aggregate.Tagged>(
    participant: Participant.Participant<Name, State, Given, Participant.Access>,
    ...events: Events<NoInfer<Given>>
  ) => BoundaryScenario<Command, States, Event, Error>
  readonly when: (command: Command) => BoundaryWhen<States, Event, Error>
}

/** The command of a boundary has been decided; the next step says what must have come of it. */
export interface BoundaryWhen<States, Event, Error> {
  /** The command is accepted and causes exactly these events. A role that is left out gets no event. */
  readonly then: (events: EventsByRole<States, Event>) => void
  /** The command is rejected with exactly this error. */
  readonly thenRejected: (error: Error) => void
  /** The command is accepted and causes no event. */
  readonly thenNothing: () => void
}

/** The events of a decision by role; for a role of several streams, a list for each in the role's order. */
export type EventsByRole<States, Event> =
  States extends Participant.StatesOf<infer P>
    ? { readonly [Role in keyof P]?: EventsOf<P[Role], Event> }
    : { readonly [Role in keyof States]?: EventsOf<unknown, Event> }

// The states of a boundary that `Boundary.make` has made name its participants, so each role has its own events.
type EventsOf<Players, Event> = Players extends Participant.Any
  ? ReadonlyArray<Participant.EventOf<Players>>
  : Players extends ReadonlyArray<infer Each extends Participant.Any>
    ? ReadonlyArray<ReadonlyArray<Participant.EventOf<Each>>>
    : ReadonlyArray<Event> | ReadonlyArray<ReadonlyArray<Event>>

/**
 * The scenarios of an aggregate or of a boundary. An event, a command or an
 * error that it does not have does not compile.
 *
 * A boundary's events are given for its participants. The command names the
 * streams that it reads, in stages where it discovers them; a stream without
 * given events is in its initial state. Two roles that both write to one stream
 * throw a `StreamWrittenTwice`.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision } from "@hexfold/core"
 * import { Scenario } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}
 * class Incremented extends Schema.TaggedClass<Incremented>()("Incremented", { by: Schema.Int }) {}
 *
 * const Counter = Aggregate.make("Counter", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   commands: [Increment],
 *   events: [Incremented],
 *   errors: [],
 *   decide: { Increment: ({ by }) => Decision.accept(new Incremented({ by })) },
 *   evolve: { Incremented: (count, { by }) => count + by }
 * })
 *
 * Scenario.of(Counter)
 *   .given(new Incremented({ by: 1 }))
 *   .when(new Increment({ by: 2 }))
 *   .then(new Incremented({ by: 2 }))
 * ```
 *
 * @example
 * ```ts
 * import { Aggregate, Boundary, Decision } from "@hexfold/core"
 * import { Scenario } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * class Move extends Schema.TaggedClass<Move>()("Move", { from: Schema.String, to: Schema.String }) {}
 * class Added extends Schema.TaggedClass<Added>()("Added", {}) {}
 * class Removed extends Schema.TaggedClass<Removed>()("Removed", {}) {}
 * class Empty extends Schema.TaggedError<Empty>()("Empty", {}) {}
 *
 * const Shelf = Aggregate.make("Shelf", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   commands: [],
 *   events: [Added, Removed],
 *   errors: [],
 *   decide: {},
 *   evolve: { Added: (count) => count + 1, Removed: (count) => count - 1 }
 * })
 *
 * const MoveOne = Boundary.make("MoveOne", {
 *   command: Move,
 *   participants: ({ from, to }) => ({ from: Shelf.at(from), to: Shelf.at(to) }),
 *   errors: [Empty],
 *   decide: (_, { from }) =>
 *     from === 0
 *       ? Decision.reject(new Empty())
 *       : Decision.all({ from: Decision.accept(new Removed()), to: Decision.accept(new Added()) })
 * })
 *
 * Scenario.of(MoveOne)
 *   .given(Shelf.at("a"), new Added())
 *   .when(new Move({ from: "a", to: "b" }))
 *   .then({ from: [new Removed()], to: [new Added()] })
 *
 * Scenario.of(MoveOne).when(new Move({ from: "a", to: "b" })).thenRejected(new Empty())
 * ```
 */
export const of: {
  <Name extends string, Id, State, Command extends Aggregate.Tagged, Event extends Aggregate.Tagged, Error>(
    aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
  ): Scenario<Command, Event, Error>
  <Name extends string, Command extends Aggregate.Tagged, States, Event extends Aggregate.Tagged, Error>(
    boundary: Boundary.Boundary<Name, Command, States, Event, Error>
  ): BoundaryScenario<Command, States, Event, Error>
} = <Name extends string, Id, State, Command extends Aggregate.Tagged, States, Event extends Aggregate.Tagged, Error>(
  target:
    | Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
    | Boundary.Boundary<Name, Command, States, Event, Error>
): never => ("stages" in target ? ofBoundary(target, new Map()) : ofAggregate(target)) as never

/**
 * Begins a scenario of an aggregate: the same as `of` and then `given`.
 *
 * @example
 * ```ts
 * import { Aggregate } from "@hexfold/core"
 * import { Scenario } from "@hexfold/testing"
 *
 * interface Reset { readonly _tag: "Reset" }
 * interface WasReset { readonly _tag: "WasReset" }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Reset, WasReset, never>
 *
 * const twice = () => Scenario.given(Counter, { _tag: "WasReset" }).when({ _tag: "Reset" }).thenNothing()
 * ```
 */
export const given = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  Error
>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>,
  ...events: Events<NoInfer<Event>>
): Given<Command, Event, Error> => ofAggregate(aggregate).given(...events)

const ofAggregate = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  Error
>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
): Scenario<Command, Event, Error> => {
  const codec = EventCodec.of(aggregate)
  // Compared as they would be recorded: a plain object and an instance with the same fields are the same event.
  const recorded = (events: ReadonlyArray<Event>) =>
    events.map((event) => {
      const { data, type } = Result.getOrThrow(codec.encode(event))
      return { [type]: data }
    })
  const described = (error: Error) => {
    const tag = (error as Partial<Aggregate.Tagged>)._tag ?? ""
    const schema = aggregate.schemas.errors.get(tag)
    return schema === undefined ? error : Schema.encodeSync(Schema.toCodecJson(schema))(error)
  }
  const given = (...history: Events<Event>): Given<Command, Event, Error> => ({
    when: (command) => {
      const state = listed(history).reduce((state, event) => aggregate.evolve(state, event), aggregate.initial)
      const decision = aggregate.decide(command, state)
      const decided: Decided<ReadonlyArray<Event>, Error> = { command: command._tag, decision, recorded, described }
      return {
        then: (...expected) => accepted(decided, listed(expected)),
        thenNothing: () => accepted(decided, []),
        thenRejected: (expected) => rejected(decided, expected)
      }
    }
  })
  return { given, when: given().when }
}

const ofBoundary = <
  Name extends string,
  Command extends Aggregate.Tagged,
  States,
  Event extends Aggregate.Tagged,
  Error
>(
  boundary: Boundary.Boundary<Name, Command, States, Event, Error>,
  history: History
): BoundaryScenario<Command, States, Event, Error> => ({
  given: ({ streamId }, ...events) =>
    ofBoundary(boundary, new Map(history).set(streamId, [...(history.get(streamId) ?? []), ...listed(events)])),
  when: (command) => {
    const roles = rolesOf(boundary, command, history)
    const decision = boundary.decide(command, statesOf(roles, history) as States)
    if (Result.isSuccess(decision)) checkWrites(boundary.name, roles, decision.success)
    const decided: Decided<object, Error> = {
      command: command._tag,
      about: cast(roles, history),
      decision,
      recorded: (emission) => recordedByRole(roles, emission),
      described: plain
    }
    return {
      then: (expected) => accepted(decided, expected),
      thenNothing: () => accepted(decided, {}),
      thenRejected: (expected) => rejected(decided, expected)
    }
  }
})
