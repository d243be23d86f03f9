import { ViewStoreContract } from "@hexfold/testing/contracts"
import { apart } from "./support/backends.ts"

ViewStoreContract.suite("memory", apart)
