import { MemoryStores } from "@hexfold/adapters-memory"
import { Layer } from "effect"
import { suite } from "./FrontContract.ts"

suite("memory", (views) => Layer.build(MemoryStores.layer({ views })))
