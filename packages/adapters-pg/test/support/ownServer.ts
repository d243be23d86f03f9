import { execFileSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { PgClient } from "@effect/sql-pg"
import { EmbeddedPostgres } from "@hexfold/adapters-pg"
import { Effect, Exit, Layer, type Redacted, Schedule, Scope } from "effect"
import { client } from "./database.ts"

/** A server of a test's own, which can be ended in any way and started again on the same port. */
export interface OwnServer {
  readonly url: Redacted.Redacted
  readonly port: number
  readonly dataFolder: string
  /** Stops the server in an orderly way, and starts it again. */
  readonly restart: Effect.Effect<void>
  /** Kills all processes of the server, and starts it again. */
  readonly crash: Effect.Effect<void>
}

/** Starts a server with settings as in `postgresql.conf`. It ends with the scope. */
export const ownServer = (
  parameters: Readonly<Record<string, string | number | boolean>> = {}
): Effect.Effect<OwnServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const dataFolder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "hexfold-own-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const start = (port?: number) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const layer = EmbeddedPostgres.layer({ dataFolder, parameters, ...(port === undefined ? {} : { port }) })
        const context = yield* Layer.buildWithScope(layer, scope)
        const server = yield* Effect.provideContext(EmbeddedPostgres.EmbeddedPostgres, context)
        return { ...server, close: Scope.close(scope, Exit.void) }
      }).pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }), Effect.orDie)
    let present = yield* start()
    const { port, url } = present
    yield* Effect.addFinalizer(() => Effect.suspend(() => present.close))
    const again = Effect.gen(function* () {
      yield* present.close
      present = yield* start(port)
    })
    const crash = Effect.sync(() => {
      const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(present.pid)], { encoding: "utf8" })
      for (const pid of [present.pid, ...children.trim().split(/\s+/).map(Number)]) kill(pid)
    })
    return { url, port, dataFolder, restart: again, crash: Effect.andThen(crash, again) }
  })

/** Kills a process, unless it has ended by itself, as the server's workers do. */
export const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

/** Waits until the server answers a client whose connections may have died. */
export const answering = (sql: PgClient.PgClient): Effect.Effect<void> =>
  Effect.asVoid(
    sql.unsafe("select 1").pipe(Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 200 }), Effect.orDie)
  )

/** A client of a server of a test's own. */
export const clientOf = (server: { readonly url: Redacted.Redacted }) => client({ url: server.url })
