import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createConnection, createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"

// Debian puts it where only root looks.
const program = ["nats-server", "/usr/sbin/nats-server"].find(
  (each) => spawnSync(each, ["--version"]).error === undefined
)

/** Whether the server is on this machine. */
export const isInstalled = program !== undefined

if (!isInstalled) {
  console.warn("SKIPPED: nats-server is not installed, so nothing is tested with NATS: apt-get install nats-server")
}

/** The password of the server's only user. */
export const password = "a-password-of-nats"

const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1")
    socket.once("data", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

/** A real server with JetStream, which ends with the scope. */
export const natsServer = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = mkdtempSync(join(tmpdir(), "hexfold-nats-"))
    const port = await freePort()
    const monitor = await freePort()
    const config = join(folder, "nats.conf")
    let running: ChildProcess | undefined

    const start = async (more = "") => {
      const user = more.includes("authorization") ? "" : `authorization { user: hexfold, password: "${password}" }`
      writeFileSync(
        config,
        `listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitor}"
jetstream { store_dir: "${join(folder, "data")}" }
${user}
${more}`
      )
      const child = spawn(program ?? "nats-server", ["-c", config], { stdio: "ignore" })
      running = child
      while (!(await answers(port))) {
        if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
        await pause(20)
      }
    }
    const stop = async (signal: NodeJS.Signals) => {
      const child = running
      running = undefined
      if (child === undefined || child.exitCode !== null) return
      const ended = once(child, "exit")
      child.kill(signal)
      await ended
    }
    await start()
    const connection = { servers: `127.0.0.1:${port}`, user: "hexfold", pass: password, reconnectTimeWait: 50 }
    /** Stops the process for a time; gives what lets it go on. */
    const freeze = Effect.promise(async () => {
      const child = running
      child?.kill("SIGSTOP")
      // The signal stops the threads one after the other.
      while (!/\) T /.test(readFileSync(`/proc/${child?.pid}/stat`, "utf8"))) await pause(5)
      return () => void child?.kill("SIGCONT")
    })
    /** The number of connections of clients. */
    const connections = Effect.promise(async () => {
      const answer = await fetch(`http://127.0.0.1:${monitor}/connz`)
      return ((await answer.json()) as { readonly num_connections: number }).num_connections
    })
    /** Forgets all streams of a server that does not run. */
    const empty = () => rmSync(join(folder, "data"), { recursive: true, force: true })
    return { connection, connections, empty, folder, freeze, start, stop }
  }),
  ({ folder, stop }) =>
    Effect.promise(async () => {
      await stop("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    })
)

/** What manages the streams of a server, by a connection of its own. */
export const manager = (connection: { readonly servers: string; readonly user: string; readonly pass: string }) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => connect({ ...connection, maxReconnectAttempts: -1 })),
      (each) => Effect.promise(() => each.close())
    ),
    (each) => jetstreamManager(each, { checkAPI: false })
  ).pipe(Effect.flatMap((streams) => Effect.promise(() => streams)))
