import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgMigrations, PgStores, PgViewStore } from "@hexfold/adapters-pg"
import { EventStore, StreamLocks, ViewStore } from "@hexfold/core"
import type { Backend } from "@hexfold/testing/contracts"
import { Context, Effect, Layer, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { client, newRole, newSchema, transacted } from "../support/database.ts"
import { wire } from "../support/wire.ts"

/** The data of a suite: a schema, and how its clients connect. */
type Data = Effect.Effect<
  { readonly schema: string; readonly config: Partial<PgClient.PgPoolConfig> },
  unknown,
  Scope.Scope
>

const plain: Data = Effect.map(newSchema, (schema) => ({ schema, config: {} }))

/**
 * Clients whose transactions default to repeatable read, and whose role has the
 * rights of an application and no others. The schema belongs to another role.
 */
export const restricted: Data = Effect.gen(function* () {
  const schema = yield* newSchema
  const owner = yield* client()
  yield* Effect.provideService(PgMigrations.run({ schema }), SqlClient.SqlClient, owner)
  const role = yield* newRole(owner)
  for (const statement of PgMigrations.grants(role, { schema, createViews: true })) yield* owner.unsafe(statement)
  return { schema, config: { startupParameters: { role, default_transaction_isolation: "repeatable read" } } }
})

// Polls so seldom that a reader which is not woken makes its case time out.
const pollInterval = "1 hour"

/** The two stores that know nothing of each other, on one client. */
export const apart = (options: PgEventStore.Options = {}, data: Data = plain): Backend.Backend => ({
  capabilities: ["otherProcesses", "transactions", "foreignTransactions"],
  data: Effect.map(
    data,
    ({ config, schema }) =>
      () =>
        openApart({ schema, pollInterval, ...options }, config)
  )
})

/** Like `apart`, but each node has a network of its own, which can be cut. */
export const apartOnWires: Backend.Backend = {
  capabilities: ["otherProcesses", "transactions", "foreignTransactions", "silentConnections"],
  data: Effect.map(
    newSchema,
    (schema) => () =>
      Effect.gen(function* () {
        const { cut, end, url } = yield* wire
        const node = yield* openApart({ schema, pollInterval }, { url }, end)
        return { ...node, cut: Effect.sync(cut) }
      })
  )
}

/** Both stores of one layer, whose appends maintain views. */
export const together = (data: Data = plain): Backend.Backend => ({
  capabilities: ["otherProcesses", "transactions", "foreignTransactions", "inlineViews"],
  data: Effect.map(
    data,
    ({ config, schema }): Backend.Open =>
      (options) =>
        Effect.gen(function* () {
          const sql = yield* client(config)
          const stores = yield* Layer.build(
            PgStores.layer({ schema, pollInterval, ...options }).pipe(
              Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
            )
          )
          return {
            eventStore: Context.get(stores, EventStore.EventStore),
            streamLocks: Context.get(stores, StreamLocks.StreamLocks),
            viewStore: Context.get(stores, ViewStore.ViewStore),
            transaction: (effect) => transacted(sql, effect),
            foreignTransaction: foreignTransaction(yield* client(), schema)
          }
        })
  )
})

const openApart = (
  options: PgEventStore.Options & { readonly schema: string },
  config: Partial<PgClient.PgPoolConfig>,
  end: () => void = () => {}
): Effect.Effect<Backend.Node, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const sql = yield* client(config)
    // Runs before the client ends, which would otherwise wait for answers that do not come.
    yield* Effect.addFinalizer(() => Effect.sync(end))
    const events = yield* Layer.build(
      PgEventStore.layer(options).pipe(
        Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
      )
    )
    const { schema } = options
    return {
      eventStore: Context.get(events, EventStore.EventStore),
      streamLocks: Context.get(events, StreamLocks.StreamLocks),
      viewStore: yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql),
      transaction: (effect) => transacted(sql, effect),
      foreignTransaction: foreignTransaction(yield* client(), schema)
    }
  })

const foreignTransaction = (
  observer: PgClient.PgClient,
  schema: string
): Effect.Effect<Effect.Effect<boolean, unknown>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sql = yield* client()
    const connection = yield* sql.reserve
    // It has a transaction id, and begins before everything that follows.
    yield* connection.execute("begin", [], undefined)
    yield* connection.execute(`create table if not exists unrelated_${schema} (n int)`, [], undefined)
    const [backend] = yield* connection.execute("select pg_backend_pid() as pid", [], undefined)
    return Effect.map(
      observer`select 1 from pg_stat_activity where pid = ${backend?.pid} and state = 'idle in transaction'`,
      (rows) => rows.length === 1
    )
  }).pipe(Effect.orDie)
