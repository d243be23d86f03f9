import { assert, describe, it } from "@effect/vitest"
import { EventStoreError, type Publisher, Reason } from "@hexfold/core"
import { CloudEvent, Webhook } from "@hexfold/publishers/http"
import { Webhooks } from "@hexfold/server/webhooks"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"

const secretOf = (letter: string) => Redacted.make(`whsec_${Buffer.from(letter.repeat(32)).toString("base64")}`)

const message = (id: string): Publisher.Message => ({
  id,
  publication: "orders.v1",
  source: "https://orders.example/log",
  type: "Placed",
  key: "order-1",
  schemaVersion: 1,
  time: DateTime.makeUnsafe("2026-01-31T10:00:00Z"),
  correlationId: "c",
  causationId: "c",
  body: { cents: 500 }
})

class TooLate {
  readonly _tag = "TooLate"
}

/** A receiver, and what it has handled. */
const receiver = (failing: (message: Publisher.Message) => unknown = () => undefined) =>
  Effect.gen(function* () {
    const handled: Array<readonly [string, string]> = []
    const routes = Webhooks.layer({
      path: "/webhooks/orders",
      secrets: [secretOf("a"), secretOf("b")],
      maxBodyBytes: 10_000,
      handle: (given, commandId) => {
        handled.push([given.key, commandId])
        const failure = failing(given)
        return failure === undefined ? Effect.void : Effect.fail(failure)
      }
    })
    const { handler } = yield* Effect.acquireRelease(
      Effect.sync(() =>
        HttpRouter.toWebHandler(Layer.provideMerge(routes, HttpServer.layerServices), { disableLogger: true })
      ),
      ({ dispose }) => Effect.promise(dispose)
    )
    const post = (body: string, headers: object) =>
      Effect.promise(async () => {
        const response = await handler(
          new Request("http://bank.example/webhooks/orders", {
            method: "POST",
            body,
            headers: { "content-type": CloudEvent.contentType, ...headers }
          })
        )
        return response.status
      })
    const send = (body: string, { as = "a", id = "m-1" } = {}) =>
      Effect.gen(function* () {
        const { sign } = yield* Webhook.make({ secrets: [secretOf(as)] })
        return yield* post(body, yield* sign(id, body))
      })
    return { handled, post, send }
  })

describe("a webhook", () => {
  it.live("is handled under its own id, each time that it comes", () =>
    Effect.gen(function* () {
      const { handled, send } = yield* receiver()
      const body = CloudEvent.encode(message("m-1"))
      assert.strictEqual(yield* send(body), 204)
      assert.strictEqual(yield* send(body, { as: "b" }), 204)
      const [first, second] = handled
      assert.deepStrictEqual(first, ["order-1", CloudEvent.commandIdOf(message("m-1"))])
      assert.deepStrictEqual(second, first)
    })
  )

  it.live("of somebody else, changed, unsigned or too large is not read", () =>
    Effect.gen(function* () {
      const { handled, post, send } = yield* receiver()
      const body = CloudEvent.encode(message("m-1"))
      assert.strictEqual(yield* send(body, { as: "c" }), 401)
      assert.strictEqual(yield* post(body, {}), 401)
      const { sign } = yield* Webhook.make({ secrets: [secretOf("a")] })
      assert.strictEqual(yield* post(body.replace("500", "900"), yield* sign("m-1", body)), 401)
      assert.strictEqual(yield* send("x".repeat(20_000)), 413)
      assert.strictEqual(yield* send("{}"), 400)
      // The signature belongs to the message m-1, and the body is the message m-2.
      assert.strictEqual(yield* send(CloudEvent.encode(message("m-2"))), 400)
      assert.deepStrictEqual(handled, [])
    })
  )

  it.live("that cannot be handled comes again, unless it never can", () =>
    Effect.gen(function* () {
      const away = new EventStoreError({ operation: "append", reason: new Reason.Unavailable({ detail: "away" }) })
      const body = CloudEvent.encode(message("m-1"))
      const statusFor = (failure: unknown) =>
        Effect.flatMap(
          receiver(() => failure),
          ({ send }) => send(body)
        )
      assert.strictEqual(yield* statusFor(away), 503)
      assert.strictEqual(yield* statusFor(new TooLate()), 422)
      const { send } = yield* receiver(() => {
        throw new Error("a mistake")
      })
      assert.strictEqual(yield* send(body), 500)
    })
  )
})
