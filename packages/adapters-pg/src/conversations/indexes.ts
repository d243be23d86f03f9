import { EventStoreError, Reason } from "@hexfold/core"
import { Effect, Schedule } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { translated } from "../database/errors.ts"
import { quoted } from "../database/schemaName.ts"
import { whetherJoined } from "../database/transactions.ts"
import * as statements from "./statements.ts"

/** Whether the index of conversations can be used; undefined if there is none. */
const validity = (sql: SqlClient.SqlClient, schema: string): Effect.Effect<boolean | undefined, SqlError.SqlError> =>
  Effect.map(sql.unsafe<{ readonly isValid: boolean }>(statements.indexState, [schema]), ([row]) => row?.isValid)

/** Refuses a read by a correlation id where the index is missing: it would read the whole log. */
export const checkIndex = (
  sql: SqlClient.SqlClient,
  schema: string
): Effect.Effect<void, EventStoreError | SqlError.SqlError> =>
  Effect.flatMap(validity(sql, schema), (isValid) => (isValid === true ? Effect.void : Effect.fail(lacking(schema))))

const lacking = (schema: string): EventStoreError => {
  const detail =
    `the log of the schema ${schema} has no index of correlation ids yet, because it was large when it was migrated. ` +
    `Build it, which holds up no append: PgMigrations.buildIndexes({ schema: "${schema}" })`
  return new EventStoreError({ operation: "readAll", reason: new Reason.Rejected({ detail }) })
}

/**
 * Builds the index of conversations beside appends and reads, if it is missing. What an earlier building has left behind
 * is removed. Another process that builds it is waited for.
 *
 * Postgres builds such an index outside of transactions only, and no limit in time may end it. So all happens on one
 * connection whose limits are turned off meanwhile.
 */
export const buildIndexes = (schema: string): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    // It would wait for the end of the caller's transaction.
    if (yield* whetherJoined(sql, Effect.succeed))
      return yield* refused("an index cannot be built inside a transaction")
    const connection = yield* sql.reserve
    const run = (text: string, binds: ReadonlyArray<string> = []) =>
      connection.executeUnprepared(text, binds, undefined)
    yield* Effect.addFinalizer(() =>
      Effect.all([run(statements.end, [schema]), ...limits.map((name) => run(`reset ${name}`))]).pipe(Effect.ignore)
    )
    for (const name of limits) yield* run(`set ${name} = 0`)
    yield* run(statements.begin, [schema]).pipe(
      Effect.repeat({ until: ([row]) => row.begun === true, schedule: Schedule.spaced(pause) })
    )
    const isValid = yield* validity(sql, schema)
    if (isValid === true) return
    if (isValid === false) yield* run(statements.dropIndex(quoted(schema)))
    yield* Effect.logInfo(`hexfold: building the index of correlation ids of the schema ${schema}`)
    yield* run(statements.createIndex(quoted(schema)))
    yield* run(statements.analyze(quoted(schema)))
  }).pipe(Effect.scoped, translated("maintenance"))

const limits = ["statement_timeout", "lock_timeout"]

/** The time between two looks at the building of another process. */
const pause = "1 second"

const refused = (detail: string) =>
  Effect.fail(new EventStoreError({ operation: "maintenance", reason: new Reason.Rejected({ detail }) }))
