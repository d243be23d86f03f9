import { LogTransferContract } from "@hexfold/testing/contracts"
import { apart, restricted } from "./backends.ts"

// Pages of a few rows and bytes, so that commands are read in many steps.
LogTransferContract.suite(
  "Postgres, in small pages, as a role with few rights whose transactions default to repeatable read",
  apart({ pageSize: 2, pageBytes: 50 }, restricted)
)
