/**
 * One export and one import of many events, with the resident memory of the process. A program of its own, because it
 * takes minutes:
 *
 * npm run moving --workspace @hexfold/benchmarks -- [events]
 */
import "effect/schema/SchemaJITCompiler/enable"
import { EmbeddedPostgres } from "@hexfold/adapters-pg"
import { Effect, Redacted } from "effect"
import { movingOnce } from "./moving.ts"

const [events = 5_000_000] = process.argv.slice(2).map(Number)

await Effect.runPromise(
  Effect.flatMap(EmbeddedPostgres.EmbeddedPostgres, ({ url }) =>
    Effect.promise(() => movingOnce(Redacted.value(url), events))
  ).pipe(Effect.provide(EmbeddedPostgres.layer()))
)
process.exit(0)
