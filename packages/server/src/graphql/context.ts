/** What the resolvers of one operation share: the caller, a runner of effects, and the loaded records. */
import type { EventStore, Policy, ViewStore } from "@hexfold/core"
import { Cause, type Context, Effect, type Schema, Stream } from "effect"
import type { GraphQLError } from "graphql"
import type { ReadFailure, Views } from "../serving/views.ts"
import { errorOf, internal } from "./errors.ts"

/** What every operation needs. */
export type Services = EventStore.EventStore | ViewStore.ViewStore

/** What the resolvers of one operation share. */
export interface Operation {
  readonly caller: Policy.Caller | undefined
  readonly correlationId: string | undefined
  /** What fields of the root have come to before graphql executes the operation, by their names in the answer. */
  readonly outcomes: Map<string, Outcome>
  /** Runs an effect. What fails is an error of GraphQL. */
  readonly run: <A>(effect: Effect.Effect<A, unknown, Services>) => Promise<A>
  /** The services, for streams. */
  readonly services: Context.Context<Services>
  /** The records that are loaded by their keys: those of one moment are read together. */
  readonly loaders: Map<string, Loader>
}

/** Who asks, and what an operation runs with. */
export interface Asking {
  readonly caller: Policy.Caller | undefined
  readonly correlationId: string | undefined
  readonly services: Context.Context<Services>
  /** Makes the signal that the operation is interrupted. It is made on demand: few operations need it. */
  readonly signal: (() => AbortSignal) | undefined
}

/** What the resolvers of a new operation share. */
export const operationOf = ({ caller, correlationId, services, signal }: Asking): Operation => {
  const run = Effect.runPromiseWith(services)
  return {
    caller,
    correlationId,
    services,
    outcomes: new Map(),
    loaders: new Map(),
    run: async <A>(effect: Effect.Effect<A, unknown, Services>) =>
      valueIn(await run(outcomeOf(effect), signal === undefined ? {} : { signal: signal() }))
  }
}

/** What an effect has come to: a value, or an error for the client. */
export type Outcome<A = unknown> = { readonly value: A } | { readonly error: GraphQLError }

/** The value of an outcome. Throws its error. */
export const valueIn = <A>(outcome: Outcome<A>): A => {
  if ("error" in outcome) throw outcome.error
  return outcome.value
}

/** What an effect comes to. What throws is logged, and the error says nothing of it. */
export const outcomeOf = <A, R>(effect: Effect.Effect<A, unknown, R>): Effect.Effect<Outcome<A>, never, R> =>
  effect.pipe(
    Effect.map((value) => ({ value })),
    Effect.catch((failure) => Effect.map(failedWith(failure), (error) => ({ error }))),
    Effect.catchCause((cause) =>
      Cause.hasInterrupts(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : Effect.as(Effect.logError("hexfold: a GraphQL operation has failed", cause), { error: internal() })
    )
  )

/** The error for a failure. What a resolver itself has found wrong is one already. */
export const failedWith = (failure: unknown): Effect.Effect<GraphQLError> =>
  failure instanceof Error && "extensions" in failure ? Effect.succeed(failure as GraphQLError) : errorOf(failure)

/** Live results. The front takes the stream, and other servers iterate. */
export interface Live extends AsyncIterable<unknown> {
  readonly stream: Stream.Stream<unknown, unknown, Services>
  /** Whether all callers of one operation get the same answer to a result. */
  readonly isShared: boolean
}

/** Live results, of which other servers get what went wrong as an error of GraphQL. */
export const live = (
  results: Stream.Stream<unknown, unknown, Services>,
  services: Context.Context<Services>,
  isShared = false
): Live => ({
  stream: results,
  isShared,
  [Symbol.asyncIterator]: () =>
    Stream.toAsyncIterableWith(
      results.pipe(Stream.catch((failure) => Stream.fromEffect(Effect.flatMap(failedWith(failure), Effect.fail)))),
      services
    )[Symbol.asyncIterator]()
})

/** Loads the records of one view by their keys. */
export type Loader = (key: string) => Promise<Schema.Json | undefined>

/** The loader of a view for an operation. */
export const loaderOf = (operation: Operation, views: Views, view: string): Loader => {
  let loader = operation.loaders.get(view)
  if (loader === undefined) {
    loader = together((keys) => operation.run(recordsOf(operation, views, view, keys)))
    operation.loaders.set(view, loader)
  }
  return loader
}

const recordsOf = (
  { caller }: Operation,
  views: Views,
  view: string,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, Schema.Json>, ReadFailure, ViewStore.ViewStore> =>
  views.records({ caller, view, keys })

// graphql asks for all records of a list before it waits for one, so they are read in one call.
const together = (read: (keys: ReadonlyArray<string>) => Promise<ReadonlyMap<string, Schema.Json>>): Loader => {
  const known = new Map<string, Promise<Schema.Json | undefined>>()
  let next: { readonly keys: Array<string>; readonly records: Promise<ReadonlyMap<string, Schema.Json>> } | undefined
  return (key) => {
    let record = known.get(key)
    if (record === undefined) {
      if (next === undefined) {
        const keys: Array<string> = []
        const records = Promise.resolve().then(() => {
          next = undefined
          return read(keys)
        })
        next = { keys, records }
      }
      next.keys.push(key)
      record = next.records.then((records) => records.get(key))
      known.set(key, record)
    }
    return record
  }
}
