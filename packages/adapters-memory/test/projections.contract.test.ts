import { ProjectionContract } from "@hexfold/testing/contracts"
import { apart } from "./support/backends.ts"

ProjectionContract.suite("memory", apart)
