import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { Effect } from "effect"

/** A request as the server got it. */
interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
  /** Of all requests of the server, the how many-th it is, from 1. */
  readonly number: number
}

/** Answers a request. It may also destroy the connection, or do nothing. */
export type Answer = (received: Received, response: ServerResponse, request: IncomingMessage) => void

/** A server of HTTP that answers as it is told. It ends with the scope, with all its connections. */
export const webhookServer = (answer: Answer) =>
  Effect.gen(function* () {
    const received: Array<Received> = []
    const sockets = new Set<Socket>()
    let connections = 0
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("error", () => request.destroy())
      response.on("error", () => response.destroy())
      request.on("end", () => {
        const { headers, method = "", url = "" } = request
        const one = { method, url, headers, body: Buffer.concat(chunks).toString(), number: received.length + 1 }
        received.push(one)
        answer(one, response, request)
      })
    })
    server.on("connection", (socket) => {
      connections++
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    )
    const { port } = server.address() as AddressInfo
    return {
      url: `http://127.0.0.1:${port}`,
      received: received as ReadonlyArray<Received>,
      open: () => sockets.size,
      connections: () => connections
    }
  })

/** Answers with a status and nothing else. */
export const status = (response: ServerResponse, code: number, headers: Record<string, string> = {}): void => {
  response.writeHead(code, headers)
  response.end()
}
