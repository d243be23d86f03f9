import { Result } from "effect"
import { compare, ScenarioFailure, type Shown } from "./compare.ts"

/** A command that has been decided, as a scenario compares it. */
export interface Decided {
  /** The command's tag. */
  readonly command: string
  /** What else a failure says about it. */
  readonly about: string
  /** The events, or the error. */
  readonly outcome: Result.Result<Shown, Shown>
}

/** Throws a failure unless the command is accepted with these events. */
export const accepted = ({ about, command, outcome }: Decided, expected: Shown): void => {
  if (Result.isFailure(outcome)) {
    throw new ScenarioFailure(`${command} was rejected instead of accepted${about}`, expected.json, {
      rejected: outcome.failure.json
    })
  }
  compare(`${command} caused other events${about}`, expected, outcome.success)
}

/** Throws a failure unless the command is rejected with this error. */
export const rejected = ({ about, command, outcome }: Decided, expected: Shown): void => {
  if (Result.isSuccess(outcome)) {
    throw new ScenarioFailure(
      `${command} was accepted instead of rejected${about}`,
      { rejected: expected.json },
      outcome.success.json
    )
  }
  compare(`${command} was rejected for another reason${about}`, expected, outcome.failure)
}

/** Throws a failure if the command was rejected, because only an accepted one may be followed by another without a `then`. */
export const goesOn = ({ about, command, outcome }: Decided, next: string): void => {
  if (Result.isFailure(outcome)) {
    throw new ScenarioFailure(
      `${command} was rejected, and ${next} follows it: if that is meant, say thenRejected before ${next}${about}`,
      "accepted",
      { rejected: outcome.failure.json }
    )
  }
}

/** Throws a failure if a promise calls `then`: a test has returned a scenario that expects nothing. */
export const refuseAwait = (step: string, expected: unknown): void => {
  if (typeof expected === "function") {
    throw new ScenarioFailure(`the scenario ends with ${step} and expects nothing: say then what follows`)
  }
}

/** Events as arguments, lists of events, or both. */
export type Events<Event> = ReadonlyArray<Event | ReadonlyArray<Event>>

/** All events in order. */
export const listed = <Event>(events: Events<Event>): ReadonlyArray<Event> =>
  events.flatMap((each) => (isList(each) ? each : [each]))

const isList = <Event>(each: Event | ReadonlyArray<Event>): each is ReadonlyArray<Event> => Array.isArray(each)
