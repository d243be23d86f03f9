import { ProjectionContract } from "@hexfold/testing/contracts"
import { apartOnWires } from "./backends.ts"

ProjectionContract.suite("Postgres", apartOnWires)
