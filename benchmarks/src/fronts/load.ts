/** A server in a process of its own, and load for it. */
import autocannon from "autocannon"
import { fork } from "node:child_process"
import { once } from "node:events"

/** A server that answers. */
export interface Server {
  readonly origin: string
  readonly close: () => void
}

/** Starts a program of this folder that serves, with its arguments. */
export const start = async (program: string, ...args: ReadonlyArray<string>): Promise<Server> => {
  const child = fork(new URL(program, import.meta.url), args, { execArgv: process.execArgv })
  const [port] = (await once(child, "message")) as [string]
  return { origin: `http://127.0.0.1:${port}`, close: () => child.disconnect() }
}

/** Sends one request and gives the text of its answer. */
export const ask = async ({ origin }: Server, path: string, body: string): Promise<string> => {
  const response = await fetch(`${origin}${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" }
  })
  return response.text()
}

/** A request, made for each number. */
export interface Request {
  readonly path: (i: number) => string
  readonly body?: (i: number) => string
}

/** Sends requests over connections that stay open, each with the next number. All of them must succeed. */
export const load = (
  { origin }: Server,
  { body, path }: Request,
  { connections, count, first }: { readonly connections: number; readonly count: number; readonly first: number }
): Promise<void> =>
  new Promise((resolve, reject) => {
    let i = first
    let answered = 0
    const options = {
      url: origin,
      connections,
      amount: count,
      requests: [
        {
          method: body === undefined ? "GET" : "POST",
          headers: { "content-type": "application/json" },
          setupRequest: (request) => {
            const next = i++
            return { ...request, path: path(next), ...(body === undefined ? {} : { body: body(next) }) }
          }
        }
      ]
    } satisfies autocannon.Options
    const running = autocannon(options, (failure) =>
      reject(failure ?? new Error(`${answered} of ${count} requests were answered`))
    )
    running.on("reqError", reject)
    // The last response ends the run. The generator itself ends at the next whole second, which is no time to measure with.
    running.on("response", (_, status) => {
      if (status >= 300) reject(new Error(`a request to ${path(0)} was answered with ${status}`))
      else if (++answered === count) resolve()
    })
  })
