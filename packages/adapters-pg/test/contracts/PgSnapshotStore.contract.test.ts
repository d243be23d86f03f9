import { SnapshotStoreContract } from "@hexfold/testing/contracts"
import { apart, restricted } from "./backends.ts"

SnapshotStoreContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  apart({}, restricted)
)
