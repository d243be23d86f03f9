import { createConnection, createServer, type Socket } from "node:net"
import { Effect, Redacted } from "effect"
import { url } from "./database.ts"

interface Wire {
  readonly url: Redacted.Redacted
  /** Ends the connections of the server. The clients notice it a second later. */
  readonly cut: () => void
  /** Stops all traffic over the present connections, but not over new ones. */
  readonly silence: () => void
  /** Whether a client has sent something over a silent connection. */
  readonly isStuck: () => boolean
  readonly end: () => void
}

/** A proxy to the tests' server that can be disturbed. */
export const wire = Effect.acquireRelease(
  Effect.callback<Wire>((resume) => {
    const to = new URL(Redacted.value(url()))
    const clients = new Set<Socket>()
    const servers = new Set<Socket>()
    let silent = new Set<Socket>()
    let isCut = false
    let stuck = false
    const listening = createServer((client) => {
      clients.add(client.on("error", () => client.destroy()))
      if (isCut) return
      const server = createConnection({ host: to.hostname, port: Number(to.port) })
      servers.add(server.on("error", () => server.destroy()))
      server.on("data", (data) => silent.has(client) || client.write(data))
      client.on("data", (data) => (silent.has(client) ? (stuck = true) : server.write(data)))
      client.on("close", () => server.destroy())
      server.on("close", () => isCut || client.destroy())
    })
    const end = () => {
      isCut = true
      listening.close()
      for (const socket of [...servers, ...clients]) socket.destroy()
    }
    const cut = () => {
      isCut = true
      for (const server of servers) server.destroy()
      setTimeout(end, 1_000)
    }
    const silence = () => void (silent = new Set(clients))
    listening.listen(0, "127.0.0.1", () => {
      const address = listening.address()
      const through = new URL(to)
      through.hostname = "127.0.0.1"
      through.port = `${typeof address === "object" ? address!.port : 0}`
      resume(Effect.succeed({ url: Redacted.make(through.href), cut, silence, isStuck: () => stuck, end }))
    })
  }),
  ({ end }) => Effect.sync(end)
)
