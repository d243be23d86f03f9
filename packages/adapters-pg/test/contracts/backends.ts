import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgStores, PgViewStore } from "@hexfold/adapters-pg"
import { EventStore, ViewStore } from "@hexfold/core"
import type { Backend } from "@hexfold/testing/contracts"
import { Context, Effect, Layer, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { client, newSchema, transacted } from "../support/database.ts"
import { wire } from "../support/wire.ts"

type Config = Partial<PgClient.PgPoolConfig>

/** The configuration of a client whose transactions default to repeatable read. */
export const repeatableRead: Config = { startupParameters: { default_transaction_isolation: "repeatable read" } }

// Polls so seldom that a reader which is not woken makes its case time out.
const pollInterval = "1 hour"

/** The two stores that know nothing of each other, on one client. */
export const apart = (options: PgEventStore.Options = {}, config: Config = {}): Backend.Backend => ({
  capabilities: ["otherProcesses", "transactions", "foreignTransactions"],
  data: Effect.map(newSchema, (schema) => () => openApart({ schema, pollInterval, ...options }, config))
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
export const together = (config: Config = {}): Backend.Backend => ({
  capabilities: ["otherProcesses", "transactions", "foreignTransactions", "inlineViews"],
  data: Effect.map(
    newSchema,
    (schema): Backend.Open =>
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
            viewStore: Context.get(stores, ViewStore.ViewStore),
            transaction: (effect) => transacted(sql, effect),
            foreignTransaction: foreignTransaction(sql, schema)
          }
        })
  )
})

const openApart = (
  options: PgEventStore.Options & { readonly schema: string },
  config: Config,
  end: () => void = () => {}
): Effect.Effect<Backend.Node, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const sql = yield* client(config)
    // Runs before the client ends, which would otherwise wait for answers that do not come.
    yield* Effect.addFinalizer(() => Effect.sync(end))
    const eventStore = yield* PgEventStore.make(options).pipe(
      Effect.provideService(PgClient.PgClient, sql),
      Effect.provideService(SqlClient.SqlClient, sql)
    )
    const { schema } = options
    return {
      eventStore,
      viewStore: yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql),
      transaction: (effect) => transacted(sql, effect),
      foreignTransaction: foreignTransaction(sql, schema)
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
