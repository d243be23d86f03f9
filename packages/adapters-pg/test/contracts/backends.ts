import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgMigrations, PgSnapshotStore, PgStores, PgViewStore } from "@hexfold/adapters-pg"
import {
  EventStore,
  LogTransfer,
  ProjectionStore,
  SnapshotStore,
  StreamDirectory,
  StreamLocks,
  ViewStore
} from "@hexfold/core"
import type { Backend } from "@hexfold/testing/contracts"
import { Context, Effect, Layer, Scope } from "effect"
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

/**
 * The clients of nodes. Each node has one for itself, and leaves it to a later node: the first call of a function in a session
 * costs many times as much as the next one.
 */
const clients = (data: Data) =>
  Effect.gen(function* () {
    const { config, schema } = yield* data
    const scope = yield* Effect.scope
    const left: Array<PgClient.PgClient> = []
    const clientOfNode = Effect.acquireRelease(
      Effect.suspend(() => {
        const sql = left.pop()
        return sql === undefined ? Scope.provide(client(config), scope) : Effect.succeed(sql)
      }),
      (sql) => Effect.sync(() => void left.push(sql))
    )
    return { clientOfNode, config, schema }
  })

// Polls so seldom that a reader which is not woken makes its case time out.
const pollInterval = "1 hour" as const

/** Stores that know nothing of each other, on one client. Nodes whose case cuts them off have a network of their own. */
export const apart = (options: PgEventStore.Options = {}, data: Data = plain): Backend.Backend => ({
  capabilities: ["otherProcesses", "transactions", "foreignTransactions", "lostCommits", "silentConnections", "stalls"],
  data: Effect.map(
    clients(data),
    ({ clientOfNode, config, schema }): Backend.Open =>
      ({ limit, needs = [] }) =>
        Effect.gen(function* () {
          const node = { schema, pollInterval, ...limitOf(limit), ...options }
          if (!needs.includes("silentConnections")) return yield* openApart(node, yield* clientOfNode)
          const { cut, end, url } = yield* wire
          const sql = yield* client({ ...config, url })
          // Runs before the client ends, which would otherwise wait for answers that do not come.
          yield* Effect.addFinalizer(() => Effect.sync(end))
          return { ...(yield* openApart(node, sql)), cut: Effect.sync(cut) }
        })
  )
})

/** The stores of one layer, whose appends maintain views. */
export const together = (data: Data = plain): Backend.Backend => ({
  capabilities: ["otherProcesses", "transactions", "foreignTransactions", "inlineViews", "lostCommits", "stalls"],
  data: Effect.map(
    clients(data),
    ({ clientOfNode, schema }): Backend.Open =>
      ({ limit, ...options }) =>
        Effect.gen(function* () {
          const sql = yield* clientOfNode
          const stores = yield* Layer.build(
            PgStores.layer({ schema, pollInterval, ...limitOf(limit), ...options }).pipe(
              Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
            )
          )
          return {
            eventStore: Context.get(stores, EventStore.EventStore),
            streamLocks: Context.get(stores, StreamLocks.StreamLocks),
            streamDirectory: Context.get(stores, StreamDirectory.StreamDirectory),
            logTransfer: Context.get(stores, LogTransfer.LogTransfer),
            viewStore: Context.get(stores, ViewStore.ViewStore),
            projectionStore: Context.get(stores, ProjectionStore.ProjectionStore),
            snapshotStore: Context.get(stores, SnapshotStore.SnapshotStore),
            transaction: (effect) => transacted(sql, effect),
            foreignTransaction: foreignTransaction(yield* client(), schema),
            stall: stall(schema),
            loseLast: loseLast(schema)
          }
        })
  )
})

const openApart = (
  options: PgEventStore.Options & { readonly schema: string },
  sql: PgClient.PgClient
): Effect.Effect<Backend.Node, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const events = yield* Layer.build(
      PgEventStore.layer(options).pipe(
        Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
      )
    )
    const { schema } = options
    const views = yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql)
    const snapshotStore = yield* Effect.provideService(PgSnapshotStore.make({ schema }), SqlClient.SqlClient, sql)
    return {
      eventStore: Context.get(events, EventStore.EventStore),
      streamLocks: Context.get(events, StreamLocks.StreamLocks),
      streamDirectory: Context.get(events, StreamDirectory.StreamDirectory),
      logTransfer: Context.get(events, LogTransfer.LogTransfer),
      viewStore: Context.get(views, ViewStore.ViewStore),
      projectionStore: Context.get(views, ProjectionStore.ProjectionStore),
      snapshotStore,
      transaction: (effect) => transacted(sql, effect),
      foreignTransaction: foreignTransaction(yield* client(), schema),
      stall: stall(schema),
      loseLast: loseLast(schema)
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

const limitOf = (limit: Backend.OpenOptions["limit"]): PgEventStore.Options =>
  limit === undefined ? {} : { lockTimeout: limit }

/** Takes the last events back with all that the log knows of them, and forgets the life of the server, as a crash does. */
const loseLast =
  (schema: string) =>
  (events: number): Effect.Effect<void, unknown> =>
    Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* client()
        const lose = Effect.gen(function* () {
          const [kept] = yield* sql.unsafe<{ readonly position: bigint }>(
            `select position from ${schema}.events order by position desc offset $1 limit 1`,
            [BigInt(events)]
          )
          const last = Number(kept?.position ?? 0)
          for (const statement of [
            // A sequence is set back at once, and not with the transaction: nobody may look before that has ended.
            `lock table ${schema}.events in access exclusive mode`,
            `alter table ${schema}.events disable trigger user`,
            `delete from ${schema}.events where position > ${last}`,
            `alter table ${schema}.events enable trigger user`,
            `update ${schema}.streams as s set recorded_at = null,
              version = (select coalesce(max(e.version), 0) from ${schema}.events e where e.stream = s.id)`,
            `delete from ${schema}.commands where ${last} < any (positions)`,
            `delete from ${schema}.life`,
            `select setval('${schema}.events_position', ${Math.max(last, 1)}, ${last > 0})`
          ])
            yield* sql.unsafe(statement)
        })
        yield* transacted(sql, Effect.orDie(lose))
      })
    )

/** A transaction of a stranger that holds the heads of some streams. */
const stall =
  (schema: string): NonNullable<Backend.Node["stall"]> =>
  (streams) =>
    Effect.gen(function* () {
      const sql = yield* client()
      const stranger = yield* sql.reserve
      yield* stranger.execute("begin", [], undefined)
      yield* stranger.execute(`select from ${schema}.streams where key = any($1) for update`, [streams], undefined)
      return Effect.orDie(Effect.asVoid(stranger.execute("rollback", [], undefined)))
    })
