import { ReactorContract } from "@hexfold/testing/contracts"
import { apart, together } from "./support/backends.ts"

ReactorContract.suite("memory", apart)

ReactorContract.suite("memory, all stores over one log", together)
