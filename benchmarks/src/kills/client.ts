/**
 * A process that executes commands until it is told to stop with SIGTERM, and writes them and their answers down. When it
 * starts it executes again, under their ids, the commands for which no client has an answer.
 *   node client.ts URL FOLDER NAME SEED WORKERS cache|plain
 */
import { Effect } from "effect"
import { commandsFor } from "./commands.ts"
import { settle } from "./executing.ts"
import { stores } from "./open.ts"
import { below } from "../rounds/random.ts"
import "../rounds/endWithParent.ts"

const [url, folder, name, seed, workers, cache] = process.argv.slice(2) as [
  ...[string, string, string, string, string, string]
]

let isStopping = false
process.on("SIGTERM", () => (isStopping = true))

const { draw, file, randomFor } = commandsFor({ folder, name, seed: Number(seed) })

const worker = (number: number) =>
  Effect.gen(function* () {
    const random = randomFor(number)
    while (!isStopping) {
      yield* settle(file, draw(random))
      yield* Effect.sleep(below(random, 8))
    }
  })

const program = Effect.gen(function* () {
  const context = yield* stores(url, { hasCache: cache === "cache" })
  const numbers = Array.from({ length: Number(workers) }, (_, i) => i)
  yield* Effect.forEach(numbers, worker, { concurrency: "unbounded", discard: true }).pipe(
    Effect.provideContext(context)
  )
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)
