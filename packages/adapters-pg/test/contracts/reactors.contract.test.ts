import { ReactorContract } from "@hexfold/testing/contracts"
import { apart } from "./backends.ts"

ReactorContract.suite("Postgres", apart())
