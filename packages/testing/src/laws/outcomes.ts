/** Outcomes of commands, to be compared and shown. */
import type { Participant } from "@hexfold/core"
import { Equal, type Schema } from "effect"
import { journeyOf } from "../histories/journey.ts"
import { printed } from "../histories/printed.ts"
import {
  type AnyAggregate,
  type AnyBoundary,
  isBoundary,
  type Outcome,
  type Tagged,
  tagOf
} from "../histories/world.ts"
import { isList } from "../scenarios/roles.ts"

/** Whether two outcomes have the same meaning: sets and maps have no order. */
export const haveSameMeaning = (one: Outcome, other: Outcome): boolean =>
  one._tag === "Accepted" && other._tag === "Accepted"
    ? Equal.equals(emittedOf(one.emission), emittedOf(other.emission))
    : one._tag === "Rejected" && other._tag === "Rejected" && Equal.equals(one.error, other.error)

// The roles that have events, in one order.
const emittedOf = (emission: object): ReadonlyArray<readonly [string, ReadonlyArray<unknown>]> =>
  Object.entries(emission as Readonly<Record<string, ReadonlyArray<unknown>>>)
    .filter(([, events]) => events.flat().length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))

/** An outcome as a text. Outcomes with the same text are equal. */
export const outcomeText = (
  target: AnyAggregate | AnyBoundary,
  outcome: Outcome,
  roles: Participant.Participants
): string => {
  if (outcome._tag === "Defect") return `a defect, ${String(outcome.thrown)}`
  if (outcome._tag === "Refused") return `a refusal, ${outcome.why}`
  if (outcome._tag === "Rejected") return `a rejection, ${jsonOf(outcome.error, errorsOf(target))}`
  const emitted = emittedOf(outcome.emission)
  if (emitted.length === 0) return "no event"
  const textOf = (players: Participant.Any | ReadonlyArray<Participant.Any>, events: ReadonlyArray<unknown>): string =>
    isList(players)
      ? players.map((each, i) => textOf(each, (events[i] ?? []) as ReadonlyArray<unknown>)).join(", ")
      : `[${events.map((event) => jsonOf(event, players.source.schemas.events)).join(", ")}]`
  return emitted.map(([role, events]) => `${role}: ${textOf(roles[role]!, events)}`).join("; ")
}

const jsonOf = (value: unknown, schemas: ReadonlyMap<string, Schema.Codec<unknown, Tagged>>): string => {
  const schema = schemas.get(tagOf(value))
  return schema === undefined ? printed(value) : journeyOf(schema).json(value)
}

/** The errors that an aggregate or a boundary declares. */
export const errorsOf = (target: AnyAggregate | AnyBoundary): ReadonlyMap<string, Schema.Codec<unknown, Tagged>> =>
  isBoundary(target) ? target.errors : target.schemas.errors
