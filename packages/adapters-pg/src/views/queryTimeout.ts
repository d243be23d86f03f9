import { type Query, Reason, ViewStoreError } from "@hexfold/core"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { isWaitOver } from "../database/errors.ts"
import { transactionOf, whetherJoined } from "../database/transactions.ts"

/**
 * Ends a query after its `timeout`. The server ends the statement. The process ends
 * it too, so that time in the queue for a connection counts, and so that a query
 * in a caller's transaction leaves the settings of that transaction alone; the
 * client then cancels what runs on the server.
 */
export const timed = <A, E>(
  sql: SqlClient.SqlClient,
  { timeout, view }: Pick<Query.Query, "timeout" | "view">,
  effect: Effect.Effect<A, E | SqlError.SqlError>
): Effect.Effect<A, E | SqlError.SqlError | ViewStoreError> => {
  if (timeout === undefined) return effect
  const over = () => {
    const detail = `the query took longer than its timeout of ${timeout} ms`
    return new ViewStoreError({ operation: "query", view, reason: new Reason.Timeout({ detail }) })
  }
  const setting = sql.unsafe("select pg_catalog.set_config('statement_timeout'::text, $1::text, true)", [
    String(timeout)
  ])
  const limited = transactionOf(sql)(Effect.andThen(setting, effect))
  return whetherJoined(sql, (joined) => (joined ? effect : limited)).pipe(
    Effect.mapError((error) => (isSql(error) && isWaitOver(error) ? over() : error)),
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(over()) })
  )
}

const isSql = (error: unknown): error is SqlError.SqlError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "SqlError"
