import { InlineContract } from "@hexfold/testing/contracts"
import { repeatableRead, together } from "./backends.ts"

InlineContract.suite("Postgres", together())

InlineContract.suite("Postgres, a database whose transactions default to repeatable read", together(repeatableRead))
