import { ViewStoreContract } from "@hexfold/testing/contracts"
import { apart, restricted } from "./backends.ts"

ViewStoreContract.suite("Postgres", apart())

ViewStoreContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  apart({}, restricted)
)
