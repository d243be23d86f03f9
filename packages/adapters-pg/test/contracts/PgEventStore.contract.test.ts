import { EventStoreContract } from "@hexfold/testing/contracts"
import { apart, restricted } from "./backends.ts"

EventStoreContract.suite("Postgres", apart())

EventStoreContract.suite(
  "Postgres, one append in a call and one call at a time",
  apart({ maxBatch: 1, maxInFlight: 1, pageSize: 7 })
)

EventStoreContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  apart({}, restricted)
)
