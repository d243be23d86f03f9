/** Who takes part in generated histories, as the functions of this folder accept them. */
import type { Aggregate, Boundary, Participant, Topic, View } from "@hexfold/core"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { playersOf, rolesOf, type StateOf } from "../scenarios/roles.ts"
import * as Arbitraries from "./Arbitraries.ts"
import { poolSize, refuseRare } from "./generation.ts"
import { fieldsOf, makes } from "./values.ts"
import { type Actor, type AnyAggregate, type AnyBoundary, isBoundary, type Kind, type Tagged } from "./world.ts"

/** An aggregate or a boundary, or what `Arbitraries.of` has made of it. */
export type Member = Target | { readonly target: Target }

/** What causes the events of a history: a member, or what `Arbitraries.ofTopic` has made of a topic. */
export type Cause = Member | { readonly target: Topic.Any }

/** What every aggregate and every boundary has. */
type Target = Aggregate.Any | AnyOfBoundaries

/** What every boundary has. */
interface AnyOfBoundaries {
  readonly name: string
  readonly stages: (command: never) => ReadonlyArray<Boundary.Stage>
  readonly decide: (command: never, states: never) => unknown
}

/** The aggregate or boundary of a member. A function of it is only called with what its own Schemas generate. */
export const targetOf = (member: Member): AnyAggregate | AnyBoundary =>
  ("target" in member ? member.target : member) as unknown as AnyAggregate | AnyBoundary

/** A topic whose types are not known. */
export type AnyTopic = Topic.Topic<string, unknown, Tagged>

export const isTopic = (source: object): source is AnyTopic => "_tag" in source && source._tag === "Topic"

/** What causes the events of a view's source in histories. A source is an aggregate or a topic. */
export const causeOf = (source: View.Source): Member =>
  isTopic(source) ? publisherOf(source) : (source as unknown as AnyAggregate)

type MadeOfTopic = Arbitraries.OfTopic<string, unknown, Tagged>

const isMadeOfTopic = (cause: Cause): cause is MadeOfTopic => "target" in cause && isTopic(cause.target)

/** The member that stands for a cause. */
const memberOf = (cause: Cause): Member => {
  if (!isMadeOfTopic(cause)) return cause as Member
  const { events, key: id } = cause.overrides
  const given = { ...(id === undefined ? {} : { id }), ...(events === undefined ? {} : { commands: events, events }) }
  return Arbitraries.of(publisherOf(cause.target), given)
}

/** What publishes the events of a topic in histories: an aggregate without a state, whose commands are the events themselves. */
const publisherOf = (topic: AnyTopic): AnyAggregate => {
  const known = publishers.get(topic)
  if (known !== undefined) return known
  const { idOf, name, schemas, streamId } = topic
  const { events, key: id, stored } = schemas
  const publisher: AnyAggregate = {
    name,
    initial: null,
    decide: (event) => Result.succeed([event]),
    evolve: (state) => state,
    streamId,
    idOf,
    at: (key) => ({ source: publisher, streamId: streamId(key), access: "write" }),
    begins: new Set(),
    revision: 1,
    schemas: {
      id,
      state: Schema.Null,
      commands: events,
      events,
      errors: new Map(),
      rejections: new Map(),
      stored,
      sent: new Map()
    }
  }
  publishers.set(topic, publisher)
  stateless.add(publisher)
  return publisher
}

const publishers = new WeakMap<AnyTopic, AnyAggregate>()

const stateless = new WeakSet<object>()

/** Whether a source is a topic, whose streams have no states. */
export const isStateless = (source: object): boolean => stateless.has(source)

/** The actors of a history: the members, and the aggregates that the boundaries among them read. */
export const actorsOf = (causes: ReadonlyArray<Cause>, tested?: Member): ReadonlyArray<Actor> => {
  const members = causes.map(memberOf)
  // Laws of the same members share their actors, and with them what was found out about their histories.
  const place = [tested ?? nobody, ...members].reduce<Place>((at, member) => {
    const next = at.next.get(member) ?? { actors: undefined, next: new WeakMap() }
    at.next.set(member, next)
    return next
  }, places)
  return (place.actors ??= make(members, tested))
}

/** A place in a tree in which members are the steps. */
interface Place {
  /** The actors of the members that lead to the place. */
  actors: ReadonlyArray<Actor> | undefined
  /** The places that one more member leads to. */
  readonly next: WeakMap<object, Place>
}

const places: Place = { actors: undefined, next: new WeakMap() }

/** The first step to the actors of histories that test no member. */
const nobody = {}

/** The only actor of the histories of an aggregate. It has one stream. */
export const aloneOf = (member: Member): ReadonlyArray<Actor> => {
  const actors = alone.get(member) ?? actorsOf([], member).map((actor) => ({ ...actor, isAlone: true }))
  alone.set(member, actors)
  return actors
}

const alone = new WeakMap<object, ReadonlyArray<Actor>>()

const make = (members: ReadonlyArray<Member>, tested: Member | undefined): ReadonlyArray<Actor> => {
  const all = new Map<object, Member>()
  const add = (member: Member) => {
    const target = targetOf(member)
    if (!all.has(target)) all.set(target, member)
  }
  members.forEach(add)
  if (tested !== undefined) add(tested)
  for (const member of [...all.values()]) {
    const target = targetOf(member)
    if (isBoundary(target)) for (const source of sourcesOf(target, member)) add(source as AnyAggregate)
  }
  return Array.from(all.values(), (member, index) => actorOf(member, index, tested))
}

type MadeOfAggregate = Arbitraries.OfAggregate<string, unknown, unknown, Tagged, Tagged, unknown>
type MadeOfBoundary = Arbitraries.OfBoundary<string, Tagged, Record<string, unknown>, Tagged, unknown>

const actorOf = (member: Member, actor: number, tested: Member | undefined): Actor => {
  const target = targetOf(member)
  const isTested = tested !== undefined && targetOf(tested) === target
  const made: unknown = "target" in member ? member : undefined
  const kindOf = (
    name: string,
    schema: Schema.Codec<Tagged, unknown>,
    commands: Arbitrary.Arbitrary<Tagged>,
    overrides: Readonly<Record<string, unknown>> = {}
  ): Kind => {
    refuseRare(
      isBoundary(target) ? `the command of ${name}` : `the command of ${target.name} with the tag ${name}`,
      commands,
      poolSize
    )
    return { name, actor, commands, fields: fieldsOf(schema, overrides), make: makes(schema) }
  }
  if (isBoundary(target)) {
    const { command, overrides } = (made as MadeOfBoundary | undefined) ?? Arbitraries.ofBoundary(target)
    return {
      target,
      ids: undefined,
      kinds: [kindOf(target.name, target.command, command, overrides.command)],
      isTested
    }
  }
  const { commands, id, overrides } = (made as MadeOfAggregate | undefined) ?? Arbitraries.of(target)
  const kinds = Array.from(target.schemas.commands, ([tag, schema]) =>
    kindOf(tag, schema, commands[tag]!, overrides.commands?.[tag])
  )
  if (kinds.length > 0) refuseRare(`the id of ${target.name}`, id, 1)
  // An id of a generator of its own gets no other name.
  return { target, ids: id, kinds, isTested, hasOwnIds: overrides.id !== undefined }
}

/**
 * The aggregates that a boundary reads, found by asking it with generated commands: on initial states, and on any states,
 * because later stages follow from these.
 */
const sourcesOf = (boundary: AnyBoundary, member: Member): ReadonlySet<Participant.Any["source"]> => {
  const sources = new Set<Participant.Any["source"]>()
  const states = new Map<object, ReadonlyArray<unknown>>()
  const ask = (command: Tagged, stateOf: StateOf) => {
    try {
      for (const { source } of playersOf(rolesOf(boundary, command, stateOf))) sources.add(source)
    } catch {
      // A law says what is wrong with a boundary that throws. Here another command is tried.
    }
  }
  const { command } = "target" in member ? (member as unknown as MadeOfBoundary) : Arbitraries.ofBoundary(boundary)
  const commands = sampled(command)
  for (const each of commands) ask(each, ({ source }) => source.initial)
  for (const [i, each] of commands.entries()) {
    ask(each, ({ source }) => {
      const known = states.get(source) ?? sampled(Arbitraries.of(source as unknown as AnyAggregate).state)
      states.set(source, known)
      return known.length === 0 ? source.initial : known[i % known.length]
    })
  }
  return sources
}

const sampled = <A>(arbitrary: Arbitrary.Arbitrary<A>): ReadonlyArray<A> =>
  Effect.runSync(Effect.orElseSucceed(Arbitrary.sampleEffect(arbitrary, { count: 50, seed: 1 }), () => []))
