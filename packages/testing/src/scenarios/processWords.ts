/** The words of a process' scenarios. */
import type { Aggregate, Process, Topic } from "@hexfold/core"
import type { DateTime, Duration } from "effect"
import type { Events } from "./outcome.ts"

/** The scenarios of a process, with what has happened so far. */
export interface ProcessScenario<
  State,
  Event extends Aggregate.Tagged,
  To extends Process.Target,
  Timeouts extends string
> {
  /**
   * These events have happened in a stream, such as `Order.at("17")`, after those before. The commands that they caused
   * were accepted, unless `whenRejected` comes next. All events of a scenario concern one process.
   */
  readonly given: <Name extends string, Given extends Event>(
    stream: Topic.Keyed<Name, Given>,
    ...events: Events<NoInfer<Given>>
  ) => ProcessScenario<State, Event, To, Timeouts>
  /** This event comes. */
  readonly when: <Name extends string, Given extends Event>(
    stream: Topic.Keyed<Name, Given>,
    event: NoInfer<Given>
  ) => ProcessWhen<State, Event, To, Timeouts>
  /**
   * The time of this timeout comes, for which the process waits. It is recorded as a step, also where the handler returns
   * `Process.ignore`: `then({})`.
   */
  readonly whenTimeout: (name: Timeouts) => ProcessRecorded<State, Event, To, Timeouts>
  /**
   * The last command to this target is rejected with this error. It is recorded as a step, also where the handler returns
   * `Process.ignore`: `then({})`.
   */
  readonly whenRejected: <T extends To>(
    target: T,
    error: Process.ErrorsOf<NoInfer<T>>
  ) => ProcessRecorded<State, Event, To, Timeouts>
}

/** Something has come that is always recorded; the next step says what must follow. */
export interface ProcessRecorded<
  State,
  Event extends Aggregate.Tagged,
  To extends Process.Target,
  Timeouts extends string
> {
  /**
   * Exactly this follows. What is left out of the commands and timeouts must not be there: `then({})` says that nothing goes
   * out.
   */
  readonly then: (expected: Expected<State, Timeouts>) => ProcessScenario<State, Event, To, Timeouts>
}

/** An event has come; the next step says what must follow. */
export interface ProcessWhen<
  State,
  Event extends Aggregate.Tagged,
  To extends Process.Target,
  Timeouts extends string
> extends ProcessRecorded<State, Event, To, Timeouts> {
  /** Nothing follows: no step is recorded. */
  readonly thenIgnored: () => ProcessScenario<State, Event, To, Timeouts>
}

/** What follows from a step. */
export interface Expected<State, Timeouts extends string> {
  /** The commands, in their order, made by `Process.send`. None by default. */
  readonly commands?: ReadonlyArray<Process.Sent<string>>
  /** The state after the step. It is not compared if it is left out. */
  readonly state?: State
  /** The timeouts that the step asks for: after which time of the event, or when. None by default. */
  readonly timeouts?: { readonly [Name in Timeouts]?: Duration.Input | DateTime.DateTime }
  /** The timeouts that the step takes back, in any order. None by default; those that its end takes back do not count. */
  readonly cancels?: ReadonlyArray<Timeouts>
  /** Whether the process ends. False by default. */
  readonly ends?: boolean
}
