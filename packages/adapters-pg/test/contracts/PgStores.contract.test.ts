import type { PgClient } from "@effect/sql-pg"
import { InlineContract } from "@hexfold/testing/contracts"
import { Effect, Layer } from "effect"
import { newSchema, openStores } from "../support/database.ts"

const backend = (config: Partial<PgClient.PgPoolConfig> = {}) =>
  Layer.succeed(InlineContract.Backend, {
    data: Effect.map(
      newSchema,
      (schema): InlineContract.Open =>
        (views) =>
          openStores({ schema, views }, config)
    )
  })

InlineContract.suite("Postgres", backend())

InlineContract.suite(
  "Postgres, a database whose transactions default to repeatable read",
  backend({ startupParameters: { default_transaction_isolation: "repeatable read" } })
)
