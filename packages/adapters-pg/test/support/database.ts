import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgStores, PgViewStore } from "@hexfold/adapters-pg"
import {
  EventStore,
  type EventStoreError,
  ProjectionStore,
  SnapshotStore,
  type SnapshotStoreError,
  StreamDirectory,
  StreamLocks,
  ViewStore,
  type ViewStoreError
} from "@hexfold/core"
import { Context, Effect, Layer, Redacted, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError } from "effect/sql"
import { inject } from "vitest"

let made = 0

/** The URL of the tests' server. */
export const url = (): Redacted.Redacted => Redacted.make(inject("databaseUrl"))

// A pool whose scope is closing opens no connection: a finalizer of the same scope would wait for ever for one.
const idleTimeout = "1 hour"

/** A client of the tests' server. The first calls on a connection take long, so a client has few of them. */
export const client = (
  config: Partial<PgClient.PgPoolConfig> = {}
): Effect.Effect<PgClient.PgClient, never, Scope.Scope> =>
  PgClient.make({ url: url(), maxConnections: 4, idleTimeout, ...config }).pipe(
    Effect.provide(Reactivity.layer),
    Effect.orDie
  )

/** The name of a new schema on a server, which is dropped with the scope. */
export const newSchemaAt = (config: Partial<PgClient.PgPoolConfig>): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => `t${process.pid}_${Date.now()}_${++made}`),
    (schema) =>
      Effect.scoped(
        Effect.flatMap(client(config), (sql) => Effect.ignore(sql.unsafe(`drop schema if exists ${schema} cascade`)))
      )
  )

/** The name of a new schema, which is dropped with the scope. */
export const newSchema: Effect.Effect<string, never, Scope.Scope> = newSchemaAt({})

/** Runs an effect in a transaction of a client, which the stores' calls join. */
type Transaction = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

/** An event store on a client. */
export interface OpenedStore {
  readonly store: EventStore.EventStore["Service"]
  readonly locks: StreamLocks.StreamLocks["Service"]
  readonly directory: StreamDirectory.StreamDirectory["Service"]
  readonly sql: PgClient.PgClient
  readonly transaction: Transaction
}

/** Both stores on a client. */
export interface OpenedStores {
  readonly events: EventStore.EventStore["Service"]
  readonly records: ViewStore.ViewStore["Service"]
  readonly projections: ProjectionStore.ProjectionStore["Service"]
  readonly snapshots: SnapshotStore.SnapshotStore["Service"]
  readonly sql: PgClient.PgClient
  readonly transaction: Transaction
}

/** An instance of the store with a client of its own. */
export const openStore = (
  options: PgEventStore.Options,
  config: Partial<PgClient.PgPoolConfig> = {}
): Effect.Effect<OpenedStore, EventStoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const sql = yield* client(config)
    const services = yield* Layer.build(
      PgEventStore.layer(options).pipe(
        Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
      )
    )
    return {
      store: Context.get(services, EventStore.EventStore),
      locks: Context.get(services, StreamLocks.StreamLocks),
      directory: Context.get(services, StreamDirectory.StreamDirectory),
      sql,
      transaction: (effect) => transacted(sql, effect)
    }
  })

type Projections = ProjectionStore.ProjectionStore["Service"]
type Views = ViewStore.ViewStore["Service"]

/** Both ports to the records of views: what writes them, and in `views` what reads them. */
export interface OpenedViews extends Projections {
  readonly views: Views
}

/** Both ports of stores of views. */
export const viewsOf = (stores: Context.Context<PgViewStore.Supplied>): OpenedViews => ({
  ...Context.get(stores, ProjectionStore.ProjectionStore),
  views: Context.get(stores, ViewStore.ViewStore)
})

/** The stores of views with a client of their own. */
export const openViews = (
  options: PgViewStore.Options,
  config: Partial<PgClient.PgPoolConfig> = {}
): Effect.Effect<{ readonly store: OpenedViews; readonly sql: PgClient.PgClient }, ViewStoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const sql = yield* client(config)
    const stores = yield* Effect.provideService(PgViewStore.make(options), SqlClient.SqlClient, sql)
    return { store: viewsOf(stores), sql }
  })

/** Removes what versions 5 to 11 have made of a schema, except for the function that appends. */
export const undoInline = (schema: string): ReadonlyArray<string> => [
  `drop view ${schema}.projections`,
  `drop index ${schema}.views_serving`,
  `create unique index views_serving on ${schema}.views (view) where serves`,
  `drop function ${schema}.append_4, ${schema}.append_3, ${schema}.append_event, ${schema}.append_event_2`,
  `drop function ${schema}.append_2`,
  ...["begin_history", "history", "next_history", "taken_back", "readable", "horizon_2"].map(
    (name) => `drop function ${schema}.${name}`
  ),
  ...["log", "histories", "life"].map((name) => `drop table ${schema}.${name}`),
  `drop sequence ${schema}.noted`,
  `alter table ${schema}.view_parts drop column history, drop column history_at`,
  `alter table ${schema}.streams drop column recorded_at`,
  `alter table ${schema}.events drop column original_time`,
  `drop table ${schema}.revisions`,
  `drop table ${schema}.snapshots`,
  `drop table ${schema}.inline_changes`,
  `alter table ${schema}.views drop column promotion, drop column fingerprint, drop column foreign_append_at, drop column known_types`,
  ...["lock_inline", "demote", "reached", "drawn"].map((name) => `drop function ${schema}.${name}`)
]

/** Both stores with a client of their own. */
export const openStores = (
  options: PgStores.Options,
  config: Partial<PgClient.PgPoolConfig> = {}
): Effect.Effect<OpenedStores, EventStoreError | SnapshotStoreError | ViewStoreError, Scope.Scope> =>
  Effect.flatMap(client(config), (sql) => storesOn(sql, options))

/** What the stores supply on a client. */
export const suppliedOn = (sql: PgClient.PgClient, options: PgStores.Options) =>
  Layer.build(
    PgStores.layer(options).pipe(
      Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
    )
  )

/** Both stores on a client. */
export const storesOn = (
  sql: PgClient.PgClient,
  options: PgStores.Options
): Effect.Effect<OpenedStores, EventStoreError | SnapshotStoreError | ViewStoreError, Scope.Scope> =>
  Effect.map(suppliedOn(sql, options), (stores) => ({
    events: Context.get(stores, EventStore.EventStore),
    records: Context.get(stores, ViewStore.ViewStore),
    projections: Context.get(stores, ProjectionStore.ProjectionStore),
    snapshots: Context.get(stores, SnapshotStore.SnapshotStore),
    sql,
    transaction: (effect) => transacted(sql, effect)
  }))

/** Runs an effect in a transaction of a client; an error of SQL is a defect. */
export const transacted = <A, E>(sql: PgClient.PgClient, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  sql
    .withTransaction(effect)
    .pipe(
      Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED"),
      Effect.catchIf(SqlError.isSqlError, Effect.die)
    ) as Effect.Effect<A, E>

/** A client of a new database, which is dropped with the scope. */
export const newDatabase = (name: string): Effect.Effect<PgClient.PgClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    const database = `${name}_${process.pid}_${Date.now()}_${++made}`
    const server = yield* client()
    yield* Effect.acquireRelease(Effect.orDie(server.unsafe(`create database ${database}`)), () =>
      Effect.ignore(server.unsafe(`drop database if exists ${database} with (force)`))
    )
    const at = new URL(Redacted.value(url()))
    at.pathname = `/${database}`
    return yield* client({ url: Redacted.make(at.href) })
  })

/** A new role without any right, which is dropped with the scope. */
export const newRole = (sql: PgClient.PgClient): Effect.Effect<string, never, Scope.Scope> =>
  Effect.suspend(() => {
    const role = `app_${process.pid}_${Date.now()}_${++made}`
    return Effect.acquireRelease(Effect.as(Effect.orDie(sql.unsafe(`create role ${role}`)), role), () =>
      Effect.ignore(Effect.andThen(sql.unsafe(`drop owned by ${role} cascade`), sql.unsafe(`drop role ${role}`)))
    )
  })
