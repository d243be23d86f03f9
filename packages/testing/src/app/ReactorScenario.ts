/**
 * Tests of a reactor in the words of its domain: given these events, when this event comes, then its handler executes
 * these commands. The commands are really executed, on stores in memory. Depends on no test runner: an outcome that
 * differs fails with a {@link ScenarioFailure}.
 */
import type { MemoryStores } from "@hexfold/adapters-memory"
import type { Aggregate, Reactor, Topic, View } from "@hexfold/core"
import type { Effect } from "effect"
import { ScenarioFailure } from "../scenarios/compare.ts"
import { type Events, listed, refuseAwait } from "../scenarios/outcome.ts"
import { type Check, fails, run, type Step, succeeds } from "./reactionSteps.ts"

export { ScenarioFailure }

/** The scenarios of a reactor, with what has happened so far. `R` is what its handlers need. */
export interface ReactorScenario<Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>, R> {
  /**
   * These events have happened in a stream, such as `Course.at("a")`, after those before, and were handled: as arguments
   * or as a list. The stream may be that of any aggregate or topic, also of one to which the handlers send commands.
   */
  readonly given: <Name extends string, Given extends Aggregate.Tagged>(
    stream: Topic.Keyed<Name, Given>,
    ...events: Events<NoInfer<Given>>
  ) => ReactorScenario<Event, In, R>
  /** This event comes, and is handled once. */
  readonly when: <Name extends In["aggregate"], Given extends Event>(
    stream: Topic.Keyed<Name, Given>,
    event: NoInfer<Given>
  ) => ReactorWhen<Event, In, R>
  /** Runs the scenario. Nothing is checked before. What the handlers need besides the stores is yours to provide. */
  readonly run: Effect.Effect<void, ScenarioFailure, Exclude<R, MemoryStores.Stores>>
}

/** The event has been handled; the next step says what must have come of it. */
export interface ReactorWhen<Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>, R> {
  /** The handler has succeeded, and has executed exactly these commands, in this order. See {@link command}. */
  readonly then: (...commands: ReadonlyArray<Command>) => ReactorThen<Event, In, R>
  /** The handler has succeeded, and has executed no command. */
  readonly thenNothing: () => ReactorThen<Event, In, R>
  /** The handler has failed with exactly this error, after these commands. */
  readonly thenFails: (error: unknown, ...commands: ReadonlyArray<Command>) => ReactorThen<Event, In, R>
}

/** What came of the event is as it must be. */
export interface ReactorThen<
  Event extends Aggregate.Tagged,
  In extends View.Envelope<string, unknown>,
  R
> extends ReactorScenario<Event, In, R> {
  /**
   * To handle the event again changes nothing in the store. It is handled again after it was handled, and also after each
   * handling that ends after one of its commands, as after a crash. The handler runs several times for it: what it does
   * outside of the store happens again, each time under the same `Reactor.key`.
   */
  readonly thenRepeats: () => ReactorThen<Event, In, R>
}

/** A command that a handler is expected to execute, made by {@link command} or {@link rejected}. */
export interface Command {
  /** The name of the aggregate, the boundary or the topic. */
  readonly target: string
  /** The id of the aggregate, or the key of the topic. */
  readonly id?: unknown
  readonly command: unknown
  /** The error with which the domain rejects it; undefined if it is accepted. */
  readonly error?: unknown
}

/** What {@link command} takes after its target: the id of an aggregate, and the command; the key of a topic, and its events. */
export type Arguments<T> = T extends {
  readonly _tag: "Boundary"
  readonly decide: (command: infer Command, states: never) => unknown
}
  ? [command: Command]
  : T extends {
        readonly streamId: (id: infer Id) => unknown
        readonly decide: (command: infer Command, state: never) => unknown
      }
    ? [id: Id, command: Command]
    : T extends Topic.Topic<infer _Name, infer Key, infer Event>
      ? [key: Key, ...events: ReadonlyArray<Event>]
      : never

/** What a command is executed on: an aggregate, a boundary, or a topic to which events are published. */
export interface Target {
  readonly name: string
  readonly schemas?: unknown
}

/**
 * A command that is accepted: `command(aggregate, id, command)` or `command(boundary, command)`, as for
 * `Executor.execute`, or `command(topic, key, event)` for what `Executor.publish` records.
 *
 * @example
 * ```ts
 * import type { Aggregate } from "@hexfold/core"
 * import { ReactorScenario } from "@hexfold/testing"
 *
 * interface Invite { readonly _tag: "Invite" }
 * declare const WaitingList: Aggregate.Aggregate<"WaitingList", string, number, Invite, never, never>
 *
 * const invites = ReactorScenario.command(WaitingList, "painting", { _tag: "Invite" })
 * ```
 */
export const command = <const T extends Target>(target: T, ...args: Arguments<T>): Command => {
  const [first, ...others]: ReadonlyArray<unknown> = args
  if (!("_tag" in target)) return { target: target.name, id: first, command: others[0] }
  return target._tag === "Topic"
    ? { target: target.name, id: first, command: others }
    : { target: target.name, command: first }
}

/**
 * A command that is rejected with an error of its domain, or that fails with another one.
 *
 * @example
 * ```ts
 * import { ReactorScenario } from "@hexfold/testing"
 *
 * declare const invites: ReactorScenario.Command
 *
 * const refused = ReactorScenario.rejected(invites, { _tag: "NobodyWaits" })
 * ```
 */
export const rejected = (command: Command, error: unknown): Command => ({ ...command, error })

/**
 * The scenarios of a reactor. An event that it does not have, or a command that the target does not have, does not
 * compile.
 *
 * `given` says what has happened, and `when` which event comes. Each command that the handler executes is executed on
 * stores in memory, so its answer is that of the target. The handler runs once, without the reactor's retries, on the test
 * clock of a `TestApp`. What it does outside of the store goes to the services that you provide, and you look at them after
 * `run`. A scenario may go on after `then`.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision, Executor, Reactor } from "@hexfold/core"
 * import { ReactorScenario } from "@hexfold/testing"
 * import { Context, Effect, Schema } from "effect"
 *
 * class PlaceFreed extends Schema.TaggedClass<PlaceFreed>()("PlaceFreed", {}) {}
 * class Invite extends Schema.TaggedClass<Invite>()("Invite", {}) {}
 * class Joined extends Schema.TaggedClass<Joined>()("Joined", { guest: Schema.String }) {}
 * class Invited extends Schema.TaggedClass<Invited>()("Invited", { guest: Schema.String }) {}
 *
 * const Course = Aggregate.make("Course", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   events: [PlaceFreed],
 *   evolve: { PlaceFreed: (free) => free + 1 }
 * })
 * const WaitingList = Aggregate.make("WaitingList", {
 *   id: Schema.String,
 *   state: Schema.Array(Schema.String),
 *   initial: [],
 *   commands: [Invite],
 *   events: [Joined, Invited],
 *   errors: [],
 *   decide: {
 *     Invite: (_, [guest]) => (guest === undefined ? Decision.nothing : Decision.accept(new Invited({ guest })))
 *   },
 *   evolve: { Joined: (waiting, { guest }) => [...waiting, guest], Invited: ([_, ...waiting]) => waiting }
 * })
 * class Mails extends Context.Service<Mails, { readonly send: (about: string) => Effect.Effect<void> }>()("Mails") {}
 *
 * const MoveUp = Reactor.make("MoveUp", {
 *   from: [Course],
 *   start: "beginning",
 *   on: {
 *     PlaceFreed: (_, { id }) =>
 *       Executor.execute(WaitingList, id, new Invite()).pipe(
 *         Effect.andThen(Mails.use(({ send }) => send(id)))
 *       )
 *   }
 * })
 *
 * const sent: Array<string> = []
 * const scenario = ReactorScenario.of(MoveUp)
 *   .given(WaitingList.at("painting"), new Joined({ guest: "anna" }))
 *   .when(Course.at("painting"), new PlaceFreed())
 *   .then(ReactorScenario.command(WaitingList, "painting", new Invite()))
 *   .thenRepeats()
 *
 * const test = scenario.run.pipe(
 *   Effect.provideService(Mails, { send: (about) => Effect.sync(() => void sent.push(about)) })
 * )
 * ```
 */
export const of = <Name extends string, Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>, R>(
  reactor: Reactor.Reactor<Name, Event, In, R>
): ReactorScenario<Event, In, R> => {
  const after = (steps: ReadonlyArray<Step>): ReactorThen<Event, In, R> => ({
    given: (stream, ...events) => after([...steps, { stream, events: () => listed(events), check: undefined }]),
    when: (stream, event) => {
      const tag = event._tag
      const next = (check: Check) => after([...steps, { stream, events: () => [event], check }])
      return {
        then: (...commands) => {
          refuseAwait(`when(${tag})`, commands[0])
          return next(succeeds(tag, commands))
        },
        thenNothing: () => next(succeeds(tag, [])),
        thenFails: (error, ...commands) => next(fails(tag, error, commands))
      }
    },
    thenRepeats: () => after([...steps, "repeats"]),
    run: run<R>(reactor, steps)
  })
  return after([])
}
