import { AdapterContract } from "@hexfold/testing/contracts"
import { together } from "./support/backends.ts"

AdapterContract.suite("memory, both stores over one log", together)
