/** Runs generated commands through aggregates and boundaries, as an executor would, without a store. */
import type { Aggregate, Boundary, Participant, StreamId } from "@hexfold/core"
import { type Arbitrary, Option, Result, Schema } from "effect"
import { frozen } from "./frozen.ts"
import { journeyOf } from "./journey.ts"
import type { Field } from "./values.ts"

/** What every command, event and error has. */
export type Tagged = Aggregate.Tagged

/** An aggregate or a boundary whose types are not known. */
export type AnyAggregate = Aggregate.Aggregate<string, unknown, unknown, Tagged, Tagged, unknown>
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
  const before = streamOf(participant, streams)
  const command = frozen(given.command)
  const step = {
    given,
    target,
    command,
    states: { [target.name]: before.state },
    roles: { [target.name]: participant }
  }
  const decision = attempt(() => guarded(participant, before.state, (state) => target.decide(command, state)))
  if (Result.isFailure(decision)) return { ...step, parts: [], outcome: defect("decide", decision.failure) }
  return Result.match(decision.success, {
    onFailure: (error): Step => ({ ...step, parts: [], outcome: { _tag: "Rejected", error } }),
    onSuccess: (events): Step => withParts(step, { [target.name]: events }, streams)
  })
}

const boundaryStep = (target: AnyBoundary, given: Given, streams: Streams): Step => {
  const stateOf = (participant: Participant.Any) => streamOf(participant, streams).state
  const command = frozen(given.command)
  const named = attempt(() => rolesOf(target, command, stateOf))
  if (Result.isFailure(named)) {
    return {
      given,
      target,
      command,
      states: {},
      roles: {},
      parts: [],
      outcome: refusedOr(named.failure)
    }
  }
  const roles = named.success
  const step = { given, target, command, roles, states: statesOf(roles, stateOf) }
  const decision = attempt(() => target.decide(command, step.states))
  if (Result.isFailure(decision)) return { ...step, parts: [], outcome: defect("decide", decision.failure) }
  return Result.match(decision.success, {
    onFailure: (error): Step => ({ ...step, parts: [], outcome: { _tag: "Rejected", error } }),
    onSuccess: (emission): Step => withParts(step, emission, streams)
  })
}

/**
 * The participants of a command by role, found stage by stage as an executor finds them. An empty id is refused: it names
 * a stream, and no record of a view.
 */
export const rolesOf = (
  boundary: AnyBoundary,
  command: Tagged,
  stateOf: (participant: Participant.Any) => unknown
): Participant.Participants => {
  const read = new Set<StreamId.StreamId>()
  const stateIfRead = (participant: Participant.Any): never =>
    (read.has(participant.streamId) ? stateOf(participant) : undefined) as never
  let earlier: Participant.Participants = {}
  for (const stage of boundary.stages(command)) {
    let roles: Participant.Participants
    let known: number
    // A stage is asked until it names no stream that is new.
    do {
      known = read.size
      roles = { ...earlier, ...stage(statesOf(earlier, stateOf) as never, stateIfRead) }
      for (const { source, streamId } of Object.values(roles).flat() as ReadonlyArray<Participant.Any>) {
        if (streamId === `${source.name}-`) throw new Refusal("an empty id")
        read.add(streamId)
      }
      if (read.size > boundary.maxParticipants) throw new Refusal("too many participants")
    } while (read.size > known)
    earlier = roles
  }
  return earlier
}

const statesOf = (
  roles: Participant.Participants,
  stateOf: (participant: Participant.Any) => unknown
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(roles).map(([role, players]) => [
      role,
      isList(players) ? Object.freeze(players.map(stateOf)) : stateOf(players)
    ])
  )

export const isList = (
  role: Participant.Any | ReadonlyArray<Participant.Any>
): role is ReadonlyArray<Participant.Any> => Array.isArray(role)

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
  return { ...step, parts, outcome: { _tag: "Accepted", emission } }
}

// An event that is not declared is told of by a law, and changes no state.
const evolved = (stream: Stream, event: Tagged): Stream => ({
  ...stream,
  state: !stream.source.schemas.events.has(event._tag)
    ? stream.state
    : frozen(guarded(stream, stream.state, (state) => stream.source.evolve(state as never, frozen(event) as never))),
  events: [...stream.events, event]
})

/** Gives a function the state of a stream so that it cannot change it. */
const guarded = <A>({ source }: Pick<Stream, "source">, state: unknown, use: (state: unknown) => A): A => {
  const schema = stateSchema(source)
  return schema === undefined ? use(frozen(state)) : journeyOf(schema).guarded(state, use)
}

/** The Schema of a source's state. A participant is an aggregate, and only its events are part of its type. */
export const stateSchema = (source: Participant.Any["source"]): Schema.Codec<unknown, unknown> | undefined =>
  (source as unknown as Partial<AnyAggregate>).schemas?.state

const attempt = <A>(run: () => A): Result.Result<A, unknown> => Result.try({ try: run, catch: (thrown) => thrown })

class Refusal extends Error {}

const defect = (of: "decide" | "evolve" | "participants", thrown: unknown): Outcome => ({ _tag: "Defect", of, thrown })

// An id that its aggregate refuses is a mistake of the command, which an executor refuses too.
const refusedOr = (thrown: unknown): Outcome =>
  thrown instanceof Refusal || Schema.isSchemaError(thrown)
    ? { _tag: "Refused", why: thrown.message }
    : defect("participants", thrown)

/** The id of a stream, as the code that names it. */
export const idOf = (stream: { readonly source: object; readonly streamId: StreamId.StreamId }): unknown => {
  const source = stream.source as Partial<AnyAggregate>
  return source.idOf === undefined
    ? stream.streamId
    : Option.getOrElse(source.idOf(stream.streamId), () => stream.streamId)
}
