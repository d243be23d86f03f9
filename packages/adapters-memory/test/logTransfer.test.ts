import { LogTransferContract } from "@hexfold/testing/contracts"
import { apart, together } from "./support/backends.ts"

LogTransferContract.suite("memory", apart)

LogTransferContract.suite("memory, all stores over one log", together)
