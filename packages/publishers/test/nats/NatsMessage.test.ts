import { assert, describe, it } from "@effect/vitest"
import { CloudEvent, NatsMessage } from "@hexfold/publishers/nats"
import { headers } from "@nats-io/transport-node"
import { Effect } from "effect"
import * as fc from "fast-check"
import { message } from "../support/messages.ts"

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 60 })

/** A message as NATS has it. */
const received = (fields: { readonly [name: string]: string }, payload: string | Uint8Array) => {
  const given = headers()
  for (const [name, value] of Object.entries(fields)) given.set(name, value)
  return { headers: given, data: typeof payload === "string" ? new TextEncoder().encode(payload) : payload }
}

describe("the subject of a key", () => {
  it("is one token after the publication, of characters that mean nothing, and can be read back", () => {
    fc.assert(
      fc.property(text, (key) => {
        const subject = NatsMessage.subjectOf("orders.v1", key)
        assert.match(subject, /^orders\.v1\.[\w%~-]+$/)
        const token = subject.slice("orders.v1.".length)
        if (!token.startsWith("~")) assert.strictEqual(decodeURIComponent(token), key)
      })
    )
  })

  it("is another one for every other publication and key", () => {
    const seen = new Map<string, string>()
    const publication = fc.constantFrom("a", "a.b", "a.b.c", "orders.v1", "orders.v1.x")
    const key = fc.oneof(
      text,
      fc.constantFrom("b", "b.c", "c", "%2E", ".", "~", "%7E", "x".repeat(255), "x".repeat(256))
    )
    fc.assert(
      fc.property(publication, key, (name, one) => {
        const subject = NatsMessage.subjectOf(name, one)
        const given = JSON.stringify([name, one])
        assert.strictEqual(seen.get(subject) ?? given, given)
        seen.set(subject, given)
      }),
      { numRuns: 2_000 }
    )
  })

  it("has at most 255 characters after the publication, whatever the key", () => {
    const keys = ["x".repeat(255), "x".repeat(256), "\u{1f600}".repeat(1_000), `${"x".repeat(999)}y`]
    const tokens = keys.map((key) => NatsMessage.subjectOf("a", key).slice(2))
    assert.strictEqual(tokens[0], keys[0])
    for (const token of tokens.slice(1)) assert.match(token, /^~[0-9a-f]{64}$/)
    assert.strictEqual(new Set(tokens).size, keys.length)
  })
})

describe("a message that was received", () => {
  it.effect("is the one that was sent, whatever its texts", () =>
    Effect.gen(function* () {
      const given = message({ key: `a "b"\r\n%41 \u20ac`, type: "Euro \u20ac \u{1f600}", correlationId: " " })
      const fields = NatsMessage.headersOf(given)
      assert.strictEqual(fields["ce-type"], "orders.v1.Euro%20%E2%82%AC%20%F0%9F%98%80")
      for (const value of Object.values(fields)) assert.match(value, /^[!#-~]+$/)
      assert.deepStrictEqual(yield* NatsMessage.decode(received(fields, JSON.stringify(given.body))), given)
    })
  )

  it.effect("may have quoted values and names in capitals, or be in the structured mode", () =>
    Effect.gen(function* () {
      const given = message({ key: `a "b"` })
      const fields = { ...NatsMessage.headersOf(given), "ce-partitionkey": `"a \\"b\\""` }
      const capitals = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toUpperCase(), value]))
      assert.deepStrictEqual(yield* NatsMessage.decode(received(capitals, JSON.stringify(given.body))), given)
      const structured = received({ "Content-Type": CloudEvent.contentType }, CloudEvent.encode(given))
      assert.deepStrictEqual(yield* NatsMessage.decode(structured), given)
    })
  )

  it.effect("is refused with a reason that repeats nothing of it, if it is not a message of a publication", () =>
    Effect.gen(function* () {
      const good = NatsMessage.headersOf(message())
      for (const [given, detail] of [
        [{ data: new Uint8Array() }, "the payload is not JSON"],
        [received(good, "{hidden"), "the payload is not JSON"],
        [received(good, new Uint8Array([0x22, 0xc0, 0xa0, 0x22])), "the payload is not UTF-8"],
        [received({}, "1"), "the attribute specversion is not a text, or is empty"],
        [received({ ...good, "ce-specversion": "0.3" }, "1"), "the attribute specversion is not 1.0"],
        [received({ ...good, "ce-type": "%C0%A0" }, "1"), "the header ce-type is not percent-encoded"],
        [received({ ...good, "ce-type": "hidden" }, "1"), "the attribute type does not begin with the publication"],
        [received({ ...good, "ce-time": "hidden" }, "1"), "the attribute time is not a time"],
        [received({ ...good, "ce-time": "2026-13-01T00:00:00Z" }, "1"), "the attribute time is not a time"],
        [
          received({ ...good, "ce-schemaversion": "0" }, "1"),
          "the attribute schemaversion is not a whole number from 1 on"
        ],
        [
          received({ ...good, "ce-schemaversion": "" }, "1"),
          "the attribute schemaversion is not a whole number from 1 on"
        ]
      ] as const) {
        const error = yield* Effect.flip(NatsMessage.decode(given))
        assert.strictEqual(error._tag, "InvalidCloudEvent")
        assert.strictEqual(error.detail, detail)
      }
    })
  )
})

describe("a CloudEvent", () => {
  it.effect("is the message that was sent", () =>
    Effect.gen(function* () {
      for (const body of [null, 0, "", [], {}, { data: 1 }]) {
        const given = message({ body, key: "a\n\u0001" })
        assert.deepStrictEqual(yield* CloudEvent.decode(CloudEvent.encode(given)), given)
      }
    })
  )

  it.effect("is refused if it is not a message of a publication", () =>
    Effect.gen(function* () {
      const { data: _, ...without } = JSON.parse(CloudEvent.encode(message())) as { readonly data: unknown }
      for (const given of ["", "{", "1", "null", "[]", "{}", JSON.stringify(without)]) {
        assert.strictEqual((yield* Effect.flip(CloudEvent.decode(given)))._tag, "InvalidCloudEvent")
      }
    })
  )
})
