/**
 * Tests of a domain in its own words: given these events, when this command
 * comes, then these events follow, or these are the records. The words are the
 * same for aggregates, boundaries and views. Depends on no test runner: an
 * outcome that differs throws a {@link ScenarioFailure}.
 */
import type { Aggregate, Boundary, View } from "@hexfold/core"
import { ofAggregate, type Scenario } from "./aggregate.ts"
import { type BoundaryScenario, ofBoundary } from "./boundary.ts"
import type { Events } from "./outcome.ts"
import { ofView, type ViewScenario } from "./view.ts"

export type { Scenario, When } from "./aggregate.ts"
export type { BoundaryScenario, BoundaryWhen, EventsByRole } from "./boundary.ts"
export { ScenarioFailure } from "./compare.ts"
export type { Events } from "./outcome.ts"
export type { EnvelopeSettings, ViewScenario, ViewThen } from "./view.ts"

/**
 * The scenarios of an aggregate, a boundary or a view. An event, a command, an
 * error or a record that it does not have does not compile.
 *
 * A scenario may go on after `then`: with more events, or with the next command,
 * which is decided on what the accepted ones have left. A rejected command changes
 * nothing. A command that is followed by another one without a `then` must be
 * accepted.
 *
 * Every event, state, error and record goes through its JSON and back on the way,
 * as if each had been stored. What a store would refuse or change fails the
 * scenario, with the place and the kinds. A plain object is as good as an instance
 * of a class with the same fields.
 *
 * A boundary's events are given for its participants. The command names the
 * streams that it reads, in stages where it discovers them; a stream without
 * given events is in its initial state. Two roles that both write to one stream
 * throw a `StreamWrittenTwice`.
 *
 * A view's handlers see times and metadata too. `with` says them once for all
 * events that are given from there on, in the words of `Metadata.with`: mostly the
 * events of one step share them, and so the line of an event stays about the event.
 * What is not said is made up: each event is recorded one second after the one
 * before, from 1970 on, and positions and versions are counted.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision } from "@hexfold/core"
 * import { Scenario } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * class Take extends Schema.TaggedClass<Take>()("Take", { count: Schema.Int }) {}
 * class Added extends Schema.TaggedClass<Added>()("Added", { count: Schema.Int }) {}
 * class Taken extends Schema.TaggedClass<Taken>()("Taken", { count: Schema.Int }) {}
 * class TooFew extends Schema.TaggedError<TooFew>()("TooFew", { left: Schema.Int }) {}
 *
 * const Shelf = Aggregate.make("Shelf", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   commands: [Take],
 *   events: [Added, Taken],
 *   errors: [TooFew],
 *   decide: {
 *     Take: ({ count }, left) =>
 *       count > left ? Decision.reject(new TooFew({ left })) : Decision.accept(new Taken({ count }))
 *   },
 *   evolve: { Added: (left, { count }) => left + count, Taken: (left, { count }) => left - count }
 * })
 *
 * Scenario.of(Shelf)
 *   .given(new Added({ count: 5 }))
 *   .when(new Take({ count: 3 }))
 *   .then(new Taken({ count: 3 }))
 *   .when(new Take({ count: 3 }))
 *   .thenRejected(new TooFew({ left: 2 }))
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
 *   events: [Added, Removed],
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
 *   .when(new Move({ from: "a", to: "b" }))
 *   .thenRejected(new Empty())
 * ```
 *
 * @example
 * ```ts
 * import { Aggregate, View } from "@hexfold/core"
 * import { Scenario } from "@hexfold/testing"
 * import { DateTime, Schema } from "effect"
 *
 * class Added extends Schema.TaggedClass<Added>()("Added", { count: Schema.Int }) {}
 *
 * const Shelf = Aggregate.make("Shelf", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   events: [Added],
 *   evolve: { Added: (left, { count }) => left + count }
 * })
 *
 * const LastAdded = View.make("LastAdded", {
 *   from: [Shelf],
 *   state: Schema.Struct({ at: Schema.DateTimeUtc, by: Schema.String }),
 *   evolve: { Added: (_, _event, { metadata, recordedAt }) => ({ at: recordedAt, by: metadata.actor ?? "nobody" }) }
 * })
 *
 * Scenario.of(LastAdded)
 *   .with({ recordedAt: "2026-01-05T09:00:00Z", actor: "anna" })
 *   .given(Shelf.at("a"), new Added({ count: 3 }), new Added({ count: 2 }))
 *   .then({ a: { at: DateTime.makeUnsafe("2026-01-05T09:00:00Z"), by: "anna" } })
 * ```
 */
export const of: {
  <Name extends string, Id, State, Command extends Aggregate.Tagged, Event extends Aggregate.Tagged, Error>(
    aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
  ): Scenario<Command, Event, Error>
  <Name extends string, Command extends Aggregate.Tagged, States, Event extends Aggregate.Tagged, Error>(
    boundary: Boundary.Boundary<Name, Command, States, Event, Error>
  ): BoundaryScenario<Command, States, Event, Error>
  <Name extends string, State, Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>>(
    view: View.View<Name, State, Event, In>
  ): ViewScenario<State, Event, In>
} = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  States,
  Event extends Aggregate.Tagged,
  Error,
  In extends View.Envelope<string, unknown>
>(
  target:
    | Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
    | Boundary.Boundary<Name, Command, States, Event, Error>
    | View.View<Name, State, Event, In>
): never =>
  ("stages" in target ? ofBoundary(target) : "keysOf" in target ? ofView(target) : ofAggregate(target)) as never

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
): Scenario<Command, Event, Error> => ofAggregate(aggregate).given(...events)
