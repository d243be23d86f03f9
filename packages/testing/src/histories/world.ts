/** Runs generated commands through aggregates and boundaries, as an executor would, without a store. */
import { type Aggregate, type Boundary, type Participant, type StreamId, TooManyParticipants } from "@hexfold/core"
import { type Arbitrary, Option, Result, Schema } from "effect"
import { isList, playersOf, rolesOf, type StateOf, statesOf } from "../scenarios/roles.ts"
import { frozen } from "./frozen.ts"
import { type Journey, journeyOf } from "./journey.ts"
import { printed } from "./printed.ts"
import type { Field } from "./values.ts"

/** What every command, event and error has. */
export type Tagged = Aggregate.Tagged

/** An aggregate or a boundary whose types are not known. */
export type AnyAggregate = Aggregate.Untyped
export type AnyBoundary = Boundary.Boundary<string, Tagged, Record<string, unknown>, Tagged, unknown>

/** Who takes part in a history: an aggregate with generated ids, or a boundary. */
export interface Actor {
  readonly target: AnyAggregate | AnyBoundary
  readonly ids: Arbitrary.Arbitrary<unknown> | undefined
  readonly kinds: ReadonlyArray<Kind>
  /** Whether the history is about it, and about others only for its sake. */
  readonly isTested: boolean
  /** Whether all of its commands go to one stream. */
  readonly isAlone?: boolean
  /** Whether its ids come from a generator that somebody gave. */
  readonly hasOwnIds?: boolean
}

/** One kind of command, and what generates it. */
export interface Kind {
  readonly name: string
  readonly actor: number
  readonly commands: Arbitrary.Arbitrary<Tagged>
  readonly fields: ReadonlyArray<Field>
  /** The command with other fields, or undefined if its Schema refuses them. */
  readonly make: (fields: object) => Tagged | undefined
}

/** A command that is given to an aggregate with an id, or to a boundary. */
export interface Given {
  readonly kind: Kind
  readonly actor: Actor
  readonly id: unknown
  readonly command: Tagged
}

export const isBoundary = (target: AnyAggregate | AnyBoundary): target is AnyBoundary => "stages" in target

/** A stream of a history after its last event. */
export interface Stream {
  readonly source: Participant.Any["source"]
  readonly streamId: StreamId.StreamId
  readonly state: unknown
  readonly events: ReadonlyArray<Tagged>
}

/** An event of a history, in the order of the log. */
export interface Logged {
  readonly source: Participant.Any["source"]
  readonly streamId: StreamId.StreamId
  readonly event: Tagged
}

/** A participant of a command, and its state before and after it. */
export interface Part {
  readonly role: string
  readonly participant: Participant.Any
  readonly before: Stream
  /** The events that the command caused here. */
  readonly events: ReadonlyArray<Tagged>
  readonly after: Stream
}

/** What a command came to. A defect is what `decide` or `evolve` has thrown. */
export type Outcome =
  | { readonly _tag: "Accepted"; readonly emission: object }
  | { readonly _tag: "Rejected"; readonly error: unknown }
  | { readonly _tag: "Refused"; readonly why: string }
  | { readonly _tag: "Defect"; readonly of: "decide" | "evolve" | "participants"; readonly thrown: unknown }

/** A command of a history, and what it came to. */
export interface Step {
  readonly given: Given
  readonly target: AnyAggregate | AnyBoundary
  readonly command: Tagged
  readonly states: Record<string, unknown>
  readonly roles: Participant.Participants
  readonly parts: ReadonlyArray<Part>
  readonly outcome: Outcome
}

/** A history: its commands, and what it has led to. */
export interface Run {
  readonly steps: ReadonlyArray<Step>
  readonly log: ReadonlyArray<Logged>
  readonly streams: ReadonlyMap<StreamId.StreamId, Stream>
}

/** A history that goes on with one command after the other. */
export interface World {
  readonly run: Run
  /** What a command would come to. */
  readonly attempt: (given: Given) => Step
  readonly take: (step: Step) => void
}

/** A history without commands. */
export const world = (): World => {
  const streams = new Map<StreamId.StreamId, Stream>()
  const log: Array<Logged> = []
  const steps: Array<Step> = []
  return {
    run: { steps, log, streams },
    attempt: (given) =>
      isBoundary(given.actor.target)
        ? boundaryStep(given.actor.target, given, streams)
        : aggregateStep(given.actor.target, given, streams),
    take: (step) => {
      steps.push(step)
      for (const { after, events, participant } of step.parts) {
        if (events.length === 0) continue
        streams.set(after.streamId, after)
        for (const event of events) log.push({ source: participant.source, streamId: after.streamId, event })
      }
    }
  }
}

/** The history of some commands. It ends with a defect. */
export const replayed = (script: ReadonlyArray<Given>): Run => {
  const { attempt, run, take } = world()
  for (const given of script) {
    const step = attempt(given)
    take(step)
    if (step.outcome._tag === "Defect") break
  }
  return run
}

type Streams = ReadonlyMap<StreamId.StreamId, Stream>

const streamOf = ({ source, streamId }: Participant.Any, streams: Streams): Stream =>
  streams.get(streamId) ?? { source, streamId, state: frozen(source.initial), events: [] }

const aggregateStep = (target: AnyAggregate, given: Given, streams: Streams): Step => {
  // A copy of an aggregate with other functions still makes participants of the original.
  const participant = { ...target.at(given.id), source: target }
  return stepOf(given, { [target.name]: participant }, streams)
}

// An empty id is refused: it names a stream, and no record of a view.
const boundaryStep = (target: AnyBoundary, given: Given, streams: Streams): Step => {
  const named = attempt(() => rolesOf(target, frozen(given.command), stateIn(streams)))
  const outcome = Result.isFailure(named)
    ? refusedOr(named.failure)
    : playersOf(named.success).some(({ source, streamId }) => streamId === `${source.name}-`)
      ? ({ _tag: "Refused", why: "an empty id" } as const)
      : undefined
  if (outcome === undefined) return stepOf(given, Result.getOrThrow(named), streams)
  return { given, target, command: given.command, states: {}, roles: {}, parts: [], outcome }
}

const stateIn =
  (streams: Streams): StateOf =>
  (participant) =>
    streamOf(participant, streams).state

const stepOf = (given: Given, roles: Participant.Participants, streams: Streams): Step => {
  const { actor, command } = given
  const step = {
    given,
    target: actor.target,
    command: frozen(command),
    roles,
    states: statesOf(roles, stateIn(streams))
  }
  const outcome = decided(step, step.states)
  return outcome._tag === "Accepted" ? withParts(step, outcome.emission, streams) : { ...step, parts: [], outcome }
}

/** What the command of a step comes to on some states of its roles. `decide` cannot change them unseen. */
export const decided = (
  { command, roles, target }: Pick<Step, "command" | "roles" | "target">,
  states: Record<string, unknown>
): Outcome => {
  const checks: Array<() => void> = []
  const kept = (guarded: Guarded): unknown => {
    checks.push(guarded.check)
    return guarded.given
  }
  const asked = kept(guard(isBoundary(target) ? target.command : target.schemas.commands.get(command._tag), command))
  const guarded = mapStates(roles, states, (source, state) => kept(guard(stateSchema(source), state)))
  const decision = attempt((): Result.Result<object, unknown> => {
    const given = asked as Tagged
    const result = isBoundary(target) ? target.decide(given, guarded) : target.decide(given, guarded[target.name])
    for (const check of checks) check()
    // An async function, or one without a return, in a test that no compiler has seen.
    if (!Result.isResult(result)) throw new TypeError(`it has returned ${printed(result)}, which is no decision`)
    return result
  })
  if (Result.isFailure(decision)) return defect("decide", decision.failure)
  return Result.match(decision.success, {
    onFailure: (error): Outcome => ({ _tag: "Rejected", error }),
    onSuccess: (emission): Outcome => ({
      _tag: "Accepted",
      emission: isBoundary(target) ? emission : { [target.name]: emission }
    })
  })
}

/** The states of roles, each as a function makes it that knows where it comes from. */
export const mapStates = (
  roles: Participant.Participants,
  states: Record<string, unknown>,
  map: (source: Participant.Any["source"], state: unknown) => unknown
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(states).map(([role, state]) => {
      const players = roles[role]!
      if (!isList(players)) return [role, map(players.source, state)]
      return [role, Object.freeze((state as ReadonlyArray<unknown>).map((each, i) => map(players[i]!.source, each)))]
    })
  )

// The step with what its events have made of the states.
const withParts = (step: Omit<Step, "parts" | "outcome">, emission: object, streams: Streams): Step => {
  const parts: Array<Part> = []
  const written = new Map<StreamId.StreamId, string>()
  const emitted = emission as Record<string, ReadonlyArray<unknown>>
  for (const [role, players] of Object.entries(step.roles)) {
    for (const [i, participant] of (isList(players) ? players : [players]).entries()) {
      const own = emitted[role] ?? []
      const events = ((isList(players) ? own[i] : own) ?? []) as ReadonlyArray<Tagged>
      if (events.length > 0) {
        const other = written.get(participant.streamId)
        if (other !== undefined) {
          const why = `${other} and ${role} both write to ${participant.streamId}`
          return { ...step, parts: [], outcome: { _tag: "Refused", why } }
        }
        written.set(participant.streamId, role)
      }
      const before = streamOf(participant, streams)
      const after = attempt(() => events.reduce(evolved, before))
      if (Result.isFailure(after)) return { ...step, parts: [], outcome: defect("evolve", after.failure) }
      parts.push({ role, participant, before, events, after: after.success })
    }
  }
  // A stream may have another role too, in which it is only read.
  const changed = new Map(parts.flatMap(({ after, events }) => (events.length > 0 ? [[after.streamId, after]] : [])))
  const all = parts.map((part) => ({ ...part, after: changed.get(part.after.streamId) ?? part.after }))
  return { ...step, parts: all, outcome: { _tag: "Accepted", emission } }
}

// An event that is not declared is told of by a law, and changes no state.
const evolved = (stream: Stream, event: Tagged): Stream => ({
  ...stream,
  state: !stream.source.schemas.events.has(event._tag)
    ? stream.state
    : frozen(evolve(stream.source, stream.state, frozen(event))),
  events: [...stream.events, event]
})

/** The state after an event. `evolve` cannot change the state before it, or the event, unseen. */
export const evolve = (source: Participant.Any["source"], state: unknown, event: unknown): unknown => {
  const before = guard(stateSchema(source), state)
  const by = guard(source.schemas.events.get(tagOf(event)), event)
  const next: unknown = source.evolve(before.given as never, by.given as never)
  before.check()
  by.check()
  return next
}

/** A value for a function that must not change it. */
export type Guarded = ReturnType<Journey<unknown>["guard"]>

/** A value that a function cannot change unseen. */
export const guard = (schema: Schema.Codec<unknown, unknown> | undefined, value: unknown): Guarded =>
  schema === undefined ? { given: frozen(value), check: () => {} } : journeyOf(schema).guard(value)

/** The Schema of a source's state. A participant is an aggregate, and only its events are part of its type. */
export const stateSchema = (source: Participant.Any["source"]): Schema.Codec<unknown, unknown> | undefined =>
  (source as unknown as Partial<AnyAggregate>).schemas?.state

const attempt = <A>(run: () => A): Result.Result<A, unknown> => Result.try({ try: run, catch: (thrown) => thrown })

const defect = (of: "decide" | "evolve" | "participants", thrown: unknown): Outcome => ({ _tag: "Defect", of, thrown })

// Too many participants, and an id that its aggregate refuses, are mistakes of the command. An executor refuses it too.
const refusedOr = (thrown: unknown): Outcome =>
  thrown instanceof TooManyParticipants || Schema.isSchemaError(thrown)
    ? { _tag: "Refused", why: thrown.message }
    : defect("participants", thrown)

/** The tag of a command, an event or an error that may be any value. */
export const tagOf = (value: unknown): string => String((value as Partial<Tagged> | undefined)?._tag)

/** The id of a stream, as the code that names it. */
export const idOf = (stream: { readonly source: object; readonly streamId: StreamId.StreamId }): unknown => {
  const source = stream.source as Partial<AnyAggregate>
  return source.idOf === undefined
    ? stream.streamId
    : Option.getOrElse(source.idOf(stream.streamId), () => stream.streamId)
}
