import { ProcessContract } from "@hexfold/testing/contracts"
import { apartOnWires } from "./backends.ts"

ProcessContract.suite("Postgres", apartOnWires)
