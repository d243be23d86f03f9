/**
 * A process that runs the examples, beside others, until it is killed, or told to stop with SIGTERM.
 *   node worker.ts URL OUTSIDE SETTINGS
 */
import { Answers } from "@hexfold/example-orders"
import { Reactor } from "@hexfold/core"
import { Effect, Fiber, Layer } from "effect"
import { stores } from "../kills/open.ts"
import { outsideAt } from "./asking.ts"
import { reactionsOf } from "./versions.ts"
import type { Settings } from "./settings.ts"
import "../rounds/endWithParent.ts"

const [url, outside, json] = process.argv.slice(2) as [string, string, string]
const settings = JSON.parse(json) as Settings
const { lease, maxParts, parts, pause } = settings

const running = Layer.mergeAll(Reactor.layer(reactionsOf(settings), { lease, maxParts, parts, pause }), Answers).pipe(
  Layer.provide(outsideAt(outside))
)

const program = Effect.gen(function* () {
  const context = yield* stores(url, { views: [] })
  console.log(`${process.pid} runs version ${settings.version}`)
  yield* Effect.provideContext(Layer.launch(running), context)
})

const fiber = Effect.runFork(Effect.scoped(program))
process.on("SIGTERM", () => {
  void Effect.runPromise(Fiber.interrupt(fiber)).then(() => process.exit(0))
})
fiber.addObserver((exit) => {
  if (exit._tag === "Failure" && !String(exit.cause).includes("Interrupt")) {
    console.error(`ERROR ${String(exit.cause)}`)
    process.exit(1)
  }
})
