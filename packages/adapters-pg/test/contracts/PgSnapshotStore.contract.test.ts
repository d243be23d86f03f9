import { SnapshotStoreContract } from "@hexfold/testing/contracts"
import { apart, apartOnWires, restricted } from "./backends.ts"

SnapshotStoreContract.suite("Postgres", apartOnWires)

SnapshotStoreContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  apart({}, restricted)
)
