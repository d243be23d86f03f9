import { assert, describe, it } from "@effect/vitest"
import { Remote, RemoteError } from "@hexfold/client"
import { Query } from "@hexfold/core"
import { Effect, Layer, Logger, Stream } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { Account, Transfer, Withdraw } from "../../server/test/http/bank.ts"
import { Lock, Vault, Vaults } from "./vault.ts"

/** An API that answers everything with one text. */
const answering = (text: string, status = 200, options: Omit<Remote.Options, "url"> = {}) => {
  const client = HttpClient.make((request) =>
    Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(text, { status })))
  )
  return Remote.layer({ url: "http://bank.example", ...options }).pipe(
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
  )
}

const lock = Remote.execute(Vault, "v", new Lock({ by: "ann" }))
const vaults = Query.from(Vaults)
const page = Remote.query(Vaults, vaults)
const record = Remote.record(Vaults, "v")
const live = Stream.runHead(Remote.live(Vaults, vaults))
const liveRecord = Stream.runHead(Remote.liveRecord(Vaults, "v"))

type Call = Effect.Effect<unknown, unknown, Remote.Remote>

const failureOf = (call: Call, text: string, status = 200) =>
  Effect.map(Effect.flip(Effect.provide(call, answering(text, status))), (error) => {
    assert.instanceOf(error, RemoteError)
    return error
  })

const begin = "the answer is not what this program knows: "
const lockedAt = "2026-01-01T00:00:00.000Z"

describe("an answer that this program cannot read", () => {
  const detailOf = (call: Call, answer: unknown, status = 200) =>
    Effect.map(failureOf(call, JSON.stringify(answer), status), ({ detail, status, title }) => {
      assert.deepStrictEqual([status, title, detail.slice(0, begin.length)], [200, "Unreadable", begin])
      return detail.slice(begin.length)
    })

  it.effect("is refused with the path of what is missing or wrong in a page or a record", () =>
    Effect.gen(function* () {
      const good = { key: "v", state: { by: "ann", lockedAt } }
      const rows = (state: unknown) => ({ rows: [good, { key: "w", state }] })
      assert.strictEqual(yield* detailOf(page, {}), "rows: Missing key")
      assert.strictEqual(yield* detailOf(page, { rows: [{ state: good.state }] }), "rows[0].key: Missing key")
      assert.strictEqual(yield* detailOf(page, rows({ lockedAt })), "rows[1].state.by: Missing key")
      assert.strictEqual(yield* detailOf(page, rows({ by: 5, lockedAt })), "rows[1].state.by: Expected string")
      assert.strictEqual(
        yield* detailOf(page, { rows: "none", next: 5 }),
        "rows: Expected array; next: Expected string"
      )
      assert.strictEqual(yield* detailOf(record, {}), "state: Missing key")
      assert.strictEqual(yield* detailOf(record, { state: { lockedAt } }), "state.by: Missing key")
    })
  )

  it.effect("is refused with the path of what is missing or wrong in a receipt or an error", () =>
    Effect.gen(function* () {
      const receipt = { streamId: "Vault-v", version: 1, position: 1, history: 1, attempts: 1, repeated: false }
      const event = {
        ...{ id: "e", streamId: "Vault-v", version: 1, position: 1, type: "Locked", schemaVersion: 1 },
        ...{ recordedAt: lockedAt, imported: false, correlationId: "c", causationId: "c" }
      }
      const withEvent = (own: object) => ({ ...receipt, events: [{ ...event, data: { by: "ann" }, ...own }] })
      assert.strictEqual(yield* detailOf(lock, { ...receipt, position: "1" }), "position: Expected number")
      assert.strictEqual(
        yield* detailOf(lock, withEvent({ recordedAt: undefined })),
        "events[0].recordedAt: Missing key"
      )
      assert.include(yield* detailOf(lock, withEvent({ data: {} })), `at ["by"]`)
      // The command has happened, and its event is not left out.
      assert.include(yield* detailOf(lock, withEvent({ type: "Sealed" })), `a "Sealed"`)
      const forbidden = { type: "/problems/Vault/Forbidden", title: "Forbidden", status: 422 }
      assert.strictEqual(yield* detailOf(lock, forbidden, 422), "status: Expected string")
    })
  )

  it.effect("is refused without any of its values", () =>
    Effect.gen(function* () {
      const texts = [
        JSON.stringify({ rows: [{ key: "secret", state: { by: ["secret"], lockedAt: "secret" } }] }),
        JSON.stringify({ rows: [{ key: "secret", state: { by: "secret", lockedAt: "secret" } }] }),
        JSON.stringify({ state: { by: "secret", lockedAt: "secret" } }),
        `{"rows": secret`
      ]
      for (const text of texts) {
        for (const call of [page, record, lock]) {
          const error = yield* failureOf(call, text)
          assert.notInclude(`${error.message} ${String(error.cause)} ${JSON.stringify(error)}`, "secret")
        }
      }
    })
  )

  it.effect("fails a live result, and one under another name does, too", () =>
    Effect.gen(function* () {
      const frame = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
      const detail = (call: Call, text: string) =>
        Effect.map(failureOf(call, text), ({ detail, title }) => {
          assert.strictEqual(title, "Unreadable")
          return detail.slice(begin.length)
        })
      assert.strictEqual(yield* detail(live, frame("page", {})), "rows: Missing key")
      assert.strictEqual(yield* detail(live, "event: page\ndata: [5]\n\n"), "it is no JSON object")
      assert.strictEqual(yield* detail(liveRecord, frame("record", { key: "v" })), "state: Missing key")
      assert.strictEqual(yield* detail(live, frame("leaf", {})), `it sends "leaf" where page is expected`)
    })
  )
})

describe("an answer of something between the program and the API", () => {
  it.effect("has its own status, and is no lost answer", () =>
    Effect.gen(function* () {
      const html = "<html>the gateway of ann</html>"
      const facts = (status: number, text = html) =>
        Effect.map(failureOf(page, text, status), ({ isRetryable, message, status, title }) => {
          assert.notInclude(message, "ann")
          return [status, title, isRetryable]
        })
      assert.deepStrictEqual(yield* facts(502), [502, "Unknown", true])
      assert.deepStrictEqual(yield* facts(503, ""), [503, "Unknown", true])
      assert.deepStrictEqual(yield* facts(403), [403, "Unknown", false])
      assert.deepStrictEqual(yield* facts(200), [200, "Unreadable", false])
    })
  )
})

describe("the receipt of a boundary", () => {
  it.effect("is without events of aggregates that the client does not know, and the program is told so once", () =>
    Effect.gen(function* () {
      const event = (streamId: string, type: string) => ({
        ...{ id: type, streamId, version: 2, position: 3, type, schemaVersion: 1, data: { cents: 5 } },
        ...{ recordedAt: lockedAt, imported: false, correlationId: "c", causationId: "c" }
      })
      const receipt = JSON.stringify({
        ...{ streams: [], position: 4, history: 1, attempts: 1, repeated: false },
        events: [event("Account-a", "Withdrawn"), event("Account-b", "Deposited")]
      })
      const said: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ message }) => void said.push(message))])
      const transfer = Remote.execute(Transfer, { _tag: "Transfer", from: "a", to: "b", cents: 5 })
      const twice = Effect.andThen(transfer, transfer)
      const without = yield* Effect.provide(Effect.provide(twice, answering(receipt)), logger)
      assert.deepStrictEqual(without.events, [])
      assert.strictEqual(said.length, 1)
      assert.include(String(said[0]), "without their events of Account")
      const known = answering(receipt, 200, { aggregates: [Account] })
      const whole = yield* Effect.provide(Effect.provide(transfer, known), logger)
      assert.deepStrictEqual(
        whole.events.map(({ data }) => data._tag),
        ["Withdrawn", "Deposited"]
      )
      assert.strictEqual(said.length, 1)
    })
  )
})

describe("headers that cannot be made", () => {
  it.effect("fail the call with the error of their effect, and nothing is asked", () =>
    Effect.gen(function* () {
      const lost = new RemoteError({ status: 0, title: "NoToken", detail: "nobody gives a token now" })
      const api = answering("{}", 200, { headers: Effect.fail(lost) })
      const calls: ReadonlyArray<Call> = [page, record, Remote.execute(Account, "a", new Withdraw({ cents: 5 }))]
      for (const call of calls) {
        assert.strictEqual(yield* Effect.flip(Effect.provide(call, api)), lost)
      }
      assert.isTrue(lost.isRetryable)
    })
  )
})
