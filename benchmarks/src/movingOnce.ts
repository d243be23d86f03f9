/**
 * One export and one import of many events, each in a process of its own whose resident memory is watched. A program of
 * its own, because it takes minutes:
 *
 * npm run moving --workspace @hexfold/benchmarks -- [events]
 */
import "effect/schema/SchemaJITCompiler/enable"
import { EmbeddedPostgres } from "@hexfold/adapters-pg"
import { Effect, Redacted } from "effect"
import { movingOnce, movingStep } from "./moving.ts"

const [first = "5000000", url, path, events] = process.argv.slice(2)

await (url === undefined
  ? Effect.runPromise(
      Effect.flatMap(EmbeddedPostgres.EmbeddedPostgres, ({ url }) =>
        Effect.promise(() => movingOnce(Redacted.value(url), Number(first), import.meta.filename))
      ).pipe(Effect.provide(EmbeddedPostgres.layer()))
    )
  : movingStep(first, url, path!, Number(events)))
process.exit(0)
