/**
 * Every event, state and error of a scenario goes through its JSON and back, as
 * on the way into a store. What would be changed there fails the scenario here.
 */
import { KeptValue } from "@hexfold/core/adapter"
import { Result, Schema } from "effect"
import { ScenarioFailure } from "./compare.ts"

/** The part of an aggregate, of a participant's source, or of a view's source that knows its events. */
export interface Events {
  readonly name: string
  readonly schemas: { readonly events: ReadonlyMap<string, Schema.Codec<unknown, unknown>> }
}

/** What folds the events of a stream. */
export interface Source extends Events {
  readonly initial: unknown
  readonly evolve: (state: never, event: never) => unknown
}

/** Something after its way into a store and back, and its JSON as failures show it. */
export interface Kept<out A> {
  readonly value: A
  readonly json: unknown
}

/** Several values as one. */
export const together = <A>(all: ReadonlyArray<Kept<A>>): Kept<ReadonlyArray<A>> => ({
  json: all.map(({ json }) => json),
  value: all.map(({ value }) => value)
})

/** An event after its way into a store and back. `which` says whose it is, such as "the given event". */
export const keepEvent = <Event>(source: Events, which: string, event: Event): Kept<Event> => {
  const tag = tagOf(event)
  const schema = source.schemas.events.get(tag)
  if (schema === undefined) {
    throw new ScenarioFailure(
      `${which} ${tag} is not declared by ${source.name}, which declares ${listOf(source.schemas.events)}`
    )
  }
  const { json, value } = kept(`${which} ${tag} of ${source.name}`, schema, event)
  const { _tag, ...data } = json as Schema.JsonObject
  return { value, json: { [tag]: data } }
}

/** An error after its way into JSON and back. */
export const keepError = <Error>(
  owner: string,
  errors: ReadonlyMap<string, Schema.Codec<unknown, unknown>>,
  which: string,
  error: Error
): Kept<Error> => {
  const tag = tagOf(error)
  const schema = errors.get(tag)
  if (schema === undefined) {
    throw new ScenarioFailure(`${which} ${tag} is not declared by ${owner}, which declares ${listOf(errors)}`)
  }
  return kept(`${which} ${tag} of ${owner}`, schema, error)
}

/** A value after its way into a store and back. `what` names it. */
export const kept = <A>(what: string, schema: Schema.Codec<unknown, unknown>, value: A): Kept<A> => {
  const result = KeptValue.of(schema)(value)
  if (Result.isFailure(result)) throw new ScenarioFailure(`${what} ${result.failure}`)
  // What is read back has the type of the schema, as the value had.
  return result.success as Kept<A>
}

/** The state of a stream without events. */
export const initialOf = (source: Source): unknown =>
  keepState(source, `the initial state of ${source.name}`, source.initial)

/** The state after events, each after its way into a store and back. */
export const fold = (source: Source, which: string, state: unknown, events: ReadonlyArray<unknown>): unknown =>
  events.reduce((before, event) => {
    const { value } = keepEvent(source, which, event)
    const after = source.evolve(before as never, value as never)
    return keepState(source, `the state of ${source.name} after ${tagOf(event)}`, after)
  }, state)

// A participant does not tell the schema of its state, but an aggregate has one.
const keepState = ({ schemas }: Source, what: string, state: unknown): unknown =>
  "state" in schemas && isCodec(schemas.state) ? kept(what, schemas.state, state).value : state

const isCodec = (schema: unknown): schema is Schema.Codec<unknown, unknown> => Schema.isSchema(schema)

/** The tag of a value, or a word for a value without one. */
const tagOf = (value: unknown): string =>
  typeof value === "object" && value !== null && "_tag" in value && typeof value._tag === "string"
    ? value._tag
    : "without a tag"

const listOf = (known: ReadonlyMap<string, unknown>): string =>
  known.size === 0 ? "none" : [...known.keys()].join(", ")
