import { ReactorContract } from "@hexfold/testing/contracts"
import { apartOnWires } from "./backends.ts"

ReactorContract.suite("Postgres", apartOnWires)
