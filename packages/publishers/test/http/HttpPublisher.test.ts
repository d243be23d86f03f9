import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { HttpPublisher } from "@hexfold/publishers/http"
import { Duration, Effect, Fiber, Redacted, Schedule } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { errorOf, message, tags } from "../support/messages.ts"
import { status, webhookServer } from "../support/webhookServer.ts"

const bytes = ["the first secret of 24 bytes", "the other secret of 24 bytes"].map((text) => Buffer.from(text))
const secrets = bytes.map((each) => Redacted.make(`whsec_${each.toString("base64")}`))

/** A client that answers each request by its number, from 1, without a network. */
const answering = (answer: (number: number) => readonly [status: number, headers?: Record<string, string>]) => {
  const sent: Array<number> = []
  const client = HttpClient.make((request) =>
    Effect.map(
      Effect.clockWith((clock) => clock.currentTimeMillis),
      (now) => {
        sent.push(now)
        const [code, headers = {}] = answer(sent.length)
        return HttpClientResponse.fromWeb(request, new Response(null, { status: code, headers }))
      }
    )
  )
  return { client, sent }
}

const publisherWith = (client: HttpClient.HttpClient, options: Partial<HttpPublisher.Options> = {}) =>
  Effect.provideService(
    HttpPublisher.make({ url: "https://example.org/hook", secrets, ...options }),
    HttpClient.HttpClient,
    client
  )

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

/** Waits until so many requests were sent, and the next pause has begun. A signature is a promise that no test clock knows. */
const pausedAfter = (sent: ReadonlyArray<number>, count: number): Effect.Effect<void> =>
  Effect.suspend(() =>
    sent.length < count
      ? Effect.andThen(turn, pausedAfter(sent, count))
      : // What follows an answer waits for no promise.
        Effect.repeat(turn, { times: 10 })
  )

const once = { retry: Schedule.recurs(0) }

describe("a request", () => {
  it.live("is a POST of a CloudEvent in one text of JSON, signed with each secret", () =>
    Effect.gen(function* () {
      const server = yield* webhookServer((_, response) => status(response, 200))
      const publisher = yield* HttpPublisher.make({
        url: `${server.url}/hook?for=orders`,
        secrets,
        headers: { authorization: Redacted.make("Bearer a-token") }
      })
      const given = message({ key: "\u00e9\n", body: { total: 12, name: "\u20ac" } })
      assert.deepStrictEqual(tags(yield* publisher.publish([given])), ["Taken"])
      const { body, headers, method, url } = server.received[0]!
      assert.deepStrictEqual([method, url], ["POST", "/hook?for=orders"])
      assert.strictEqual(headers["content-type"], "application/cloudevents+json; charset=utf-8")
      assert.strictEqual(headers["authorization"], "Bearer a-token")
      assert.strictEqual(headers["webhook-id"], given.id)
      const seconds = String(headers["webhook-timestamp"])
      const signed = bytes.map(
        (key) => `v1,${createHmac("sha256", key).update(`${given.id}.${seconds}.${body}`).digest("base64")}`
      )
      assert.strictEqual(headers["webhook-signature"], signed.join(" "))
      assert.deepStrictEqual(JSON.parse(body), {
        specversion: "1.0",
        id: given.id,
        source: "/shop/orders",
        type: "orders.v1.OrderPlaced",
        time: "2026-03-01T12:00:00.123Z",
        datacontenttype: "application/json",
        publication: "orders.v1",
        partitionkey: "\u00e9\n",
        schemaversion: 2,
        correlationid: "request-1",
        causationid: "command-1",
        data: { total: 12, name: "\u20ac" }
      })
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("keeps what the application says of its requests, except that it follows redirects", () =>
    Effect.gen(function* () {
      const inits: Array<RequestInit | undefined> = []
      const fetching: typeof fetch = (_, init) => {
        inits.push(init)
        return Promise.resolve(new Response(null, { status: 204 }))
      }
      const publisher = yield* HttpPublisher.make({ url: "https://example.org/hook", secrets }).pipe(
        Effect.provide(FetchHttpClient.layer),
        Effect.provideService(FetchHttpClient.RequestInit, { redirect: "follow", keepalive: true })
      )
      yield* Effect.provideService(publisher.publish([message()]), FetchHttpClient.Fetch, fetching)
      assert.deepStrictEqual(
        inits.map((init) => [init?.redirect, init?.keepalive]),
        [["manual", true]]
      )
    })
  )
})

describe("an answer", () => {
  for (const [code, tag] of [
    ...[200, 201, 202, 204, 299].map((each) => [each, "Taken"] as const),
    ...[408, 425, 429, 500, 501, 502, 503, 504, 599].map((each) => [each, "Unavailable"] as const),
    ...[300, 304, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451].map((each) => [each, "Rejected"] as const)
  ]) {
    it.effect(`${code} means ${tag}`, () =>
      Effect.gen(function* () {
        const { client } = answering(() => [code])
        const publisher = yield* publisherWith(client, once)
        const [outcome] = yield* publisher.publish([message()])
        if (tag === "Taken") return assert.deepStrictEqual(outcome, { _tag: "Taken" })
        const error = errorOf(outcome)
        assert.deepStrictEqual([error.reason._tag, error.code], [tag, code])
        assert.strictEqual(error.isRetryable, tag === "Unavailable")
      })
    )
  }

  it.effect("that a client of the application has made an error of means the same", () =>
    Effect.gen(function* () {
      for (const [code, tag] of [
        [503, "Unavailable"],
        [404, "Rejected"]
      ] as const) {
        const publisher = yield* publisherWith(HttpClient.filterStatusOk(answering(() => [code]).client), once)
        const error = errorOf((yield* publisher.publish([message()]))[0])
        assert.deepStrictEqual([error.reason._tag, error.code], [tag, code])
      }
    })
  )
})

describe("the body of an answer", () => {
  for (const [what, chunks, isCancelled] of [
    ["that is short is read to its end, so that the connection is free again", 3, false],
    ["that does not end is let go after 64 KiB", Number.POSITIVE_INFINITY, true]
  ] as const) {
    it.live(what, () =>
      Effect.gen(function* () {
        let pulled = 0
        let cancelled = false
        let ended = false
        const client = HttpClient.make((request) =>
          Effect.sync(() => {
            const body = new ReadableStream<Uint8Array>({
              pull: (controller) => {
                if (pulled === chunks) {
                  ended = true
                  controller.close()
                } else {
                  pulled++
                  controller.enqueue(new Uint8Array(16_384))
                }
              },
              cancel: () => {
                cancelled = true
              }
            })
            return HttpClientResponse.fromWeb(request, new Response(body, { status: 200 }))
          })
        )
        const publisher = yield* publisherWith(client)
        assert.deepStrictEqual(tags(yield* publisher.publish([message()])), ["Taken"])
        assert.deepStrictEqual([ended, cancelled], [!isCancelled, isCancelled])
        assert.isAtMost(pulled, 8)
      })
    )
  }
})

describe("the next attempt", () => {
  it.effect("comes twice within a call by default, and is signed anew", () =>
    Effect.gen(function* () {
      const { client, sent } = answering(() => [500])
      const publisher = yield* publisherWith(client)
      const calling = yield* Effect.forkChild(publisher.publish([message()]), { startImmediately: true })
      for (const count of [1, 2]) {
        yield* pausedAfter(sent, count)
        yield* TestClock.adjust("10 seconds")
      }
      assert.strictEqual(errorOf((yield* Fiber.join(calling))[0]).attempts, 3)
      assert.strictEqual(sent.length, 3)
    })
  )

  it.effect("comes after the seconds of Retry-After", () =>
    Effect.gen(function* () {
      const { client, sent } = answering((number) => (number === 1 ? [429, { "retry-after": "20" }] : [200]))
      const publisher = yield* publisherWith(client)
      const calling = yield* Effect.forkChild(publisher.publish([message()]), { startImmediately: true })
      yield* pausedAfter(sent, 1)
      yield* TestClock.adjust("19999 millis")
      assert.strictEqual(sent.length, 1)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(tags(yield* Fiber.join(calling)), ["Taken"])
    })
  )

  it.effect("comes after the date of Retry-After", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 2, 1, 12))
      const { client, sent } = answering((number) =>
        number === 1 ? [503, { "retry-after": "Sun, 01 Mar 2026 12:00:25 GMT" }] : [200]
      )
      const publisher = yield* publisherWith(client)
      const calling = yield* Effect.forkChild(publisher.publish([message()]), { startImmediately: true })
      yield* pausedAfter(sent, 1)
      yield* TestClock.adjust("24999 millis")
      assert.strictEqual(sent.length, 1)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(tags(yield* Fiber.join(calling)), ["Taken"])
    })
  )

  it.effect("is left to the caller if Retry-After is later than the end of the call", () =>
    Effect.gen(function* () {
      const { client, sent } = answering(() => [429, { "retry-after": "120" }])
      const publisher = yield* publisherWith(client)
      const error = errorOf((yield* publisher.publish([message()]))[0])
      assert.deepStrictEqual(error.retryAfter, Duration.minutes(2))
      assert.include(error.message, "not before 2m")
      assert.strictEqual(sent.length, 1)
    })
  )

  for (const header of ["a text", "-1", "1.5", "Sun, 31 Feb 2026 12:00:25 GMT", "", "1e9"]) {
    it.effect(`does not depend on a Retry-After that is not valid: ${JSON.stringify(header)}`, () =>
      Effect.gen(function* () {
        const publisher = yield* publisherWith(answering(() => [503, { "retry-after": header }]).client, once)
        assert.isUndefined(errorOf((yield* publisher.publish([message()]))[0]).retryAfter)
      })
    )
  }

  for (const header of ["999999999", "9".repeat(400), "Fri, 31 Dec 9999 23:59:59 GMT"]) {
    it.effect(`comes after an hour at most: ${header.slice(0, 30)}`, () =>
      Effect.gen(function* () {
        const publisher = yield* publisherWith(answering(() => [503, { "retry-after": header }]).client, once)
        const error = errorOf((yield* publisher.publish([message()]))[0])
        assert.deepStrictEqual(error.retryAfter, Duration.hours(1))
      })
    )
  }

  for (const code of [429, 503]) {
    it.effect(`after ${code} with Retry-After no other message is sent before that time, in no call`, () =>
      Effect.gen(function* () {
        const { client, sent } = answering((number) => (number === 1 ? [code, { "retry-after": "60" }] : [200]))
        const publisher = yield* publisherWith(client)
        yield* publisher.publish([message()])
        yield* TestClock.adjust("15 seconds")
        const error = errorOf((yield* publisher.publish([message({ key: "other" })]))[0])
        assert.strictEqual(error.reason._tag, "Unavailable")
        assert.deepStrictEqual(error.retryAfter, Duration.seconds(45))
        assert.strictEqual(sent.length, 1)
        yield* TestClock.adjust("45 seconds")
        assert.deepStrictEqual(tags(yield* publisher.publish([message()])), ["Taken"])
      })
    )
  }
})

describe("what cannot be used is refused before anything is sent", () => {
  for (const [what, options, text] of [
    ["an address that is no URL", { url: "a-secret" }, "is not a URL"],
    ["an address of another kind", { url: "ftp://example.org/a-secret" }, "begins neither with https: nor with http:"],
    ["an address with a password", { url: "https://user:a-secret@example.org" }, "has a user or a password"],
    ["no secret", { secrets: [] }, "there is no secret"],
    ["a secret without whsec_", { secrets: [Redacted.make(btoa("a-secret of more than 24 bytes"))] }, "index 0"],
    ["a short secret", { secrets: [secrets[0]!, Redacted.make(`whsec_${btoa("a-secret")}`)] }, "index 1"],
    ["a secret that is not base64", { secrets: [Redacted.make("whsec_a-secret!".padEnd(60, "!"))] }, "index 0"]
  ] as ReadonlyArray<readonly [string, Partial<HttpPublisher.Options>, string]>) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(publisherWith(answering(() => [200]).client, options))
        assert.strictEqual(error._tag, "InvalidWebhook")
        assert.include(error.message, text)
        assert.notInclude(JSON.stringify(error), "a-secret")
      })
    )
  }
})
