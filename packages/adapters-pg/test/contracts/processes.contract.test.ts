import { ProcessContract } from "@hexfold/testing/contracts"
import { apart } from "./backends.ts"

ProcessContract.suite("Postgres", apart())
