/**
 * A process that keeps all views, beside others, until it is killed.
 *   node worker.ts URL SEED PACE
 */
import { Projection } from "@hexfold/core"
import { Effect, Layer } from "effect"
import { stores } from "../kills/open.ts"
import { planOf } from "./plan.ts"
import { asyncViews, inlineViews, Steps, views } from "./views.ts"
import "../rounds/endWithParent.ts"

const [url, seed, pace] = process.argv.slice(2) as [string, string, string]
const { maxParts, options, parts } = planOf(Number(seed), Number(pace))

const projecting = Layer.mergeAll(
  Projection.layer([...asyncViews, ...inlineViews], options),
  Projection.layer(Steps, { ...options, parts, maxParts })
)

const program = Effect.gen(function* () {
  const context = yield* stores(url, { views })
  yield* Effect.provideContext(Layer.launch(projecting), context)
})

await Effect.runPromise(Effect.scoped(program))
