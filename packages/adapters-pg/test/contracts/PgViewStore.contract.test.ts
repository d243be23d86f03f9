import { ViewStoreContract } from "@hexfold/testing/contracts"
import { apart, repeatableRead } from "./backends.ts"

ViewStoreContract.suite("Postgres", apart())

ViewStoreContract.suite("Postgres, a database whose transactions default to repeatable read", apart({}, repeatableRead))
