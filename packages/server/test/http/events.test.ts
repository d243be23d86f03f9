import { assert, describe, it } from "@effect/vitest"
import { Api, EventStoreError, Reason } from "@hexfold/core"
import { Effect, Option, Stream } from "effect"
import { framesOf } from "../front/frames.ts"
import { guarded, open } from "./bank.ts"
import { newer } from "./newer.ts"
import { serve } from "./web.ts"

describe("the feed of events", () => {
  it.live("has past events and new ones, and goes on after the last one that a client has seen", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(open)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const first = framesOf(yield* ask("/events"))
      const opened = yield* first.next
      assert.deepInclude(opened, { event: "Opened", id: "1-1" })
      assert.deepInclude(JSON.parse(opened.data), { streamId: "Account-a", version: 1, data: { owner: "ann" } })
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 } })
      assert.deepInclude(yield* first.next, { event: "Deposited", id: "1-2" })
      yield* Effect.promise(first.cancel)
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 6 } })
      const again = framesOf(yield* ask("/events", { headers: { "last-event-id": "1-2" } }))
      assert.deepInclude(yield* again.next, { event: "Deposited", id: "1-3" })
      yield* Effect.promise(again.cancel)
      const some = framesOf(yield* ask("/events?types=Opened,Withdrawn&aggregates=Account&after=1-1"))
      yield* json("/aggregates/Account/a/Withdraw", { body: { cents: 1 } })
      assert.deepInclude(yield* some.next, { event: "Withdrawn", id: "1-4" })
      yield* Effect.promise(some.cancel)
    })
  )

  it.live("is for those who may read events", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(guarded)
      const status = (path: string, as?: string) =>
        Effect.map(json(path, as === undefined ? {} : { as }), (answer) => answer.status)
      assert.strictEqual(yield* status("/events"), 401)
      assert.strictEqual(yield* status("/events", "ann"), 403)
      assert.strictEqual(yield* status("/events?aggregates=Budget", "eve:auditor"), 400)
      assert.strictEqual(yield* status("/events?after=yesterday", "eve:auditor"), 400)
      assert.strictEqual(yield* status("/events?page=1", "eve:auditor"), 400)
      assert.strictEqual(yield* status("/events?after=1-999", "eve:auditor"), 400)
      assert.strictEqual(yield* status("/events?after=7-999", "eve:auditor"), 410)
      const feed = framesOf(yield* ask("/events?from=now", { as: "eve:auditor" }))
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann" })
      assert.deepInclude(yield* feed.next, { event: "Opened" })
      yield* Effect.promise(feed.cancel)
    })
  )
})

describe("an event of a newer program, which this one does not know", () => {
  it.live("is never left out: the feed says that it cannot go on, and a conversation is answered later", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(open, [], newer)
      const headers = { "x-correlation-id": "talk" }
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, headers })
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, headers })
      yield* json("/aggregates/Account/b/Open", { body: { owner: "bob" }, headers })
      for (const path of ["/events", "/events?types=Opened,Withdrawn"]) {
        const feed = framesOf(yield* ask(path))
        assert.deepInclude(yield* feed.next, { event: "Opened", id: "1-1" })
        const last = yield* feed.next
        assert.strictEqual(last.event, "error")
        assert.deepInclude(JSON.parse(last.data), { status: 503, title: "Unavailable" })
        assert.isTrue(Option.isNone(yield* feed.frame))
      }
      const { body, headers: answered, status } = yield* json("/events?correlationId=talk")
      assert.deepStrictEqual([status, body["title"], answered.get("retry-after")], [503, "Unavailable", "1"])
    })
  )
})

describe("a conversation", () => {
  const shown = ({ events }: { readonly events: ReadonlyArray<object> }) =>
    (events as ReadonlyArray<{ readonly type: string; readonly streamId: string; readonly position: number }>).map(
      ({ position, streamId, type }) => [position, streamId, type]
    )

  it.live("is the events with its correlation id, page by page, in the order of the log", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      const talk = { "x-correlation-id": "talk" }
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, headers: talk })
      yield* json("/aggregates/Account/b/Open", { body: { owner: "bob" } })
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 9 }, headers: talk })
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 9 }, headers: { "x-correlation-id": "talk 2" } })
      yield* json("/commands/Transfer", { body: { from: "a", to: "b", cents: 5 }, headers: talk })
      const all = yield* json("/events?correlationId=talk")
      assert.deepStrictEqual([all.status, all.type], [200, "application/json"])
      const expected = [
        [1, "Account-a", "Opened"],
        [3, "Account-a", "Deposited"],
        [4, "Account-a", "Withdrawn"],
        [5, "Account-b", "Deposited"]
      ]
      assert.deepStrictEqual(shown(all.body), expected)
      assert.deepInclude(all.body.events[0], { correlationId: "talk", data: { owner: "ann" }, version: 1 })
      assert.notProperty(all.body, "next")

      const read = (parameters: string): Effect.Effect<ReadonlyArray<unknown>> =>
        Effect.map(json(`/events?correlationId=talk&${parameters}`), ({ body }) => [shown(body), body.next])
      assert.deepStrictEqual(yield* read("limit=3"), [expected.slice(0, 3), "1-4"])
      assert.deepStrictEqual(yield* read("limit=3&after=1-4"), [expected.slice(3), undefined])
      assert.deepStrictEqual(yield* read("limit=1&after=1-4"), [expected.slice(3), "1-5"])
      assert.deepStrictEqual(yield* read("after=1-5"), [[], undefined])
      assert.deepStrictEqual(yield* read("types=Withdrawn,Opened"), [[expected[0], expected[2]], undefined])
      // The page has one event of the two that it has read.
      assert.deepStrictEqual(yield* read("types=Opened&limit=2"), [[expected[0]], "1-3"])
      assert.deepStrictEqual(yield* read("aggregates=Account&limit=1"), [[expected[0]], "1-1"])
      const none = yield* json("/events?correlationId=nobody")
      assert.deepStrictEqual([none.status, none.body], [200, { events: [] }])
    })
  )

  it.live("has what the caller may read", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(guarded)
      const headers = { "x-correlation-id": "talk" }
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann", headers })
      const ask = (parameters: string, as?: string) =>
        Effect.map(json(`/events?correlationId=${parameters}`, as === undefined ? {} : { as }), ({ body, status }) => [
          status,
          body.events?.length
        ])
      assert.deepStrictEqual(yield* ask("talk"), [401, undefined])
      assert.deepStrictEqual(yield* ask("talk", "ann"), [403, undefined])
      assert.deepStrictEqual(yield* ask("talk", "eve:auditor"), [200, 1])
      // Who may read no event learns nothing of what is wrong with the request.
      assert.deepStrictEqual(yield* ask("", "ann"), [403, undefined])
      assert.deepStrictEqual(yield* ask("talk&aggregates=Budget", "eve:auditor"), [400, undefined])
    })
  )

  it.live("of which a rule lets the caller read some events has these", () =>
    Effect.gen(function* () {
      const Account = { events: { when: (_: unknown, { id }: { readonly id: string | undefined }) => id === "a" } }
      const some = Api.make("bank", {
        aggregates: open.aggregates,
        policies: { Account: { Open: "anyone", Deposit: "anyone", Withdraw: "anyone", ...Account } }
      })
      const { json } = yield* serve(some)
      for (const id of ["a", "b"]) {
        const headers = { "x-correlation-id": "talk" }
        yield* json(`/aggregates/Account/${id}/Open`, { body: { owner: id }, as: "ann", headers })
      }
      const { body } = yield* json("/events?correlationId=talk", { as: "ann" })
      assert.deepStrictEqual(shown(body), [[1, "Account-a", "Opened"]])
    })
  )

  it.live("that cannot be asked for is refused, with what is wrong", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      const ask = (parameters: string) =>
        Effect.map(json(`/events?${parameters}`), ({ body, status }) => [status, body["part"] ?? body["title"]])
      for (const id of ["", "a%00", "x".repeat(1_001), "a&correlationId=b"]) {
        assert.deepStrictEqual(yield* ask(`correlationId=${id}`), [400, "correlationId"])
      }
      for (const limit of ["0", "1001", "1.5", "", "x", "1&limit=2"]) {
        assert.deepStrictEqual(yield* ask(`correlationId=a&limit=${limit}`), [400, "limit"])
      }
      assert.deepStrictEqual(yield* ask("correlationId=a&from=now"), [400, "from"])
      assert.deepStrictEqual(yield* ask("limit=1"), [400, "limit"])
      assert.deepStrictEqual(yield* ask("correlationId=a&after=yesterday"), [400, "after"])
      assert.deepStrictEqual(yield* ask("correlationId=a&after=1-999"), [400, "after"])
      assert.deepStrictEqual(yield* ask("correlationId=a&after=7-999"), [410, "PositionLost"])
    })
  )

  it.live("that the store refuses to read is no mistake of the client, who learns nothing of the inside", () =>
    Effect.gen(function* () {
      const reason = new Reason.Rejected({ detail: "the schema accounting has no index" })
      const { json } = yield* serve(open, open.views, (log) => ({
        ...log,
        readAll: (options) =>
          options?.correlationId === undefined
            ? log.readAll(options)
            : Stream.fail(new EventStoreError({ operation: "readAll", reason }))
      }))
      const { body, status } = yield* json("/events?correlationId=talk")
      assert.deepStrictEqual([status, body["title"]], [500, "Internal"])
      assert.notInclude(JSON.stringify(body), "accounting")
    })
  )
})

describe("a live stream", () => {
  it.live("ends with the credentials that opened it", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(guarded)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann" })
      const as = `eve:auditor~${Date.now() + 300}`
      const streams = yield* Effect.forEach(["/events", "/live/Accounts", "/live/Accounts/a"], (path) =>
        ask(path, { as })
      )
      const texts = yield* Effect.forEach(streams, (response) => Effect.promise(() => response.text()), {
        concurrency: "unbounded"
      })
      assert.isTrue(texts.every((text) => text.includes("data: ")))
      assert.isTrue(texts.every((text) => !text.includes("event: error")))
    })
  )
})

describe("who is asking", () => {
  it.live("may be unknown for a while: then nothing is refused for good", () =>
    Effect.gen(function* () {
      const { ask } = yield* serve(guarded)
      const response = yield* ask("/views/Accounts", { as: "away" })
      assert.deepStrictEqual([response.status, response.headers.get("retry-after")], [503, "1"])
    })
  )
})

describe("a front that closes", () => {
  it.live("ends its live streams, so that nobody waits for their clients", () =>
    Effect.gen(function* () {
      const streams = yield* Effect.scoped(
        Effect.gen(function* () {
          const { ask, json } = yield* serve(open)
          yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
          return yield* Effect.forEach(["/events", "/live/Accounts", "/live/Accounts/a"], (path) => ask(path))
        })
      )
      const texts = yield* Effect.forEach(streams, (response) => Effect.promise(() => response.text()))
      assert.strictEqual(texts.length, 3)
    })
  )
})
