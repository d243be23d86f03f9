import { InlineContract } from "@hexfold/testing/contracts"
import { restricted, together } from "./backends.ts"

InlineContract.suite(
  "Postgres, as a role with few rights whose transactions default to repeatable read",
  together(restricted)
)
