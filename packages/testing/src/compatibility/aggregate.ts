/** The golden file of an aggregate: made, renewed, and compared with the program. */
import { KeptValue } from "@hexfold/core/adapter"
import { Equal, Option, Result, Schema } from "effect"
import { actorsOf, aloneOf, type Cause, type Member, targetOf } from "../histories/members.ts"
import { printed, thrownText } from "../histories/printed.ts"
import type { AnyAggregate, Run, Tagged } from "../histories/world.ts"
import { differences } from "./differences.ts"
import { compareEvents } from "./events.ts"
import { type Generators, ofCurrent, renewEvents } from "./eventExamples.ts"
import type { OfAggregate, StoredEvent, StreamHistory } from "./golden.ts"
import { schemaOf } from "./jsonSchema.ts"
import { narrowings } from "./narrowing.ts"
import { distinct, type Problem } from "./problem.ts"
import { read, stored } from "./reading.ts"
import { fewOf, runsOf } from "./reachable.ts"

/** What stored data of the aggregate do not survive. */
export const compareAggregate = (aggregate: AnyAggregate, golden: OfAggregate): ReadonlyArray<Problem> => {
  const problems = [
    ...compareEvents(aggregate, golden),
    ...compareIds(
      aggregate,
      golden.histories.map(({ streamId }) => streamId),
      "id"
    ),
    ...compareState(aggregate, golden)
  ]
  // An event that is read otherwise makes other states, which would say the same again.
  return distinct(problems.length > 0 ? problems : compareFolds(aggregate, golden))
}

/** The streams whose names lead to no id any more, or to one that has another stream. */
export const compareIds = (
  { idOf, name, streamId }: Pick<AnyAggregate, "name" | "idOf" | "streamId">,
  streams: ReadonlyArray<string>,
  what: "id" | "key"
): ReadonlyArray<Problem> =>
  streams.flatMap((stream) => {
    const id = idOf(stream as never)
    if (Option.isSome(id) && streamId(id.value) === stream) return []
    return [
      {
        where: `the ${what}`,
        what: `"${stream}" is not the stream of ${what === "id" ? "an id" : "a key"} any more`,
        remedy: `The events of such a stream would be found by nobody. Leave the Schema of the ${what} of ${name} as it was.`
      }
    ]
  })

const compareState = (aggregate: AnyAggregate, { states }: OfAggregate): ReadonlyArray<Problem> => {
  const before = states[String(aggregate.revision)]
  if (before === undefined) return []
  return narrowings(before, schemaOf(aggregate.schemas.state)).map(({ what }) => ({
    where: `the state, revision ${aggregate.revision}`,
    what,
    remedy: raise(aggregate)
  }))
}

const raise = ({ revision }: AnyAggregate): string =>
  `If this is meant, raise the aggregate's \`revision\` to ${revision + 1}: then no snapshot of a former state is used.`

/** The histories that lead to other states under the same revision, or to none. */
export const compareFolds = (
  aggregate: AnyAggregate,
  { histories }: Pick<OfAggregate, "histories">
): ReadonlyArray<Problem> => {
  const { revision } = aggregate
  const codec = Schema.toCodecJson(aggregate.schemas.state)
  const decode = Schema.decodeUnknownResult(codec)
  return histories.flatMap(({ events, streamId }): ReadonlyArray<Problem> => {
    const folded = foldOf(aggregate, events, streamId)
    for (const [i, event] of events.entries()) {
      const where = `the history of ${streamId}, event ${i + 1}, ${event.type}`
      const state = folded[i]!
      if (Result.isFailure(state)) {
        return [
          {
            where,
            what: state.failure,
            remedy: "What was decided once must be folded for ever. Make `evolve`, or the Schema of the state, take it."
          }
        ]
      }
      const before = event.states[String(revision)]
      if (before === undefined) continue
      const kept = decode(before)
      if (Result.isFailure(kept)) {
        return [{ where, what: `its state is not read any more: ${kept.failure.message}`, remedy: raise(aggregate) }]
      }
      const difference = differences(before, state.success.json)
      if (difference !== "" && !Equal.equals(kept.success, state.success.value)) {
        return [{ where, what: `the state is another one: ${difference}`, remedy: raise(aggregate) }]
      }
    }
    return []
  })
}

interface State {
  readonly value: unknown
  readonly json: Schema.Json
}

/** The states after each event, up to the first that cannot be. */
const foldOf = (
  aggregate: AnyAggregate,
  events: ReadonlyArray<StoredEvent>,
  streamId: string
): ReadonlyArray<Result.Result<State, string>> => {
  const keep = KeptValue.of(aggregate.schemas.state)
  let state: unknown = aggregate.initial
  const states: Array<Result.Result<State, string>> = []
  for (const [i, event] of events.entries()) {
    const next = Result.flatMap(
      Result.mapError(read(aggregate, event, streamId, i + 1), ({ message }) => message),
      (current) =>
        Result.try({
          try: () => current.reduce((before, { value }) => aggregate.evolve(before, value), state),
          catch: (thrown) => `\`evolve\` has thrown ${thrownText(thrown)}`
        })
    )
    const kept = Result.flatMap(next, (value) =>
      Result.map(
        Result.mapError(keep(value), (why) => `the state ${printed(value)} ${why}`),
        ({ json }) => ({ value, json: JSON.parse(JSON.stringify(json)) as Schema.Json })
      )
    )
    states.push(kept)
    if (Result.isFailure(kept)) break
    state = kept.success.value
  }
  return states
}

interface Generating {
  readonly events: Generators
}

/** The golden file with all that the aggregate has now. What it had stays. */
export const renewAggregate = (member: Member, others: ReadonlyArray<Cause>, golden?: OfAggregate): OfAggregate => {
  const aggregate = targetOf(member) as AnyAggregate
  const { name, revision, schemas } = aggregate
  const histories = historiesOf(member, others, golden?.histories ?? [])
  const reached = Map.groupBy(
    histories.flatMap(({ events }) => events),
    ({ schemaVersion, type }) => `${type} ${schemaVersion}`
  )
  // `Arbitraries.of` makes a generator of each event.
  const generators = "target" in member ? (member as unknown as Generating).events : undefined
  return {
    aggregate: name,
    events: renewEvents(aggregate, golden?.events ?? {}, { reached, generatorOf: ofCurrent(generators) }),
    states: { ...golden?.states, [String(revision)]: schemaOf(schemas.state) },
    histories
  }
}

const historiesOf = (
  member: Member,
  others: ReadonlyArray<Cause>,
  known: ReadonlyArray<StreamHistory>
): ReadonlyArray<StreamHistory> => {
  const aggregate = targetOf(member) as AnyAggregate
  const runs = runsOf(others.length === 0 ? aloneOf(member) : actorsOf(others, member))
  const candidates = runs.flatMap((run) => streamsOf(aggregate, run))
  if (candidates.length === 0 && known.length === 0) {
    throw new Error(
      aggregate.schemas.commands.size > 0
        ? `No command of ${aggregate.name} caused an event and a state that can be stored. Give its commands generators with Arbitraries.of.`
        : `${aggregate.name} has no commands, so it has no history. Give the boundaries that write to it: { with: [...] }.`
    )
  }
  const typesOf = ({ events }: StreamHistory) => events.map(({ type }) => type)
  const jsonOf = ({ events, streamId }: StreamHistory) => [streamId, ...events.map(({ data }) => data)]
  const added = fewOf(candidates, typesOf, jsonOf, known)
  return withStates(aggregate, [...known, ...added])
}

/** The histories with the states of the present revision. */
export const withStates = (
  aggregate: AnyAggregate,
  histories: ReadonlyArray<StreamHistory>
): ReadonlyArray<StreamHistory> => {
  const revision = String(aggregate.revision)
  return histories.map(({ events, streamId }) => {
    const states = foldOf(aggregate, events, streamId)
    return {
      streamId,
      events: events.map((event, i) => ({
        ...event,
        states: { [revision]: Result.getOrThrow(states[i]!).json, ...event.states }
      }))
    }
  })
}

/** The histories of an aggregate's streams in a run, as far as a store can keep them. */
const streamsOf = (aggregate: AnyAggregate, { streams }: Run): ReadonlyArray<StreamHistory> =>
  [...streams.values()].flatMap(({ events, source, streamId }): ReadonlyArray<StreamHistory> => {
    if (source.name !== aggregate.name) return []
    const all = Result.all(events.map((event: Tagged) => stored(aggregate, event)))
    if (Result.isFailure(all) || all.success.length === 0) return []
    const states = foldOf(aggregate, all.success, streamId)
    if (!states.every(Result.isSuccess)) return []
    return [{ streamId, events: all.success.map((event) => ({ ...event, states: {} })) }]
  })
