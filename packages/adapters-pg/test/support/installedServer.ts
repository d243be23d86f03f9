import { execFileSync, spawn } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Redacted, type Scope } from "effect"
import { freePort } from "./freePort.ts"

/** Where Debian installs the programs of a version. */
const programsOf = (version: number): string => `/usr/lib/postgresql/${version}/bin`

/** Whether Debian's package of a version is installed. */
export const isInstalled = (version: number): boolean => existsSync(join(programsOf(version), "postgres"))

/** Starts the server that Debian's package has installed, and gives its URL. It ends with the scope. */
export const installedServer = (version: number): Effect.Effect<Redacted.Redacted, never, Scope.Scope> =>
  Effect.gen(function* () {
    const programs = programsOf(version)
    const owner = postgresUser()
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const made = mkdtempSync(join(tmpdir(), `hexfold-postgres${version}-`))
        if (owner.uid !== undefined) chownSync(made, owner.uid, owner.gid)
        return made
      }),
      (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
    )
    const data = join(folder, "data")
    const initialising = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    execFileSync(join(programs, "initdb"), initialising, { ...owner, stdio: "ignore" })
    const port = yield* Effect.promise(freePort)
    const settings = `
      listen_addresses = '127.0.0.1'
      unix_socket_directories = ''
      port = ${port}
      max_connections = 200
      max_locks_per_transaction = 256`
    writeFileSync(join(data, "postgresql.auto.conf"), settings)
    yield* Effect.acquireRelease(
      Effect.promise(
        () =>
          new Promise<() => Promise<void>>((resolve, reject) => {
            const server = spawn(join(programs, "postgres"), ["-D", data], {
              ...owner,
              stdio: ["ignore", "ignore", "pipe"]
            })
            const ended = new Promise<void>((over) => server.once("exit", () => over()))
            let log = ""
            server.stderr.on("data", (text: Buffer) => {
              log += text.toString()
              if (!log.includes("ready to accept connections")) return
              server.stderr.removeAllListeners("data").resume()
              resolve(() => {
                server.kill("SIGINT")
                return ended
              })
            })
            server.once("error", reject)
            server.once("exit", () => reject(new Error(`Postgres ${version} did not start: ${log}`)))
          })
      ),
      (stop) => Effect.promise(stop)
    )
    return Redacted.make(`postgres://postgres@127.0.0.1:${port}/postgres`)
  })

// Postgres refuses to run as root.
const postgresUser = (): { readonly uid?: number; readonly gid: number } | { readonly uid?: never } => {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }))
  return { uid: id("-u"), gid: id("-g") }
}
