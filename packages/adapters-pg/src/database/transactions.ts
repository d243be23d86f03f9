import { Context, Effect, Option } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { translated } from "./errors.ts"

/** Runs an effect such that transactions begin at READ COMMITTED: each statement sees what is committed before it starts. */
const beginReadCommitted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED")

/** Runs effects in a transaction at READ COMMITTED, or in a savepoint of the caller's transaction. */
export const transactionOf =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    beginReadCommitted(sql.withTransaction(effect))

/** Runs effects outside of any transaction of the fiber that happens to run them. */
export const outsideOf =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateContext(
      effect,
      (context: Context.Context<R>) => Context.omit(sql.transactionService)(context) as Context.Context<R>
    )

/** Says whether the effect runs inside a transaction of the fiber that runs it. */
export const whetherJoined = <A, E, R>(
  sql: SqlClient.SqlClient,
  f: (joined: boolean) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<never>) =>
    f(Option.isSome(Context.getOption(context, sql.transactionService)))
  )

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
