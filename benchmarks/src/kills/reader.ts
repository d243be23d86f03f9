/**
 * A process that follows the log and keeps the views, until it is killed.
 *   node reader.ts URL FILE
 */
import { Effect } from "effect"
import { stores } from "./open.ts"
import { following, projecting } from "./reading.ts"
import "../rounds/endWithParent.ts"

const [url, file] = process.argv.slice(2) as [string, string]

const program = Effect.gen(function* () {
  const context = yield* stores(url)
  yield* Effect.all([following(file), projecting], { concurrency: "unbounded" }).pipe(Effect.provideContext(context))
})

await Effect.runPromise(Effect.scoped(program))
