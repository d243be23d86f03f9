/** What a process holds: counted, so that a round can see whether it gives all of it back. */
import { Layer, Metric } from "effect"
import type { Server } from "node:http"
import { promisify } from "node:util"

let fibers = 0

/** Counts the fibers that run. */
export const countingFibers = Layer.succeed(Metric.FiberRuntimeMetrics, {
  recordFiberStart: () => void fibers++,
  recordFiberEnd: () => void fibers--
})

/** What a process holds. */
export interface Counts {
  readonly fibers: number
  /** The connections of clients. */
  readonly connections: number
  /** Listeners of the server and of the process. */
  readonly listeners: number
  /** Bytes after a collection of garbage. */
  readonly heap: number
}

const emitters = (server: Server) => [server, process]

/** What this process holds now. */
export const countsOf = async (server: Server): Promise<Counts> => {
  globalThis.gc?.()
  const connections = await promisify(server.getConnections.bind(server))()
  const listeners = emitters(server).flatMap((emitter) =>
    emitter.eventNames().map((name) => emitter.listenerCount(name as never))
  )
  return {
    fibers,
    connections,
    listeners: listeners.reduce((sum, count) => sum + count, 0),
    heap: process.memoryUsage().heapUsed
  }
}
