import { EventStoreContract } from "@hexfold/testing/contracts"
import { backend } from "../support/database.ts"

EventStoreContract.suite("Postgres", backend())

EventStoreContract.suite(
  "Postgres, one append in a call and one call at a time",
  backend({ maxBatch: 1, maxInFlight: 1, pageSize: 7 })
)

EventStoreContract.suite(
  "Postgres, a database whose transactions default to repeatable read",
  backend({}, { startupParameters: { default_transaction_isolation: "repeatable read" } })
)
