import { LogTransferContract } from "@hexfold/testing/contracts"
import { apart } from "./support/backends.ts"

LogTransferContract.suite("memory", apart)
