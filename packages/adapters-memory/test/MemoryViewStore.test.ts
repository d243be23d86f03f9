import { ProjectionStoreContract, ViewStoreContract } from "@hexfold/testing/contracts"
import { apart } from "./support/backends.ts"

ProjectionStoreContract.suite("memory", apart)

ViewStoreContract.suite("memory", apart)
