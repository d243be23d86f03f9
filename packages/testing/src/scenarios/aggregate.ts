import type { Aggregate } from "@hexfold/core"
import { Result } from "effect"
import { fold, initialOf, keepError, keepEvent, together } from "./kept.ts"
import { accepted, type Decided, type Events, goesOn, listed, refuseAwait, rejected } from "./outcome.ts"

/** The scenarios of an aggregate, with what has happened so far. */
export interface Scenario<Command, Event, Error> {
  /** These events have happened, after those before, as arguments or as a list. */
  readonly given: (...events: Events<Event>) => Scenario<Command, Event, Error>
  /** This command comes. */
  readonly when: (command: Command) => When<Command, Event, Error>
}

/** The command has been decided; the next step says what must have come of it. */
export interface When<Command, Event, Error> {
  /** The command is accepted, whatever it causes, and then this one comes. */
  readonly when: (command: Command) => When<Command, Event, Error>
  /** The command is accepted and causes exactly these events, in this order; as arguments or as a list. */
  readonly then: (...events: Events<Event>) => Scenario<Command, Event, Error>
  /** The command is rejected with exactly this error. */
  readonly thenRejected: (error: Error) => Scenario<Command, Event, Error>
  /** The command is accepted and causes no event. */
  readonly thenNothing: () => Scenario<Command, Event, Error>
}

/** The scenarios of an aggregate without events. */
export const ofAggregate = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  Error
>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
): Scenario<Command, Event, Error> => {
  const { name, schemas } = aggregate
  // What is read back has the type of the state.
  const foldOf = (which: string, state: State, events: ReadonlyArray<Event>) =>
    fold(aggregate, which, state, events) as State
  const expectedEvents = (events: ReadonlyArray<Event>) =>
    together(events.map((event) => keepEvent(aggregate, "the expected event", event)))

  // The state is made when a command comes, so that what is wrong with a given event fails one test, and not a file of tests.
  const after = (stateNow: () => State): Scenario<Command, Event, Error> => ({
    given: (...events) => after(() => foldOf("the given event", stateNow(), listed(events))),

    when: (command) => {
      const tag = command._tag
      const state = stateNow()
      const decision = Result.mapBoth(aggregate.decide(command, state), {
        onSuccess: (events) => events.map((event) => keepEvent(aggregate, `${tag} causes: the event`, event)),
        onFailure: (error) => keepError(name, schemas.errors, `${tag} is rejected: the error`, error)
      })
      const decided: Decided = {
        command: tag,
        about: "",
        outcome: Result.map(decision, together)
      }
      const next = () => {
        if (Result.isFailure(decision)) return after(stateNow)
        const caused = decision.success.map(({ value }) => value)
        const then = foldOf(`${tag} causes: the event`, state, caused)
        return after(() => then)
      }
      return {
        when: (following) => {
          goesOn(decided, following._tag)
          return next().when(following)
        },
        then: (...expected) => {
          refuseAwait(`when(${tag})`, expected[0])
          accepted(decided, expectedEvents(listed(expected)))
          return next()
        },
        thenNothing: () => {
          accepted(decided, together([]))
          return next()
        },
        thenRejected: (expected) => {
          rejected(decided, keepError(name, schemas.errors, "the expected error", expected))
          return next()
        }
      }
    }
  })
  return after(() => initialOf(aggregate) as State)
}
