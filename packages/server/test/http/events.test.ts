import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { guarded, open } from "./bank.ts"
import { serve } from "./web.ts"

/** The frames of a stream of server-sent events, one after the other, without those that only say where it is. */
const framesOf = (response: Response) => {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const waiting: Array<string> = []
  const next: Effect.Effect<Readonly<Record<string, string>>> = Effect.gen(function* () {
    for (;;) {
      const frame = waiting.shift()
      if (frame === undefined) {
        const { value = "" } = yield* Effect.promise(() => reader.read())
        waiting.push(...value.split("\n\n").filter((text) => text !== ""))
      } else if (frame.includes("data: ")) {
        return Object.fromEntries(
          frame.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])
        ) as Readonly<Record<string, string>>
      }
    }
  })
  return { next, cancel: Effect.promise(() => reader.cancel()) }
}

describe("the feed of events", () => {
  it.live("has past events and new ones, and goes on after the last one that a client has seen", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(open)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const first = framesOf(yield* ask("/events"))
      const opened = yield* first.next
      assert.deepInclude(opened, { event: "Opened", id: "1-1" })
      assert.deepInclude(JSON.parse(opened["data"]!), { streamId: "Account-a", version: 1, data: { owner: "ann" } })
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 } })
      assert.deepInclude(yield* first.next, { event: "Deposited", id: "1-2" })
      yield* first.cancel
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 6 } })
      const again = framesOf(yield* ask("/events", { headers: { "last-event-id": "1-2" } }))
      assert.deepInclude(yield* again.next, { event: "Deposited", id: "1-3" })
      yield* again.cancel
      const some = framesOf(yield* ask("/events?types=Opened,Withdrawn&aggregates=Account&after=1-1"))
      yield* json("/aggregates/Account/a/Withdraw", { body: { cents: 1 } })
      assert.deepInclude(yield* some.next, { event: "Withdrawn", id: "1-4" })
      yield* some.cancel
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
      yield* feed.cancel
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
