import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgViewStore } from "@hexfold/adapters-pg"
import { ProjectionContract } from "@hexfold/testing/contracts"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { client, newSchema } from "../support/database.ts"
import { wire } from "../support/wire.ts"

ProjectionContract.suite(
  "Postgres",
  Layer.effect(
    ProjectionContract.Backend,
    Effect.map(newSchema, (schema) => ({
      open: Effect.gen(function* () {
        const { cut, end, url } = yield* wire
        const sql = yield* client({ url })
        // Before the client ends, which else waits for answers.
        yield* Effect.addFinalizer(() => Effect.sync(end))
        // Polls so seldom that a projection which is not woken makes its case time out.
        const events = yield* PgEventStore.make({ schema, pollInterval: "1 hour" }).pipe(
          Effect.provideService(PgClient.PgClient, sql),
          Effect.provideService(SqlClient.SqlClient, sql)
        )
        const views = yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql)
        return {
          events,
          views,
          cut: Effect.sync(cut),
          transaction: (effect) =>
            sql
              .withTransaction(effect)
              .pipe(
                Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED"),
                Effect.catchTag("SqlError", Effect.die)
              )
        } satisfies ProjectionContract.Pair
      })
    }))
  )
)
