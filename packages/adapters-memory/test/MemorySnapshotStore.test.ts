import { SnapshotStoreContract } from "@hexfold/testing/contracts"
import { apart } from "./support/backends.ts"

SnapshotStoreContract.suite("memory", apart)
