import { EventStoreContract } from "@hexfold/testing/contracts"
import { apart, restricted } from "./backends.ts"

// Appends that share a call run with these rights and this isolation in the InlineContract.
EventStoreContract.suite(
  "Postgres, one append in a call and one call at a time, as a role with few rights whose transactions default to repeatable read",
  apart({ maxBatch: 1, maxInFlight: 1, pageSize: 7 }, restricted)
)
