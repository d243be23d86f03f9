import { assert, describe, it } from "@effect/vitest"
import { Remote } from "@hexfold/client"
import { Query } from "@hexfold/core"
import { Effect, Fiber, Layer, Queue, Stream } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { Vaults } from "./vault.ts"

/** A connection that sends one page, and from then on what `send` gives. */
interface Connection {
  readonly send: (text: string) => void
  isOpen: boolean
}

const encoder = new TextEncoder()
const page = (by: string) =>
  `event: page\ndata: ${JSON.stringify({ rows: [{ key: "a", state: { by, lockedAt: "2026-01-01T00:00:00.000Z" } }] })}\n\n`

describe("live results elsewhere", () => {
  it.effect("are asked for again when the connection has been silent for too long", () =>
    Effect.gen(function* () {
      const connections: Array<Connection> = []
      const client = HttpClient.make((request) =>
        Effect.sync(() => {
          const body = new ReadableStream<Uint8Array>({
            start: (controller) => {
              controller.enqueue(encoder.encode(page(`${connections.length}`)))
              connections.push({ send: (text) => controller.enqueue(encoder.encode(text)), isOpen: true })
            },
            cancel: () => {
              connections[index]!.isOpen = false
            }
          })
          const index = connections.length - 1
          return HttpClientResponse.fromWeb(request, new Response(body))
        })
      )
      const pages = yield* Queue.unbounded<string>()
      const following = yield* Remote.live(Vaults, Query.from(Vaults)).pipe(
        Stream.runForEach(({ rows }) => Queue.offer(pages, rows[0]!.state.by)),
        Effect.provide(
          Remote.layer({ url: "http://bank.example" }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
        ),
        Effect.forkChild
      )
      assert.strictEqual(yield* Queue.take(pages), "0")

      // A sign of life is no silence.
      yield* TestClock.adjust("40 seconds")
      connections[0]!.send(": still there\n\n")
      connections[0]!.send(page("still 0"))
      assert.strictEqual(yield* Queue.take(pages), "still 0")
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual([connections.length, connections[0]!.isOpen], [1, true])

      const next = yield* Effect.forkChild(Queue.take(pages))
      yield* Effect.repeat(TestClock.adjust("1 second"), { until: () => connections.length > 1, times: 60 })
      assert.strictEqual(connections.length, 2)
      assert.strictEqual(yield* Fiber.join(next), "1")
      assert.deepStrictEqual(
        connections.map(({ isOpen }) => isOpen),
        [false, true]
      )
      yield* Fiber.interrupt(following)
      assert.isFalse(connections[1]!.isOpen)
    })
  )
})
