/** Calls of an API in this process, without a network. */
import {
  type EventStore,
  Executor,
  Projection,
  type Receipt,
  Records,
  Subscription,
  type View,
  type ViewStore
} from "@hexfold/core"
import { type Context, Effect, Stream } from "effect"
import type { Calls } from "./calls.ts"
import { encoded } from "./commands.ts"
import { RemoteError } from "../errors.ts"
import { again } from "./following.ts"
import { type AnyAggregate, type AnyBoundary, isBoundary } from "./receipts.ts"

/** Calls of an API in this process. A command waits for those of the views that follow its target. */
export const localCalls = (
  stores: Context.Context<EventStore.EventStore | ViewStore.ViewStore>,
  views: ReadonlyArray<View.Any>
): Calls => ({
  execute: (target, id, command, { wait, ...options }) =>
    Effect.gen(function* () {
      yield* encoded(target, command)
      const receipt = yield* Effect.mapError(executed(target, id, command, options), failureOf)
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
    }).pipe(Effect.provideContext(stores)),

  query: (view, query) => Effect.provideContext(Effect.mapError(Records.query(view, query), technical), stores),

  record: (view, key) => Effect.provideContext(Effect.mapError(Records.get(view, key), technical), stores),

  live: (view, query) => followed(Subscription.query(view, query), stores),

  liveRecord: (view, key) => followed(Subscription.record(view, key), stores)
})

const followed = <A>(
  results: Stream.Stream<A, unknown, EventStore.EventStore | ViewStore.ViewStore>,
  stores: Context.Context<EventStore.EventStore | ViewStore.ViewStore>
): Stream.Stream<A, RemoteError> =>
  results.pipe(Stream.mapError(technical), Stream.retry(again), Stream.provideContext(stores))

// The types of the target are not known here. Who calls has them.
const executed = (
  target: AnyAggregate | AnyBoundary,
  id: unknown,
  command: unknown,
  options: object
): Effect.Effect<Receipt.Receipt<unknown> | Receipt.BoundaryReceipt<unknown>, unknown, EventStore.EventStore> =>
  isBoundary(target)
    ? Executor.execute(target, command as never, options)
    : Executor.execute(target, id as never, command as never, options)

const failureOf = (error: unknown): unknown => {
  const isPublic = !Executor.isTechnicalError(error) || (error as { readonly _tag: string })._tag === "VersionConflict"
  return isPublic ? error : technical(error)
}

/** A technical error, under the status that an API over HTTP would answer with. */
const technical = (error: unknown): RemoteError => {
  const { _tag: title, message } = error as Error & { readonly _tag: string }
  return new RemoteError({ status: statusOf(title, error), title, detail: message, cause: error })
}

const statusOf = (tag: string, error: unknown): number => {
  if (tag === "CommandIdReused") return 409
  if (tag === "InvalidCursor" || Executor.isCallerError(error)) return 400
  return Executor.isOperationalError(error) ? 503 : 500
}
