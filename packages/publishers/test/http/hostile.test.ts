import { once } from "node:events"
import { createServer, type AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { HttpPublisher } from "@hexfold/publishers/http"
import { Effect, Fiber, Redacted, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { errorOf, message, tags } from "../support/messages.ts"
import { type Answer, status, webhookServer } from "../support/webhookServer.ts"

const secret = Redacted.make(`whsec_${btoa("a secret of 24 bytes and more")}`)

/** A receiver and a publisher to it, which sends each message once. */
const opened = (answer: Answer, options: Partial<HttpPublisher.Options> = {}) =>
  Effect.gen(function* () {
    const server = yield* webhookServer(answer)
    const publisher = yield* HttpPublisher.make({
      url: `${server.url}/hook`,
      secrets: [secret],
      retry: Schedule.recurs(0),
      ...options
    })
    return { ...server, publisher }
  }).pipe(Effect.provide(FetchHttpClient.layer))

const eventually = (holds: () => boolean) =>
  Effect.repeat(Effect.sync(holds), { until: (does) => does, schedule: Schedule.spaced("5 millis") })

describe("a receiver", () => {
  it.live(
    "that answers after the limit of a request has not taken the message, and its late answer changes nothing",
    () =>
      Effect.gen(function* () {
        const late: Array<() => void> = []
        const { publisher, received } = yield* opened(
          (one, response) => {
            if (one.number === 1) late.push(() => status(response, 200))
            else status(response, 200)
          },
          { requestLimit: "2 seconds" }
        )
        const given = message()
        const error = errorOf((yield* publisher.publish([given]))[0])
        assert.strictEqual(error.reason._tag, "Timeout")
        assert.isTrue(error.isRetryable)
        for (const answer of late) answer()
        assert.deepStrictEqual(tags(yield* publisher.publish([given])), ["Taken"])
        assert.deepStrictEqual(
          received.map(({ headers }) => headers["webhook-id"]),
          [given.id, given.id]
        )
      })
  )

  it.live("that closes the connection in the middle may have the message", () =>
    Effect.gen(function* () {
      const { publisher } = yield* opened((_, response) => response.destroy())
      const error = errorOf((yield* publisher.publish([message()]))[0])
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.isDefined(error.reason.cause)
    })
  )

  it.live("that closes the connection before it has read the message", () =>
    Effect.gen(function* () {
      const server = createServer((socket) => socket.destroy())
      server.listen(0, "127.0.0.1")
      yield* Effect.promise(() => once(server, "listening"))
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const { port } = server.address() as AddressInfo
      const publisher = yield* HttpPublisher.make({ url: `http://127.0.0.1:${port}`, secrets: [secret] })
      const error = errorOf((yield* publisher.publish([message({ body: "x".repeat(1 << 20) })]))[0])
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.strictEqual(error.attempts, 3)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("that does not speak HTTP", () =>
    Effect.gen(function* () {
      const server = createServer((socket) => {
        socket.on("error", () => socket.destroy())
        socket.end("SSH-2.0-server\r\n\r\n")
      })
      server.listen(0, "127.0.0.1")
      yield* Effect.promise(() => once(server, "listening"))
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const { port } = server.address() as AddressInfo
      const publisher = yield* HttpPublisher.make({ url: `http://127.0.0.1:${port}`, secrets: [secret] })
      const error = errorOf((yield* publisher.publish([message()]))[0])
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.strictEqual(error.reason.detail, `the connection to 127.0.0.1:${port} failed`)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("that answers 200 and then resets the connection has taken the message", () =>
    Effect.gen(function* () {
      const { publisher, received } = yield* opened((_, response) => {
        response.writeHead(200, { "content-length": "1000" })
        response.write("the beginning", () => response.socket?.resetAndDestroy())
      })
      const outcomes = yield* publisher.publish([message(), message(), message({ key: "other" })])
      assert.deepStrictEqual(tags(outcomes), ["Taken", "Taken", "Taken"])
      assert.strictEqual(received.length, 3)
    })
  )

  for (const [what, pace] of [
    ["as fast as it can", 0],
    ["a byte now and then", 50]
  ] as const) {
    it.live(`whose answer never ends, ${what}, has taken the message, and its connection is closed`, () =>
      Effect.gen(function* () {
        let written = 0
        let closed = 0
        const { publisher } = yield* opened(
          (_, response) => {
            response.writeHead(200)
            const chunk = Buffer.alloc(pace === 0 ? 16_384 : 1, "x")
            const write = () => {
              if (response.destroyed) return
              written += chunk.length
              const isRoom = response.write(chunk)
              if (pace > 0) setTimeout(write, pace)
              else if (isRoom) setImmediate(write)
              else response.once("drain", write)
            }
            response.on("close", () => closed++)
            write()
          },
          { requestLimit: "900 millis" }
        )
        const outcomes = yield* Effect.timeout(publisher.publish([message(), message({ key: "other" })]), "20 seconds")
        assert.deepStrictEqual(tags(outcomes), ["Taken", "Taken"])
        yield* eventually(() => closed === 2)
        assert.isBelow(written, 64 << 20)
      })
    )
  }

  it.live("whose refusal repeats the message: the error does not, however long it is", () =>
    Effect.gen(function* () {
      const { publisher } = yield* opened((one, response) => {
        response.writeHead(400, { why: "hidden-text" })
        response.end(one.body.repeat(1_000))
      })
      const error = errorOf((yield* publisher.publish([message({ body: { text: "hidden-text" } })]))[0])
      assert.strictEqual(error.code, 400)
      assert.notInclude(JSON.stringify(error), "hidden-text")
    })
  )

  it.live("that answers out of order: every message has its own outcome", () =>
    Effect.gen(function* () {
      const waiting: Array<() => void> = []
      const { publisher } = yield* opened((one, response) => {
        const key = String((JSON.parse(one.body) as { readonly partitionkey: string }).partitionkey)
        waiting.push(() => status(response, key === "key-3" ? 400 : key === "key-1" ? 500 : 200))
        // The last one is answered first.
        if (waiting.length === 5) for (const answer of waiting.toReversed()) answer()
      })
      const given = Array.from({ length: 5 }, (_, i) => message({ key: `key-${i}` }))
      const outcomes = yield* publisher.publish(given)
      assert.deepStrictEqual(tags(outcomes), ["Taken", "Failed", "Taken", "Failed", "Taken"])
      assert.deepStrictEqual([errorOf(outcomes[1]).code, errorOf(outcomes[3]).code], [500, 400])
    })
  )

  for (const code of [301, 302, 303, 307, 308]) {
    it.live(`that redirects with ${code} is not followed`, () =>
      Effect.gen(function* () {
        const { publisher, received } = yield* opened((one, response) => {
          status(response, one.url === "/hook" ? code : 200, { location: "/elsewhere" })
        })
        const error = errorOf((yield* publisher.publish([message()]))[0])
        assert.strictEqual(error.reason._tag, "Rejected")
        assert.strictEqual(error.code, code)
        assert.deepStrictEqual(
          received.map(({ url }) => url),
          ["/hook"]
        )
      })
    )
  }

  it.live("has no request and no connection left after a call was interrupted", () =>
    Effect.gen(function* () {
      const { open, publisher, received } = yield* opened(() => {})
      const given = Array.from({ length: 40 }, (_, i) => message({ key: `key-${i}` }))
      const calling = yield* Effect.forkChild(publisher.publish(given), { startImmediately: true })
      yield* eventually(() => received.length === 16)
      yield* Fiber.interrupt(calling)
      yield* eventually(() => open() === 0)
      assert.strictEqual(received.length, 16)
    })
  )

  it.live("gets many messages through few connections", () =>
    Effect.gen(function* () {
      const { connections, publisher, received } = yield* opened((_, response) => {
        response.writeHead(200)
        // A body that is not read keeps its connection busy.
        response.end("x".repeat(60_000))
      })
      const given = Array.from({ length: 200 }, (_, i) => message({ key: `key-${i % 20}` }))
      assert.deepStrictEqual([...new Set(tags(yield* publisher.publish(given)))], ["Taken"])
      assert.strictEqual(received.length, 200)
      assert.isAtMost(connections(), 20)
    })
  )

  it.live("that cannot be reached: nothing but its host is in the error", () =>
    Effect.gen(function* () {
      const publisher = yield* HttpPublisher.make({
        url: "http://127.0.0.1:1/a-secret-path?token=a-token",
        secrets: [secret]
      })
      const error = errorOf((yield* publisher.publish([message()]))[0])
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.include(error.message, "the connection to 127.0.0.1:1 failed")
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})
