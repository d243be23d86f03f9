/**
 * A job before or after a deployment, which ends by itself: it builds a version, waits until one answers, or drops one.
 *   node job.ts URL FOLDER NAME TASK SETTINGS
 */
import { Projection } from "@hexfold/core"
import { Effect, Schedule } from "effect"
import { join } from "node:path"
import { now } from "../kills/lines.ts"
import { stores } from "../kills/open.ts"
import { observedFile } from "./lines.ts"
import { observing } from "./observing.ts"
import type { Settings, Task } from "./settings.ts"
import { optionsOf, viewsOf } from "./views.ts"
import "../rounds/endWithParent.ts"

const [url, folder, name, task, json] = process.argv.slice(2) as [string, string, string, Task, string]
const { leftAfter, lease, patience, version } = JSON.parse(json) as Settings
const views = viewsOf(version)
const { note } = observing(version, join(folder, observedFile(name)), patience)

// The server may be killed meanwhile, and the lease of a process that was killed ends later.
const patiently = { schedule: Schedule.spaced("100 millis"), times: 600 }

type Failure = Effect.Error<ReturnType<typeof Projection.serve | typeof Projection.drop>>

const work = (view: (typeof views)[number]): Effect.Effect<unknown, Failure, Projection.Stores> => {
  const options = optionsOf(view, lease)
  switch (task) {
    case "build":
      return Projection.build(view, options)
    case "serve":
      return Projection.serve(view, options)
    case "drop":
      return Projection.drop({ view, version })
  }
}

const program = Effect.gen(function* () {
  const context = yield* stores(url, { views, leftAfter })
  yield* note({ _tag: "Alive", version, at: now() })
  yield* Effect.forEach(
    views,
    (view) =>
      Effect.andThen(
        Effect.retry(work(view), {
          ...patiently,
          while: (error) => error._tag === "DropRefused" || ("isRetryable" in error && error.isRetryable)
        }),
        Effect.suspend(() => note({ _tag: "Done", version, view: view.name, at: now() }))
      ),
    { discard: true }
  ).pipe(Effect.provideContext(context))
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)
