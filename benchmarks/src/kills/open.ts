import { PgClient } from "@effect/sql-pg"
import { PgStores } from "@hexfold/adapters-pg"
import { type Projection, type SnapshotStore, StateCache } from "@hexfold/core"
import { type Context, Effect, Exit, Layer, Redacted, Schedule, Scope } from "effect"
import { views as own } from "./accounts.ts"

/** The stores, in the server at the URL. They are opened again until the server, which may be down, takes them. */
export const stores = (
  url: string,
  options: PgStores.Options & { readonly hasCache?: boolean } = {}
): Effect.Effect<Context.Context<Projection.Stores | SnapshotStore.SnapshotStore>, unknown, Scope.Scope> => {
  const { hasCache = false, views = own, ...others } = options
  const pg = PgStores.layer({ ...others, views }).pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
  const layer = hasCache ? Layer.merge(pg, StateCache.layer({ capacity: 1_000 })) : pg
  const attempt = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Effect.onError(Layer.buildWithScope(layer, scope), () => Scope.close(scope, Exit.void))
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    return context
  })
  return Effect.retry(attempt, Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(200)]))
}
