/** Calls of an API in this process, without a network. */
import {
  type EventStore,
  Executor,
  Projection,
  Query,
  type Receipt,
  Records,
  Subscription,
  type View,
  type ViewStore
} from "@hexfold/core"
import { Cause, type Context, Effect, Result, Schema, Stream } from "effect"
import { RemoteError } from "../errors.ts"
import type { AnyVersioned, Calls } from "./calls.ts"
import { encoded, invalid } from "./commands.ts"
import { commandFailure, readFailure } from "./failures.ts"
import { again } from "./following.ts"
import { isBoundary, type Target } from "./receipts.ts"
import { addressOf, headersOf, keyOf } from "./sending.ts"

type Stores = EventStore.EventStore | ViewStore.ViewStore

/** What is served: its views, and what queries may ask of them. */
export interface Served {
  readonly views: ReadonlyArray<View.Any>
  readonly limits: Readonly<Record<string, unknown>> | undefined
}

/**
 * Calls of an API in this process. What cannot be sent to an API elsewhere is refused here, too. A command waits for those
 * of the views that follow its target.
 */
export const localCalls = (stores: Context.Context<Stores>, { limits, views }: Served): Calls => {
  const readers = new Map(views.map((view) => [view.name, readerOf(view, limits)]))

  const served = ({ name }: AnyVersioned): Effect.Effect<void, RemoteError> =>
    readers.has(name)
      ? Effect.void
      : Effect.fail(new RemoteError({ status: 404, title: "NoSuchAddress", detail: `there is no view ${name}` }))

  const asked = <Row>(view: AnyVersioned, query: Query.Query<Row>) =>
    Effect.andThen(
      served(view),
      Effect.suspend(() => readers.get(view.name)!(query))
    )

  const answered = <A, E>(question: Effect.Effect<A, E, Stores>): Effect.Effect<A, RemoteError> =>
    Effect.provideContext(Effect.catchCause(question, failing(readFailure)), stores)

  const followed = <A, E>(results: Stream.Stream<A, E, Stores>): Stream.Stream<A, RemoteError> =>
    results.pipe(
      Stream.catchCause((cause) => Stream.fromEffect(failing(readFailure)(cause))),
      Stream.retry(again),
      Stream.provideContext(stores)
    )

  return {
    execute: (target, id, command, { wait, ...options }) =>
      Effect.gen(function* () {
        const body = yield* encoded(target, command)
        if (!isBoundary(target)) yield* addressOf(target, id, body)
        yield* headersOf(options)
        const receipt = yield* executed(target, id, command, options)
        const following = isBoundary(target)
          ? views
          : views.filter(({ sources }) => sources.some(({ name }) => name === target.name))
        if (wait !== undefined && following.length > 0) {
          // The command has happened, so views that are late are no failure of it.
          yield* Projection.waitUntil(following, receipt, { timeout: wait }).pipe(
            Effect.catch((error) => Effect.logDebug("hexfold: a command's views are late", error))
          )
        }
        return receipt
      }).pipe(Effect.catchCause(failing((cause) => commandFailure(target, cause))), Effect.provideContext(stores)),

    query: (view, query) => answered(Effect.flatMap(asked(view, query), (given) => Records.query(view, given))),

    record: (view, key) =>
      answered(
        Effect.andThen(
          Effect.andThen(keyOf(key), served(view)),
          Effect.suspend(() => Records.get(view, key))
        )
      ),

    live: (view, query) =>
      followed(Stream.unwrap(Effect.map(asked(view, query), (given) => Subscription.query(view, given)))),

    liveRecord: (view, key) =>
      followed(Stream.unwrap(Effect.as(Effect.andThen(keyOf(key), served(view)), Subscription.record(view, key))))
  }
}

// An interruption stays one.
const failing =
  <E>(failureOf: (cause: Cause.Cause<unknown>) => E) =>
  (cause: Cause.Cause<unknown>): Effect.Effect<never, E> =>
    Cause.hasInterrupts(cause) ? Effect.failCause(cause as Cause.Cause<never>) : Effect.fail(failureOf(cause))

type Reader = <Row>(query: Query.Query<Row>) => Effect.Effect<Query.Query<Row>, RemoteError>

/** Without limits a query may ask for everything that makes sense. */
const everything = { fields: "all", scan: true, maxLimit: Number.MAX_SAFE_INTEGER } as const

const readerOf = (view: View.Any, limits: Served["limits"]): Reader => {
  const bounds = limits === undefined ? everything : (limits[view.name] ?? {})
  const decode = Schema.decodeUnknownResult(Query.schemaFor(view as never, bounds as Query.QueryLimits<never>))
  return <Row>(query: Query.Query<Row>) => {
    // As it would arrive.
    const read = decode(JSON.parse(JSON.stringify(query)))
    if (Result.isFailure(read)) return Effect.fail(invalid(read.failure))
    return Effect.succeed(limits === undefined ? query : (read.success as Query.Query<Row>))
  }
}

// The types of the target are not known here. Who calls has them.
const executed = (
  target: Target,
  id: unknown,
  command: unknown,
  options: object
): Effect.Effect<Receipt.Receipt<unknown> | Receipt.BoundaryReceipt<unknown>, unknown, EventStore.EventStore> =>
  isBoundary(target)
    ? Executor.execute(target, command as never, options)
    : Executor.execute(target, id as never, command as never, options)
