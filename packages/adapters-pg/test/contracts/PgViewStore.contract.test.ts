import { ProjectionStoreContract, ViewStoreContract } from "@hexfold/testing/contracts"
import { apart, restricted } from "./backends.ts"

ProjectionStoreContract.suite("Postgres", apart())

ProjectionStoreContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  apart({}, restricted)
)

ViewStoreContract.suite("Postgres", apart())

ViewStoreContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  apart({}, restricted)
)
