import { ViewStoreContract } from "@hexfold/testing/contracts"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import { newSchema, openViews } from "../support/database.ts"

const backend = (config: Partial<PgClient.PgPoolConfig> = {}) =>
  Layer.effect(
    ViewStoreContract.Backend,
    Effect.map(newSchema, (schema) => ({ open: Effect.map(openViews({ schema }, config), ({ store }) => store) }))
  )

ViewStoreContract.suite("Postgres", backend())

ViewStoreContract.suite(
  "Postgres, a database whose transactions default to repeatable read",
  backend({ startupParameters: { default_transaction_isolation: "repeatable read" } })
)
