import { SnapshotStoreContract } from "@hexfold/testing/contracts"
import { apart, apartOnWires, restricted, together } from "./backends.ts"

SnapshotStoreContract.suite("Postgres", apartOnWires)

SnapshotStoreContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  apart({}, restricted)
)

SnapshotStoreContract.suite("Postgres, all stores of one layer", together())
