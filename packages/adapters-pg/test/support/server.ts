import { EmbeddedPostgres } from "@hexfold/adapters-pg"
import { Effect, Exit, Layer, Redacted, Scope } from "effect"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  export interface ProvidedContext {
    readonly databaseUrl: string
  }
}

// One server for all test files: the server of HEXFOLD_TEST_DATABASE_URL if it is set, otherwise an embedded one. A kill of a
// process loses nothing that the system has taken, so the data need no fsync.
export default async (project: TestProject) => {
  const given = process.env["HEXFOLD_TEST_DATABASE_URL"]
  if (given !== undefined && given !== "") {
    project.provide("databaseUrl", given)
    return
  }
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(
    Layer.buildWithScope(
      EmbeddedPostgres.layer({ parameters: { max_connections: 200, max_locks_per_transaction: 256, fsync: "off" } }),
      scope
    )
  )
  const { url } = await Effect.runPromise(Effect.provideContext(EmbeddedPostgres.EmbeddedPostgres, context))
  project.provide("databaseUrl", Redacted.value(url))
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}
