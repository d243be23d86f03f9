import { Agent } from "node:http"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { describe } from "vitest"
import { socketClient } from "../speaking/transports.ts"
import { send, startServer } from "./processes.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe("a server that gets SIGTERM", () => {
  it.live("ends its live streams properly, answers the command in flight, and then ends", () =>
    Effect.gen(function* () {
      const server = yield* startServer("memory")
      const { port } = server
      // As browsers and fetch do, connections are kept.
      const agent = new Agent({ keepAlive: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
      const ask = (path: string, body?: object) => send(port, path, { agent, ...(body === undefined ? {} : { body }) })
      const opened = yield* Effect.promise(() => ask("/aggregates/Account/a/Open", { owner: "ann" }).outcome)
      assert.strictEqual(opened.status, 200)
      const subscription = encodeURIComponent("subscription { accounts { nodes { key } } }")
      const paths = [
        "/events",
        "/live/Accounts",
        "/live/Accounts/a",
        "/events?from=now",
        `/graphql?query=${subscription}`
      ]
      const streams = numbers(100).map((i) => ask(paths[i % paths.length]!))
      yield* Effect.promise(() => Promise.all(streams.map(({ begun }) => begun)))
      const closings: Array<number> = []
      const sockets = numbers(10).map(() => socketClient(`http://127.0.0.1:${port}`, undefined))
      for (const socket of sockets) {
        socket.on("closed", (event) => closings.push((event as { readonly code: number }).code))
        const results = socket.iterate({ query: "subscription { accounts { nodes { key } } }" })
        yield* Effect.promise(() => results.next())
        results.next().catch(() => undefined)
      }
      const order: Array<string> = []
      const command = ask("/aggregates/Account/held/Open", { owner: "ann" })
      const answered = command.outcome.finally(() => order.push("answered"))
      const streamsEnded = Promise.all(streams.map(({ outcome }) => outcome)).finally(() => order.push("streams"))
      yield* Effect.promise(() => server.said("held"))
      const began = performance.now()
      server.end("SIGTERM")
      const { code, signal } = yield* Effect.promise(() => server.ended.finally(() => order.push("ended")))
      const took = performance.now() - began
      const { status, text } = yield* Effect.promise(() => answered)
      assert.deepStrictEqual([status, JSON.parse(text).version], [200, 1])
      for (const { isWhole, status: own, text: frames } of yield* Effect.promise(() => streamsEnded)) {
        assert.deepStrictEqual([own, isWhole, frames.endsWith("\n\n")], [200, true, true])
        assert.notInclude(frames, "event: error")
        if (frames.includes("event: next")) assert.isTrue(frames.endsWith("event: complete\ndata:\n\n"))
      }
      // Their clients connect again.
      assert.deepStrictEqual(
        closings,
        sockets.map(() => 1001)
      )
      assert.strictEqual(order.at(-1), "ended")
      // What `runMain` ends with when it was interrupted.
      assert.deepStrictEqual([code, signal], [130, null])
      console.log(`from SIGTERM to the end of the process, with 100 live streams: ${Math.round(took)} ms`)
    })
  )

  it.live("writes a command whose answer is fetched later, and then ends", () =>
    Effect.gen(function* () {
      const server = yield* startServer("memory")
      const headers = { prefer: "respond-async", "idempotency-key": "k" }
      const path = "/aggregates/Account/held/Open"
      const begun = yield* Effect.promise(() => send(server.port, path, { body: { owner: "ann" }, headers }).outcome)
      assert.strictEqual(begun.status, 202)
      yield* Effect.promise(() => server.said("held"))
      server.end("SIGTERM")
      const { code, signal } = yield* Effect.promise(() => server.ended)
      assert.deepStrictEqual([code, signal], [130, null])
      yield* Effect.promise(() => server.said("written"))
    })
  )
})
