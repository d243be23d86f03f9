import { ReactorContract } from "@hexfold/testing/contracts"
import { apart } from "./support/backends.ts"

ReactorContract.suite("memory", apart)
