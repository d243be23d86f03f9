/**
 * A process of a version of the application: it keeps the views of its version, executes commands and reads all the time,
 * until it is told to stop with SIGTERM.
 *   node app.ts URL FOLDER NAME SEED SETTINGS
 */
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { commandsFor } from "../kills/commands.ts"
import { settle } from "../kills/executing.ts"
import { now } from "../kills/lines.ts"
import { stores } from "../kills/open.ts"
import { below } from "../rounds/random.ts"
import { observedFile } from "./lines.ts"
import { observing } from "./observing.ts"
import type { Settings } from "./settings.ts"
import { projecting, viewsOf } from "./views.ts"
import "../rounds/endWithParent.ts"

const [url, folder, name, seed, json] = process.argv.slice(2) as [string, string, string, string, string]
const { keepFor, leftAfter, lease, patience, version } = JSON.parse(json) as Settings

let isStopping = false
process.on("SIGTERM", () => (isStopping = true))

const views = viewsOf(version)
const { draw, file, randomFor } = commandsFor({ folder, name, seed: Number(seed) })
const { note, reading, waitAndRead } = observing(version, join(folder, observedFile(name)), patience)

const worker = (number: number) =>
  Effect.gen(function* () {
    const random = randomFor(number)
    while (!isStopping) {
      const { position } = yield* settle(file, draw(random), patience)
      // One of the workers reads what it has written.
      if (number === 0 && position !== undefined && !isStopping) {
        yield* waitAndRead(views[below(random, views.length)]!, position)
      }
      yield* Effect.sleep(10 + below(random, 40))
    }
  })

const program = Effect.gen(function* () {
  const context = yield* stores(url, { views, leftAfter })
  yield* Effect.gen(function* () {
    yield* Layer.build(projecting(version, lease, keepFor))
    yield* note({ _tag: "Alive", version, at: now() })
    yield* Effect.forkScoped(reading(views, randomFor(-1)))
    yield* Effect.forEach([0, 1, 2], worker, { concurrency: "unbounded", discard: true })
  }).pipe(Effect.scoped, Effect.provideContext(context))
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)
