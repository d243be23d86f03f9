import { ProcessContract } from "@hexfold/testing/contracts"
import { apart } from "./support/backends.ts"

ProcessContract.suite("memory", apart)
