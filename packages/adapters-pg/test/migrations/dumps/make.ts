/**
 * Makes the dump of the schema as this library makes it: `version<n>.sql`, and what it holds as `version<n>.json`.
 * Run it with `npm run dump --workspace @hexfold/adapters-pg`, then `npm run format`.
 */
import { writeFileSync } from "node:fs"
import { PgClient } from "@effect/sql-pg"
import { EmbeddedPostgres, PgMigrations, PgStores } from "@hexfold/adapters-pg"
import { Executor, Snapshots } from "@hexfold/core"
import { Effect, Layer } from "effect"
import { contents } from "./contents.ts"
import { Course, Places } from "./courses.ts"
import { dump } from "./dump.ts"
import { fill } from "./fill.ts"

const file = (extension: string) => new URL(`version${PgMigrations.latest}.${extension}`, import.meta.url)

const program = Effect.gen(function* () {
  yield* fill
  // When the layer ends, the snapshot is saved.
  yield* Effect.provide(Executor.load(Course, "ts"), Snapshots.layer({ every: 1, of: [Course] }))
  writeFileSync(file("json"), `${JSON.stringify(yield* contents, null, 2)}\n`)
  writeFileSync(file("sql"), yield* dump(yield* PgClient.PgClient, PgMigrations.defaultSchema))
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(PgStores.layer({ views: [Places] }).pipe(Layer.provideMerge(EmbeddedPostgres.layerClient())))
  )
)
