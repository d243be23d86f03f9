import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { createConnection } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "./freePort.ts"

// Debian puts it where only root looks.
const program = ["nats-server", "/usr/sbin/nats-server"].find(
  (each) => spawnSync(each, ["--version"]).error === undefined
)

/** Whether the server is on this machine. */
export const hasNats = program !== undefined

/** A server of NATS that can be killed and started again in the same folder, on the same port. */
export interface Nats {
  readonly servers: string
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
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

/** Starts a server with JetStream, which keeps its streams in a folder. */
export const startNats = async (folder: string): Promise<Nats> => {
  if (program === undefined) throw new Error("nats-server is not installed: apt-get install nats-server")
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const args = ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", join(folder, "data"), "-l", join(folder, "log")]
  let running: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const child = spawn(program, args, { stdio: "ignore" })
    running = child
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
      await sleep(20)
    }
  }
  await start()
  return {
    servers: `127.0.0.1:${port}`,
    start,
    kill: async () => {
      const child = running
      running = undefined
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, "exit")
      child.kill("SIGKILL")
      await ended
    }
  }
}
