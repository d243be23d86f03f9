import { EventStoreContract } from "@hexfold/testing/contracts"
import { apart } from "./backends.ts"

EventStoreContract.suite("Postgres", apart())
