import { EventStoreContract } from "@hexfold/testing/contracts"
import { apart } from "./backends.ts"

EventStoreContract.suite(
  "Postgres, one append in a call and one call at a time",
  apart({ maxBatch: 1, maxInFlight: 1, pageSize: 7 })
)
