import { ProjectionContract } from "@hexfold/testing/contracts"
import { apart } from "./backends.ts"

ProjectionContract.suite("Postgres", apart())
