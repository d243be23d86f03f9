import { Duration, Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { sweepCommands } from "../sql/retention.ts"

const batchSize = 1_000

/**
 * Forgets command ids of that age and above, and tells how many. Each batch is
 * a transaction of its own: an append that repeats an id of it waits so long
 * and no longer.
 */
export const sweep = (
  sql: SqlClient.SqlClient,
  schema: string,
  olderThan: Duration.Duration
): Effect.Effect<number, SqlError.SqlError> =>
  Effect.gen(function* () {
    if (!Duration.isFinite(olderThan)) return 0
    let count = 0
    let last: Date | null = null
    while (true) {
      const [row]: ReadonlyArray<Row> = yield* sql.withTransaction(
        sql.unsafe<Row>(sweepCommands(schema), [Duration.toSeconds(olderThan), last, batchSize])
      )
      count += row!.count
      if (row!.count < batchSize) return count
      last = row!.last
    }
  }).pipe(Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED"))

interface Row {
  readonly count: number
  readonly last: Date | null
}
