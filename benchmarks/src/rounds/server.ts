import { EmbeddedPostgres } from "@hexfold/adapters-pg"
import { Effect, Exit, Layer, Redacted, Schedule, Scope } from "effect"
import { execFileSync } from "node:child_process"

/** How a server is ended: its main process alone, all its processes, or by itself without a checkpoint. */
export type Death = "main" | "all" | "immediate"

/** A server that can be killed and started again in the same folder, on the same port. */
export interface Server {
  readonly url: string
  readonly kill: (death: Death) => Promise<void>
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const childrenOf = (pid: number): ReadonlyArray<number> =>
  execFileSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child!)

/** Starts a server in a folder. A kill of a process loses nothing that the system has taken, so the data need no fsync. */
export const startServer = async (dataFolder: string): Promise<Server> => {
  const parameters = { fsync: "off", max_connections: 200 }
  // A killed main process leaves others that still hold the folder for a moment.
  const start = (port?: number) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const layer = EmbeddedPostgres.layer({ dataFolder, parameters, ...(port === undefined ? {} : { port }) })
      const context = yield* Effect.onError(Layer.buildWithScope(layer, scope), () => Scope.close(scope, Exit.void))
      const server = yield* Effect.provideContext(EmbeddedPostgres.EmbeddedPostgres, context)
      return { ...server, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
    }).pipe(Effect.retry(Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(200)])), Effect.runPromise)
  let running = await start()
  const { port, url } = running
  return {
    url: Redacted.value(url),
    kill: async (death) => {
      const children = childrenOf(running.pid)
      signal(running.pid, death === "immediate" ? "SIGQUIT" : "SIGKILL")
      if (death === "all") for (const child of children) signal(child, "SIGKILL")
      while (isAlive(running.pid)) await new Promise((resolve) => setTimeout(resolve, 5))
      await running.close()
    },
    start: async () => void (running = await start(port)),
    stop: () => running.close()
  }
}
