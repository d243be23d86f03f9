import { assert, describe, it } from "@effect/vitest"
import { Webhook } from "@hexfold/publishers/http"
import { DateTime, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"

const secretOf = (text: string) => Redacted.make(`whsec_${btoa(text.padEnd(24, "."))}`)
const [old, current, other] = [secretOf("old"), secretOf("current"), secretOf("other")]

const body = `{"total":12,"name":"\u20ac"}`

/** A signed request, at noon. */
const signed = (secrets: ReadonlyArray<Redacted.Redacted>) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(Date.UTC(2026, 2, 1, 12))
    const webhook = yield* Webhook.make({ secrets })
    return { headers: { ...(yield* webhook.sign("message-1", body)) }, body }
  })

const verify = (secrets: ReadonlyArray<Redacted.Redacted>, request: Webhook.Request) =>
  Effect.flatMap(Webhook.make({ secrets }), (webhook) => webhook.verify(request))

const reasonOf = (secrets: ReadonlyArray<Redacted.Redacted>, request: Webhook.Request) =>
  Effect.map(Effect.flip(verify(secrets, request)), (error) => (error._tag === "InvalidSignature" ? error.reason : ""))

describe("a signature", () => {
  it.effect("is that of the examples of others", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_614_265_330_000)
      const webhook = yield* Webhook.make({ secrets: [Redacted.make("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")] })
      const headers = yield* webhook.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`)
      assert.deepStrictEqual(headers, {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
      })
    })
  )

  it.effect("tells the id and the time", () =>
    Effect.gen(function* () {
      const request = yield* signed([current])
      const { at, id } = yield* verify([current], request)
      assert.strictEqual(id, "message-1")
      assert.strictEqual(DateTime.formatIso(at), "2026-03-01T12:00:00.000Z")
      yield* verify([current], { ...request, body: new TextEncoder().encode(body) })
    })
  )

  it.effect("is taken while a secret is changed, on whichever side first", () =>
    Effect.gen(function* () {
      for (const [sender, receiver] of [
        [[old], [current, old]],
        [[current, old], [old]],
        [[current, old], [current]],
        [[current], [current, old]]
      ] as const) {
        yield* verify(receiver, yield* signed(sender))
      }
      assert.strictEqual(yield* reasonOf([current], yield* signed([old])), "signature")
      assert.strictEqual(yield* reasonOf([other], yield* signed([current, old])), "signature")
    })
  )

  it.effect("of another kind is passed over", () =>
    Effect.gen(function* () {
      const { headers } = yield* signed([current])
      const mine = headers["webhook-signature"]
      const among = (text: string) => ({ headers: { ...headers, "webhook-signature": text }, body })
      yield* verify([current], among(`v1a,AAAA v2,${mine.slice(3)} v1,AAAA v1,??? ${mine}`))
      for (const text of [
        "",
        " ",
        "v1,",
        mine.slice(3),
        `v2,${mine.slice(3)}`,
        `V1,${mine.slice(3)}`,
        mine.slice(0, -5)
      ]) {
        assert.strictEqual(yield* reasonOf([current], among(text)), "signature", text)
      }
    })
  )

  it.effect("does not match if anything was changed", () =>
    Effect.gen(function* () {
      const request = yield* signed([current])
      const { headers } = request
      for (const changed of [
        { ...request, body: `${body} ` },
        { ...request, body: "" },
        { ...request, headers: { ...headers, "webhook-id": "message-2" } },
        { ...request, headers: { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) } }
      ]) {
        assert.strictEqual(yield* reasonOf([current], changed), "signature")
      }
    })
  )

  it.effect("does not match if a part of the body is given as the time or the id", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 2, 1, 12))
      const webhook = yield* Webhook.make({ secrets: [current] })
      const seconds = String(Date.UTC(2026, 2, 1, 12) / 1_000)
      const headers = yield* webhook.sign("a", `${seconds}.{}`)
      const moved = { ...headers, "webhook-id": `a.${headers["webhook-timestamp"]}`, "webhook-timestamp": seconds }
      assert.strictEqual(yield* reasonOf([current], { headers: moved, body: "{}" }), "headers")
    })
  )

  it.effect("is refused if its time is further away than the tolerance", () =>
    Effect.gen(function* () {
      const request = yield* signed([current])
      const at = (seconds: number) => TestClock.setTime(Date.UTC(2026, 2, 1, 12) + seconds * 1_000)
      for (const seconds of [-300, 300]) {
        yield* at(seconds)
        yield* verify([current], request)
      }
      for (const seconds of [-301, 301, 86_400 * 365]) {
        yield* at(seconds)
        assert.strictEqual(yield* reasonOf([current], request), "time")
      }
      const patient = yield* Webhook.make({ secrets: [current], tolerance: "1000 days" })
      yield* patient.verify(request)
    })
  )

  it.effect("is refused without its headers", () =>
    Effect.gen(function* () {
      const { headers } = yield* signed([current])
      for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"] as const) {
        for (const value of [undefined, [headers[name], headers[name]]]) {
          assert.strictEqual(yield* reasonOf([current], { headers: { ...headers, [name]: value }, body }), "headers")
        }
      }
      for (const text of ["", "now", "-1", "1e9", " 1", "1.5", "0x10", "9".repeat(30)]) {
        assert.strictEqual(
          yield* reasonOf([current], { headers: { ...headers, "webhook-timestamp": text }, body }),
          "headers",
          text
        )
      }
    })
  )
})
