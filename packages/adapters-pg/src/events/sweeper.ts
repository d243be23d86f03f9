import type { EventStoreError } from "@hexfold/core"
import { Background } from "@hexfold/core/adapter"
import { Duration, Effect, Schedule, type Scope } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { limitOf } from "../database/disconnect.ts"
import { translated } from "../database/errors.ts"
import { outsideOf } from "../database/transactions.ts"
import { sweepCommands } from "../sql/retention.ts"

const batchSize = 1_000

/**
 * Forgets command ids of an age and above, and returns how many it has forgotten.
 * Each batch is a transaction of its own, so an append that repeats one of its ids
 * waits for this batch only. Each batch has a limit in time. A sweep that is given up,
 * or whose store closes, waits for the end of its batch.
 */
export const sweep = ({
  committed,
  olderThan,
  schema,
  sql,
  timeout
}: Sweep): Effect.Effect<number, EventStoreError> => {
  const limited = limitOf(sql, timeout, true)("maintenance")
  const sweeping = Effect.gen(function* () {
    if (!Duration.isFinite(olderThan)) return 0
    let count = 0
    let last: Date | null = null
    while (true) {
      const batch: Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError> = sql.unsafe<Row>(sweepCommands(schema), [
        Duration.toSeconds(olderThan),
        last,
        batchSize
      ])
      const [row]: ReadonlyArray<Row> = yield* limited(committed(batch))
      count += row!.count
      if (row!.count < batchSize) return count
      last = row!.last
    }
  })
  return translated("maintenance")(outsideOf(sql)(sweeping))
}

/** What to sweep, and how. */
interface Sweep {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  readonly olderThan: Duration.Duration
  /** The most time of a batch. */
  readonly timeout: Duration.Duration
  /** Runs and commits a statement at READ COMMITTED. */
  readonly committed: <A, E>(batch: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
}

/**
 * Sweeps now and after each interval, in the background. The next sweep makes up for
 * one that failed. While they fail the table grows, so the first failure is told.
 */
export const sweepEvery = <E>(
  schema: string,
  interval: Duration.Duration,
  sweeping: Effect.Effect<number, E>
): Effect.Effect<void, never, Scope.Scope> => {
  const { failed, succeeded } = Background.reported({
    failing: `hexfold: expired command ids of ${schema} cannot be swept, so they stay`,
    again: `hexfold: expired command ids of ${schema} are swept again`
  })
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
