import type { EventStoreError } from "@hexfold/core"
import { Duration, Effect, Schedule, type Scope } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { reported } from "../database/reported.ts"
import { sweepCommands } from "../sql/retention.ts"

const batchSize = 1_000

/**
 * Forgets command ids of an age and above, and returns how many it has forgotten.
 * Each batch is a transaction of its own, so an append that repeats one of its ids
 * waits for this batch only. `run` runs each batch at READ COMMITTED, and limits its time.
 */
export const sweep = (
  sql: SqlClient.SqlClient,
  schema: string,
  olderThan: Duration.Duration,
  run: (
    batch: Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError>
  ) => Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError | EventStoreError>
): Effect.Effect<number, SqlError.SqlError | EventStoreError> =>
  Effect.gen(function* () {
    if (!Duration.isFinite(olderThan)) return 0
    let count = 0
    let last: Date | null = null
    while (true) {
      const [row]: ReadonlyArray<Row> = yield* run(
        sql.unsafe<Row>(sweepCommands(schema), [Duration.toSeconds(olderThan), last, batchSize])
      )
      count += row!.count
      if (row!.count < batchSize) return count
      last = row!.last
    }
  })

/**
 * Sweeps now and after each interval, in the background. The next sweep makes up for
 * one that failed. While they fail the table grows, so the first failure is told.
 */
export const sweepEvery = <E>(
  schema: string,
  interval: Duration.Duration,
  sweeping: Effect.Effect<number, E>
): Effect.Effect<void, never, Scope.Scope> => {
  const { failed, succeeded } = reported(
    `hexfold: expired command ids of ${schema} cannot be swept, so they stay`,
    `hexfold: expired command ids of ${schema} are swept again`
  )
  return sweeping.pipe(
    Effect.matchCauseEffect({ onFailure: failed, onSuccess: () => succeeded }),
    Effect.repeat(Schedule.spaced(interval)),
    Effect.withTracerEnabled(false),
    Effect.forkScoped,
    Effect.asVoid
  )
}

interface Row {
  readonly count: number
  readonly last: Date | null
}
