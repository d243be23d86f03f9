import { EventStoreContract } from "@hexfold/testing/contracts"
import { backend } from "./database.ts"

EventStoreContract.suite("Postgres", backend())
