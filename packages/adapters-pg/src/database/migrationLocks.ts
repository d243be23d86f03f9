import { Clock, Effect, Option } from "effect"
import { type SqlClient, SqlError } from "effect/sql"
import { migrationHolders } from "../sql/locks.ts"
import { texts } from "./binds.ts"
import { isDeadlock, isLockTimeout } from "./errors.ts"
import { describeHolder, type HolderRow, holderOf } from "./holders.ts"
import { quoted } from "./schemaName.ts"
import { transactionOf } from "./transactions.ts"

/** How long the first try waits for its locks, in milliseconds. Each later try waits twice as long. */
const firstPatience = 50
/** The longest that a try waits, in milliseconds. */
const longestPatience = 500
/** The longest pause between two tries, in milliseconds. Between them appends go on. */
const longestPause = 1_000
/** For how long a migration tries before the first warning, in milliseconds. An ordinary append ends sooner. */
const reportAfter = 1_000
/** The time between two warnings, and the longest wait for a lock that no append waits for, in milliseconds. */
const reportEvery = 10_000

/** How often a migration tries to get its locks, and what it says meanwhile. */
interface Waiting {
  /** What waits, for the log. */
  readonly what: string
  /** The tables that it locks. */
  readonly tables: ReadonlyArray<string>
  /** How long a try waits for all of its locks, in milliseconds. */
  readonly patience: (tries: number) => number
  readonly pause: (patience: number) => number
}

/**
 * The locks of a migration of a schema. It runs inside one transaction.
 *
 * A migration that stands in the queue for the lock of a table holds up all appends
 * that come after it. So it waits briefly, gives up what it has locked, and tries
 * again, as often as needed. It gets all locks that appends wait for before it changes
 * anything. If this takes long, a warning says for whom it waits.
 */
export const migrationLocks = (sql: SqlClient.SqlClient, schema: string) => {
  const savepoint = transactionOf(sql)
  const excluding = `hexfold:${schema}`
  const limit = (millis: number) =>
    sql.unsafe("select pg_catalog.set_config('lock_timeout', $1, true)", [`${Math.ceil(millis)}`])

  const report = ({ tables, what }: Waiting) =>
    Effect.gen(function* () {
      const rows = yield* sql.unsafe<HolderRow>(migrationHolders, [schema, texts(tables), excluding])
      const holders = rows.map((row) => describeHolder(holderOf(row))).join("; ")
      yield* Effect.logWarning(`hexfold: ${what} waits for ${holders === "" ? "a lock, which is free again" : holders}`)
    })

  // A try runs in a savepoint. Its end gives all locks of the try back, and leaves the transaction usable.
  const trying = <A, E, R>(
    waiting: Waiting,
    attempt: (patience: number) => Effect.Effect<A, E | SqlError.SqlError, R>
  ): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.gen(function* () {
      const began = yield* elapsed
      let warnedAt: number | undefined
      for (let tries = 0; ; tries++) {
        const patience = waiting.patience(tries)
        const done = yield* savepoint(attempt(patience)).pipe(
          Effect.map(Option.some),
          Effect.catchIf(hasGivenWay, () => Effect.succeed(Option.none<A>()))
        )
        if (Option.isSome(done)) {
          if (warnedAt !== undefined) yield* Effect.logInfo(`hexfold: ${waiting.what} goes on`)
          return done.value
        }
        const now = yield* elapsed
        if (warnedAt === undefined ? now - began >= reportAfter : now - warnedAt >= reportEvery) {
          warnedAt = now
          yield* report(waiting)
        }
        yield* Effect.sleep(waiting.pause(patience))
      }
    })

  return {
    /**
     * Waits for the other migrations of the schema, and excludes them to the end of the transaction. `shared` only
     * waits for them. No append waits for this lock, so the wait is long.
     */
    alone: (what: string, shared = false): Effect.Effect<void, SqlError.SqlError> =>
      trying({ what, tables: [], patience: () => reportEvery, pause: () => 0 }, (patience) =>
        Effect.gen(function* () {
          yield* limit(patience)
          const lock = `pg_catalog.pg_advisory_xact_lock${shared ? "_shared" : ""}`
          yield* sql.unsafe(`select ${lock}(pg_catalog.hashtextextended($1, 0))::text`, [excluding])
          yield* limit(0)
        })
      ),

    /**
     * Runs work that locks tables, as often as it takes to get all locks. The tables are that of the migrations and those
     * for which appends wait. The work gets an effect that locks them, and runs it before it changes one of them.
     */
    patiently: <A, E, R>(
      what: string,
      tables: ReadonlyArray<string>,
      work: (lock: Effect.Effect<void, SqlError.SqlError>) => Effect.Effect<A, E | SqlError.SqlError, R>
    ): Effect.Effect<A, E | SqlError.SqlError, R> =>
      trying(
        {
          what,
          tables,
          patience: (tries) =>
            // No append waits for the table of the migrations.
            tables.length === 1 ? reportEvery : Math.min(firstPatience * 2 ** tries, longestPatience),
          pause: (patience) => Math.min(2 * patience, longestPause)
        },
        (patience) =>
          Effect.gen(function* () {
            yield* limit(patience)
            const names = tables.map((table) => `${quoted(schema)}.${table}`).join(", ")
            const done = yield* work(
              Effect.gen(function* () {
                // The limit counts for each of the tables.
                yield* limit(patience / tables.length)
                yield* sql.unsafe(`lock table ${names} in access exclusive mode`)
                yield* limit(patience)
              })
            )
            yield* limit(0)
            return done
          })
      )
  }
}

// Milliseconds of a clock that nobody sets.
const elapsed = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const hasGivenWay = (error: unknown): error is SqlError.SqlError =>
  SqlError.isSqlError(error) && (isLockTimeout(error) || isDeadlock(error))
