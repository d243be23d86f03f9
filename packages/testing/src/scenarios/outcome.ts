import { Result, Schema } from "effect"
import { compare, ScenarioFailure } from "./compare.ts"

/** A command that has been decided, as a scenario compares it. */
export interface Decided<Events, Error> {
  /** The command's tag, and what else a failure says about it. */
  readonly command: string
  readonly about?: string
  readonly decision: Result.Result<Events, Error>
  /** The events as they would be recorded. */
  readonly recorded: (events: Events) => unknown
  /** The error as JSON. */
  readonly described: (error: Error) => unknown
}

/** Throws a failure unless the command is accepted with these events. */
export const accepted = <Events, Error>(decided: Decided<Events, Error>, expected: Events): void => {
  const { about = "", command, decision, described, recorded } = decided
  if (Result.isFailure(decision)) {
    throw new ScenarioFailure(`${command} was rejected instead of accepted${about}`, recorded(expected), {
      rejected: described(decision.failure)
    })
  }
  compare(`${command} caused other events${about}`, recorded(expected), recorded(decision.success))
}

/** Throws a failure unless the command is rejected with this error. */
export const rejected = <Events, Error>(decided: Decided<Events, Error>, expected: Error): void => {
  const { about = "", command, decision, described, recorded } = decided
  if (Result.isSuccess(decision)) {
    throw new ScenarioFailure(
      `${command} was accepted instead of rejected${about}`,
      { rejected: described(expected) },
      recorded(decision.success)
    )
  }
  compare(`${command} was rejected for another reason${about}`, described(expected), described(decision.failure))
}

/** A value of a class that is a schema as JSON; any other value with its fields in one order. */
export const plain = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  const { constructor } = value
  if (isCodec(constructor)) return Schema.encodeUnknownSync(Schema.toCodecJson(constructor))(value)
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const isCodec = (value: unknown): value is Schema.Codec<unknown, unknown> => Schema.isSchema(value)

/** Events as arguments, lists of events, or both. */
export type Events<Event> = ReadonlyArray<Event | ReadonlyArray<Event>>

/** All events in order. */
export const listed = <Event extends object>(events: Events<Event>): ReadonlyArray<Event> =>
  events.flatMap((each) => (isList(each) ? each : [each]))

const isList = <Event>(each: Event | ReadonlyArray<Event>): each is ReadonlyArray<Event> => Array.isArray(each)
