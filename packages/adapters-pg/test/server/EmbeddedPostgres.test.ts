import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { EmbeddedPostgres, PgEventStore } from "@hexfold/adapters-pg"
import { EventStore, StreamId } from "@hexfold/core"
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { type AddressInfo, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe } from "vitest"
// A program can take the port only between two steps of the function.
// oxlint-disable-next-line no-restricted-imports
import { startServer } from "../../src/server/embeddedServer.ts"
import { append } from "../support/events.ts"

const account = StreamId.make("Account", "1")

const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "hexfold-test-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const program = `
  import { EmbeddedPostgres } from "@hexfold/adapters-pg"
  import { Effect } from "effect"
  Effect.runFork(Effect.gen(function*() {
    const { dataFolder, pid } = yield* EmbeddedPostgres.EmbeddedPostgres
    console.log(JSON.stringify({ dataFolder, pid }))
    setInterval(() => {}, 1000)
    yield* Effect.never
  }).pipe(Effect.provide(EmbeddedPostgres.layer())))`

/** A port that a program listens at. */
const takenPort = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
).pipe(Effect.map((server) => (server.address() as AddressInfo).port))

describe("EmbeddedPostgres", () => {
  it.live("takes another port if a program has taken the first one in the meantime", () =>
    Effect.gen(function* () {
      const taken = yield* takenPort
      const ports = [taken, taken, yield* Effect.scoped(takenPort)]
      const next = () => Promise.resolve(ports.shift()!)
      const server = yield* Effect.acquireRelease(
        Effect.promise(() => startServer({}, next)),
        ({ stop }) => Effect.promise(stop)
      )
      assert.notStrictEqual(server.port, taken)
      assert.deepStrictEqual(ports, [])
    })
  )

  it.live("does not take another port than the one that it is given", () =>
    Effect.gen(function* () {
      const port = yield* takenPort
      const error = yield* Effect.flip(Effect.tryPromise(() => startServer({ port })))
      assert.include(String(error.cause), "Address already in use")
    })
  )

  it.live("is a Postgres 18 that ends with its scope, together with its temporary folder", () =>
    Effect.gen(function* () {
      const { dataFolder, pid, version } = yield* Effect.gen(function* () {
        const server = yield* EmbeddedPostgres.EmbeddedPostgres
        const sql = yield* PgClient.PgClient
        const [row] = yield* sql<{ server_version: string; server_encoding: string }>`
          select current_setting('server_version') as server_version, current_setting('server_encoding') as server_encoding`
        assert.strictEqual(row!.server_encoding, "UTF8")
        assert.isTrue(isAlive(server.pid))
        return { ...server, version: row!.server_version }
      }).pipe(Effect.provide(EmbeddedPostgres.layerClient()))
      assert.match(version, /^18\./)
      assert.isFalse(isAlive(pid))
      assert.isFalse(existsSync(dataFolder))
    })
  )

  it.live("keeps its data in a given folder", () =>
    Effect.gen(function* () {
      const dataFolder = yield* temporaryFolder
      const Stores = PgEventStore.layer().pipe(Layer.provide(EmbeddedPostgres.layerClient({ dataFolder })))
      for (const version of [1, 2]) {
        const appended = yield* EventStore.EventStore.use((store) => append(store, account, 1)).pipe(
          Effect.provide(Stores, { local: true })
        )
        assert.strictEqual(appended.events[0]!.version, version)
      }
    })
  )

  it.live("a second server on a folder in use fails with the server's own words", () =>
    Effect.gen(function* () {
      const dataFolder = yield* temporaryFolder
      yield* Layer.build(EmbeddedPostgres.layer({ dataFolder }))
      const error = yield* Effect.flip(Layer.build(EmbeddedPostgres.layer({ dataFolder })))
      assert.strictEqual(error._tag, "EmbeddedPostgresError")
      assert.include(error.message, "postmaster.pid")
    })
  )

  it.live("leaves the exit code of the process as it is, also that of a failed test run", () =>
    Effect.gen(function* () {
      const failing = `
        import { EmbeddedPostgres } from "@hexfold/adapters-pg"
        import { Effect, Layer } from "effect"
        await Effect.runPromise(Effect.scoped(Layer.build(EmbeddedPostgres.layer())))
        process.exitCode = 3`
      const child = spawn(process.execPath, ["--conditions=@hexfold/source", "--input-type=module", "-e", failing], {
        cwd: import.meta.dirname,
        stdio: ["ignore", "ignore", "inherit"]
      })
      const code = yield* Effect.callback<number | null>((resume) => {
        child.once("exit", (code) => resume(Effect.succeed(code)))
      })
      assert.strictEqual(code, 3)
    })
  )

  for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"] as const) {
    it.live(`ends together with its folder when the process gets a ${signal}`, () =>
      Effect.gen(function* () {
        const child = spawn(process.execPath, ["--conditions=@hexfold/source", "--input-type=module", "-e", program], {
          cwd: import.meta.dirname,
          stdio: ["ignore", "pipe", "inherit"]
        })
        const line = yield* Effect.callback<string>((resume) => {
          child.stdout.once("data", (data) => resume(Effect.succeed(String(data))))
        })
        const { dataFolder, pid } = JSON.parse(line) as { dataFolder: string; pid: number }
        assert.isTrue(isAlive(pid))
        child.kill(signal)
        const gone = Effect.andThen(
          Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void))),
          Effect.sync(() => !isAlive(pid) && !existsSync(dataFolder))
        )
        yield* gone.pipe(Effect.repeat({ until: (gone) => gone }))
      })
    )
  }
})
