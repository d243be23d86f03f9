import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Redacted } from "effect"
import { freePort } from "../support/freePort.ts"

const root = "/usr/lib/postgresql"

/** The programs of an installed Postgres: the embedded one comes without those that copy a server. */
const programs = ((): string | undefined => {
  const versions = existsSync(root) ? readdirSync(root) : []
  return versions
    .map((version) => join(root, version, "bin"))
    .find((bin) => existsSync(join(bin, "pg_basebackup")) && existsSync(join(bin, "postgres")))
})()

/** Whether a standby can be made here. */
export const isInstalled = programs !== undefined

// Postgres refuses to run as root.
const run = (name: string, ...args: ReadonlyArray<string>): void => {
  const asPostgres =
    process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
  const [command, ...rest] = [...asPostgres, join(programs!, name), ...args]
  execFileSync(command!, rest, { stdio: "ignore", cwd: "/tmp" })
}

const urlOf = (port: number) => Redacted.make(`postgres://postgres@127.0.0.1:${port}/postgres`)

/** A primary, and a standby that follows it. Both end with the scope. */
export const replication = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = mkdtempSync(join(tmpdir(), "hexfold-standby-"))
      if (process.getuid?.() === 0) {
        const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }))
        chownSync(made, id("-u"), id("-g"))
      }
      chmodSync(made, 0o755)
      return made
    }),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
  )
  const start = (data: string, port: number) => {
    const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60`
    return Effect.acquireRelease(
      Effect.sync(() => run("pg_ctl", "-D", data, "-l", `${data}.log`, "-w", "-o", settings, "start")),
      () => Effect.ignore(Effect.try(() => run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")))
    )
  }
  const [first, second] = [join(folder, "primary"), join(folder, "standby")]
  const [port, standbyPort] = [yield* Effect.promise(freePort), yield* Effect.promise(freePort)]
  run("initdb", "-D", first, "-U", "postgres", "--encoding=UTF8", "--no-locale", "-A", "trust")
  yield* start(first, port)
  const from = ["-h", "127.0.0.1", "-p", `${port}`, "-U", "postgres"]
  run("pg_basebackup", "-D", second, ...from, "-R", "-X", "stream", "-c", "fast")
  yield* start(second, standbyPort)
  return {
    primary: urlOf(port),
    standby: urlOf(standbyPort),
    /** Ends the primary as a crash does. */
    lose: Effect.sync(() => run("pg_ctl", "-D", first, "-m", "immediate", "-w", "stop")),
    promote: Effect.sync(() => run("pg_ctl", "-D", second, "-w", "promote"))
  }
})
