import type { EventStoreError } from "@hexfold/core"
import { Cause, Context, Effect, Option } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { translated } from "./errors.ts"

/** Runs an effect such that transactions begin at READ COMMITTED: each statement sees what is committed before it starts. */
const beginReadCommitted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED")

/** Runs effects in a transaction at READ COMMITTED, or in a savepoint of the caller's transaction. */
export const transactionOf =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    beginReadCommitted(sql.withTransaction(effect))

/**
 * Runs an effect in a transaction of the `SqlClient` in the context. Appends and
 * reads of the stores on this client join it. Inside another transaction it is a
 * savepoint.
 *
 * It does what `sql.withTransaction` does, but its failures are typed. If the
 * connection dies in the transaction, the rollback fails too, and
 * `sql.withTransaction` then ends with a defect. Here the first error of the effect
 * comes out; an error of SQL comes out as an `EventStoreError`. Its `isRetryable`
 * says whether it helps to repeat the whole transaction. If `Unavailable` comes
 * from the commit itself, nobody knows whether the transaction has happened.
 *
 * @example
 * ```ts
 * import { PgStores } from "@hexfold/adapters-pg"
 * import type { EventStore, EventStoreError } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const order: Effect.Effect<void, EventStoreError, EventStore.EventStore>
 *
 * const program = PgStores.transaction(order).pipe(
 *   Effect.retry({ times: 3, while: (error) => error.isRetryable })
 * )
 * ```
 */
export const transaction = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, SqlError.SqlError> | EventStoreError, R | SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => typed(sql.withTransaction)(effect))

/** Runs an effect in a transaction at READ COMMITTED. Its failures are typed. */
export const typedTransaction =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Exclude<E, SqlError.SqlError> | EventStoreError, R> =>
    typed(transactionOf(sql))(effect)

type InTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError.SqlError, R>

const typed =
  (inTransaction: InTransaction) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Exclude<E, SqlError.SqlError> | EventStoreError, R> =>
    Effect.suspend(() => {
      // Where the rollback fails, the client makes a defect of the effect's own failure too.
      let failed: Option.Option<E> = Option.none()
      const noting = Effect.tapError(effect, (error) => Effect.sync(() => (failed = Option.some(error))))
      const running = Effect.catchCause(inTransaction(noting), (cause) =>
        Option.isNone(failed) || Cause.hasInterrupts(cause) || !cause.reasons.some(isSqlDefect)
          ? Effect.failCause(cause)
          : Effect.fail(failed.value)
      )
      return translated("append")(running)
    })

const isSqlDefect = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isDieReason(reason) && SqlError.isSqlError(reason.defect)

/** Runs effects outside of any transaction of the fiber that happens to run them. */
export const outsideOf =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateContext(
      effect,
      (context: Context.Context<R>) => Context.omit(sql.transactionService)(context) as Context.Context<R>
    )

/** Whether effects that run in a context are part of a transaction of the client. */
export const isJoined =
  (sql: SqlClient.SqlClient) =>
  (context: Context.Context<never>): boolean =>
    Option.isSome(Context.getOption(context, sql.transactionService))

/** Says whether the effect runs inside a transaction of the fiber that runs it. */
export const whetherJoined = <A, E, R>(
  sql: SqlClient.SqlClient,
  f: (joined: boolean) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.contextWith((context: Context.Context<never>) => f(isJoined(sql)(context)))

/**
 * Runs a single statement at READ COMMITTED. The append function needs a fresh
 * snapshot for each of its statements; where the database or the role defaults to
 * a stricter level, each call runs in a transaction that names the level.
 */
export const readCommitted = (sql: SqlClient.SqlClient) =>
  Effect.map(
    translated("open")(
      sql.unsafe<{ readonly level: string }>(
        "select pg_catalog.current_setting('default_transaction_isolation') as level"
      )
    ),
    ([row]) =>
      <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
        row!.level === "read committed" ? call : transactionOf(sql)(call)
  )
