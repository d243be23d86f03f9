/** The feed of events. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guarded, open as everybody } from "../../http/bank.ts"
import type { Cases } from "../Front.ts"
import { filled } from "./filled.ts"

export const feed: Cases = {
  "the feed has past events and new ones, and goes on after the last one that a client has seen": (open) =>
    Effect.gen(function* () {
      const { events, json } = yield* filled(open, everybody)
      const whole = yield* events("/events")
      const first = yield* whole.next
      assert.deepInclude(first, { event: "Opened" })
      assert.match(first.id!, /^\d+-\d+$/)
      assert.deepInclude(JSON.parse(first.data), { streamId: "Account-a", version: 1, data: { owner: "ann" } })
      const second = yield* whole.next
      const third = yield* whole.next
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 } })
      const fourth = yield* whole.next
      assert.deepInclude(fourth, { event: "Deposited" })
      const again = yield* events("/events", { headers: { "last-event-id": second.id! } })
      assert.deepStrictEqual([yield* again.next, yield* again.next], [third, fourth])
      const after = yield* events(`/events?after=${third.id}`)
      assert.deepStrictEqual(yield* after.next, fourth)
    }),

  "the feed may begin now, and may have some aggregates and types of events only": (open) =>
    Effect.gen(function* () {
      const { events, json } = yield* filled(open, everybody)
      const now = yield* events("/events?from=now")
      const some = yield* events("/events?aggregates=Account&types=Withdrawn,Opened")
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 } })
      yield* json("/aggregates/Account/a/Withdraw", { body: { cents: 1 } })
      assert.deepInclude(yield* now.next, { event: "Deposited" })
      const types = [yield* some.next, yield* some.next, yield* some.next, yield* some.next].map(({ event }) => event)
      assert.deepStrictEqual(types, ["Opened", "Opened", "Opened", "Withdrawn"])
    }),

  "the feed refuses places that are none, and those that the log does not have any more": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      const title = (path: string, headers: Record<string, string> = {}) =>
        Effect.map(json(path, { headers }), ({ body, status }) => [status, body["title"]])
      assert.deepStrictEqual(yield* title("/events?after=yesterday"), [400, "InvalidRequest"])
      assert.deepStrictEqual(yield* title("/events", { "last-event-id": "7" }), [400, "InvalidRequest"])
      assert.deepStrictEqual(yield* title("/events?from=yesterday"), [400, "InvalidRequest"])
      assert.deepStrictEqual(yield* title("/events?page=1"), [400, "InvalidRequest"])
      assert.deepStrictEqual(yield* title("/events?aggregates=Nothing"), [400, "InvalidRequest"])
      assert.deepStrictEqual(yield* title("/events?after=1-999"), [400, "InvalidRequest"])
      assert.deepStrictEqual(yield* title("/events?after=7-999"), [410, "PositionLost"])
    }),

  "a conversation is read page by page, in the order of the log, by those who may read events": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(guarded)
      const sent = { headers: { "x-correlation-id": "talk" }, as: "ann:clerk" }
      yield* json("/aggregates/Account/a/Open", { ...sent, body: { owner: "ann" } })
      yield* json("/aggregates/Account/b/Open", { body: { owner: "bob" }, as: "bob" })
      yield* json("/aggregates/Account/a/Deposit", { ...sent, body: { cents: 5 } })
      yield* json("/commands/Transfer", { ...sent, body: { from: "a", to: "b", cents: 5 } })
      const read = (parameters: string, as: string) =>
        Effect.map(json(`/events?correlationId=talk${parameters}`, { as }), ({ body, status }) => ({
          status,
          next: body.next,
          types: (body.events as ReadonlyArray<{ readonly type: string }> | undefined)?.map(({ type }) => type)
        }))
      assert.strictEqual((yield* read("", "ann")).status, 403)
      const first = yield* read("&limit=3", "eve:auditor")
      assert.deepInclude(first, { status: 200, types: ["Opened", "Deposited", "Withdrawn"] })
      const second = yield* read(`&limit=3&after=${first.next}`, "eve:auditor")
      assert.deepStrictEqual<unknown>(second, { status: 200, types: ["Deposited"], next: undefined })
      assert.deepInclude(yield* read("&types=Opened", "eve:auditor"), { types: ["Opened"] })
    }),

  "the feed is for those who may read events": (open) =>
    Effect.gen(function* () {
      const { ask, events, json } = yield* filled(open, guarded)
      assert.strictEqual((yield* ask("/events")).status, 401)
      assert.strictEqual((yield* ask("/events", { as: "ann" })).status, 403)
      const all = yield* events("/events?from=now", { as: "eve:auditor" })
      yield* json("/aggregates/Account/d/Open", { body: { owner: "ann" }, as: "ann" })
      assert.deepInclude(yield* all.next, { event: "Opened" })
    })
}
