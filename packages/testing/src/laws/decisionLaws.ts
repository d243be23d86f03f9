/** The laws of `decide` and `evolve`, on each step of a history. */
import type { Participant } from "@hexfold/core"
import { Result, type Schema } from "effect"
import { atAnotherTime } from "./atAnotherTime.ts"
import type { Broken } from "./broken.ts"
import { errorsOf, haveSameMeaning, outcomeText } from "./outcomes.ts"
import { isMutation } from "../histories/frozen.ts"
import { type Journey, journeyOf } from "../histories/journey.ts"
import { printed, thrownText } from "../histories/printed.ts"
import { isList } from "../scenarios/roles.ts"
import {
  decided,
  evolve,
  isBoundary,
  mapStates,
  type Outcome,
  type Part,
  type Run,
  type Stream,
  type Step,
  stateSchema,
  tagOf
} from "../histories/world.ts"

/**
 * The first law that a step of the history breaks. Histories are of all lengths, so the laws that call the functions
 * again look at the last steps alone: they would find the same in the first ones, in three times the time.
 */
export const decisionLaws = ({ steps, streams }: Run): Broken | undefined => {
  const last = steps.length - stepsAgain
  for (const [i, step] of steps.entries()) {
    const broken = ofDeclarations(step) ?? (i < last ? undefined : ofStep(step))
    if (broken !== undefined) return broken
  }
  for (const stream of streams.values()) {
    const broken = ofReplay(stream)
    if (broken !== undefined) return broken
  }
  return undefined
}

const stepsAgain = 3

const ofStep = (step: Step): Broken | undefined => {
  const { outcome } = step
  if (outcome._tag === "Defect" || outcome._tag === "Refused") return undefined
  return (
    ofSurvival(step, outcome) ??
    ofRepetition(step, outcome) ??
    step.parts.reduce<Broken | undefined>((broken, part) => broken ?? ofEvolve(part), undefined)
  )
}

/** The law that a function breaks which throws: no other law says anything of such a history. */
export const defectLaw = ({ steps }: Run): Broken | undefined => {
  const last = steps.at(-1)
  return last?.outcome._tag === "Defect" ? ofDefect(last, last.outcome) : undefined
}

const ofDefect = ({ command, target }: Step, { of, thrown }: Extract<Outcome, { _tag: "Defect" }>): Broken => ({
  law: isMutation(thrown) ? `${of} does not change its inputs` : `${of} does not throw`,
  detail: `On ${printed(command)}, ${of} of ${target.name} has thrown ${thrownText(thrown)}.`,
  cause: thrown
})

const ofDeclarations = ({ command, outcome, parts, roles, target }: Step): Broken | undefined => {
  if (outcome._tag === "Rejected") {
    const errors = errorsOf(target)
    const own = isBoundary(target) ? undefined : target.schemas.rejections.get(command._tag)
    const declared = new Map([...errors].filter(([tag]) => own?.has(tag) ?? true))
    const tag = tagOf(outcome.error)
    return declared.has(tag)
      ? undefined
      : {
          law: "decide rejects only with declared errors",
          detail: `${printed(command)} was rejected with ${printed(outcome.error)}. Declared are ${namesOf(declared)}.`
        }
  }
  const law = isBoundary(target) ? "each role gets only its own events" : "decide causes only declared events"
  if (outcome._tag === "Accepted" && isBoundary(target)) {
    for (const [role, own] of Object.entries(outcome.emission as Record<string, ReadonlyArray<unknown>>)) {
      const players = roles[role]
      const surplus = players === undefined ? own : isList(players) ? own.slice(players.length) : []
      if (surplus.flat().length === 0) continue
      const why = players === undefined ? "there is no such role" : "no stream plays the last of them"
      return { law, detail: `${printed(command)} has events for "${role}", and ${why}.` }
    }
  }
  for (const { events, participant, role } of parts) {
    if (events.length > 0 && participant.access === "read") {
      return { law, detail: `${printed(command)} has events for "${role}", which is read-only.` }
    }
    const declared = participant.source.schemas.events
    const other = events.find((event) => !declared.has(tagOf(event)))
    if (other !== undefined) {
      const detail = `${printed(command)} caused ${printed(other)}. Declared of ${participant.source.name} are ${namesOf(declared)}.`
      return { law, detail }
    }
  }
  return undefined
}

const ofSurvival = ({ parts, target }: Step, outcome: Outcome): Broken | undefined => {
  if (outcome._tag === "Rejected") {
    return lost("error", outcome.error, errorsOf(target).get(tagOf(outcome.error))!)
  }
  for (const { after, before, events, participant } of parts) {
    const { source } = participant
    const schema = stateSchema(source)
    // The state before the first event is nobody's result.
    const first = before.events.length > 0 || schema === undefined ? undefined : lost("state", source.initial, schema)
    if (first !== undefined) return first
    for (const event of events) {
      const broken = lost("event", event, source.schemas.events.get(event._tag)!)
      if (broken !== undefined) return broken
    }
    const broken = events.length === 0 || schema === undefined ? undefined : lost("state", after.state, schema)
    if (broken !== undefined) return broken
  }
  return undefined
}

const lost = (what: string, value: unknown, schema: Schema.Codec<unknown, unknown>): Broken | undefined => {
  const back = journeyOf(schema).back(value)
  return Result.isSuccess(back)
    ? undefined
    : { law: `every ${what} comes back from a store as it was`, detail: `${printed(value)}: ${back.failure}` }
}

// `decide` again, on the same inputs and on what a store may give back.
const ofRepetition = (step: Step, outcome: Outcome): Broken | undefined => {
  const { command, roles, states, target } = step
  const textOf = (each: Outcome) => outcomeText(target, each, roles)
  const isSame = (other: Outcome) => textOf(other) === textOf(outcome) || haveSameMeaning(other, outcome)
  const again = (states: Record<string, unknown>) => decided(step, states)
  // Twice more: what goes back and forth is the same every other time.
  for (const other of [again(states), atAnotherTime(() => again(states))]) {
    if (isSame(other)) continue
    const detail = `${printed(command)} came to ${textOf(outcome)}, and then to ${textOf(other)}.`
    return { law: "decide is deterministic", detail }
  }
  // A store reorders what it keeps, and so no command.
  const reordered = again(mapStates(roles, states, reorderedState))
  return isSame(reordered)
    ? undefined
    : {
        law: "decide does not depend on the order of keys",
        detail: `${printed(command)} came to ${textOf(outcome)}. On the same states with their keys in another order it came to ${textOf(reordered)}.`
      }
}

const reorderedState = (source: Participant.Any["source"], state: unknown): unknown => {
  const schema = stateSchema(source)
  return schema === undefined ? state : given(journeyOf(schema).reordered, state)
}

// A value that does not survive is told of by a law of its own.
const given = <A>(way: Journey<A>["back"], value: A): A => Result.getOrElse(way(value), () => value)

const ofEvolve = ({ before, events, participant: { source } }: Part): Broken | undefined => {
  const schema = stateSchema(source)
  if (schema === undefined) return undefined
  const states = journeyOf(schema)
  let state = before.state
  for (const event of events) {
    const ways = journeyOf<unknown>(source.schemas.events.get(event._tag)!)
    const evolved = (from: unknown, by: unknown) =>
      Result.try({
        try: () => evolve(source, from, by),
        catch: (thrown): Broken => ({
          law: isMutation(thrown) ? "evolve does not change its inputs" : "evolve does not throw",
          detail: `${printed(event)}, as a store gives it back: it has thrown ${thrownText(thrown)}.`,
          cause: thrown
        })
      })
    const all = Result.all([
      evolved(state, event),
      // Twice more: what goes back and forth is the same every other time.
      evolved(state, event),
      atAnotherTime(() => evolved(state, event)),
      evolved(given(states.back, state), given(ways.back, event)),
      evolved(given(states.reordered, state), given(ways.reordered, event))
    ])
    if (Result.isFailure(all)) return all.failure
    const [first, second, third, stored, reordered] = all.success
    for (const again of [second, third]) {
      if (states.isSame(again, first)) continue
      return ofRepeated(printed(event), states.json(first), states.json(again))
    }
    if (!states.isSame(reordered, stored)) {
      return {
        law: "evolve does not depend on the order of keys",
        detail: `${printed(event)} led to ${states.json(stored)}. With keys in another order it led to ${states.json(reordered)}.`
      }
    }
    if (!states.isSame(stored, first)) return ofStored(states.json(first), states.json(stored))
    state = first
  }
  return undefined
}

const ofRepeated = (what: string, first: string, again: string): Broken => ({
  law: "evolve is deterministic",
  detail: `${what} led to ${first}, and then to ${again}.`
})

const ofStored = (decided: string, read: string): Broken => ({
  law: "what was stored leads to the state that decided",
  detail: `The state was ${decided}. What was stored leads to ${read}.`
})

// A state that was changed in place, or that is kept outside of `evolve`, differs from the fold of what was stored.
const ofReplay = ({ events, source, state }: Stream): Broken | undefined => {
  const schema = stateSchema(source)
  if (schema === undefined) return undefined
  const journey = journeyOf(schema)
  const stored = events.map((event) =>
    Result.getOrElse(journeyOf<unknown>(source.schemas.events.get(event._tag)!).back(event), () => event)
  )
  const replay = () => stored.reduce<unknown>((before, event) => evolve(source, before, event), source.initial)
  const replayed = replay()
  if (journey.isSame(state, replayed)) return undefined
  for (const again of [replay(), replay()]) {
    if (!journey.isSame(again, replayed))
      return ofRepeated("The same events", journey.json(replayed), journey.json(again))
  }
  return ofStored(journey.json(state), journey.json(replayed))
}

const namesOf = (declared: ReadonlyMap<string, unknown>): string =>
  declared.size === 0 ? "none" : [...declared.keys()].join(", ")
