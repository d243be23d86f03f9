/** Runs the projections of all views in the database of its argument, until the process is killed. */
import { NodeRuntime } from "@effect/platform-node"
import { Projection } from "@hexfold/core"
import { Layer, Redacted } from "effect"
import { views } from "../src/keeping.ts"
import { storesIn } from "./server.ts"

const url = Redacted.make(process.argv[2]!)

Projection.layer(views, { batch: 200, lease: "500 millis", pause: "100 millis" }).pipe(
  Layer.provide(storesIn({ url })),
  Layer.launch,
  NodeRuntime.runMain
)
