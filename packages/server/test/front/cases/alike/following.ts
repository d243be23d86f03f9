/** What is followed, asked of every front alike. */
import { assert } from "@effect/vitest"
import type { Query } from "@hexfold/core"
import { Effect } from "effect"
import { guarded, open as everybody } from "../../../http/bank.ts"
import type { Cases } from "../../Front.ts"
import { firstOf, type Followed, type Refused, type Speaker } from "../../speaking/Speaker.ts"
import { each, speakersOf } from "../../speaking/speakers.ts"
import { filled } from "../filled.ts"

const auditor = "eve:auditor"

/** A page of accounts of somebody. */
const accountsOf = (owner: string, select: Query.Query["select"] = [["owner"], ["balance"]]): Query.Query => ({
  _tag: "Records",
  view: "Accounts",
  orderBy: [],
  limit: 5,
  where: { _tag: "Compare", path: ["owner"], is: "eq", value: owner },
  select
})

/** All that a front lets somebody follow. */
const allOf = ({ feed, livePage, liveRecord }: Speaker, as: string) => [
  livePage(accountsOf("ann"), as),
  liveRecord("Accounts", "a", [["owner"]], as),
  feed({}, as)
]

/** The last of the results, without what is shown: `undefined` if they came to their proper end. */
const lastOf = ({ next }: Followed<unknown>): Effect.Effect<unknown> =>
  Effect.repeat(next, { until: (result) => result === undefined || isClosed(result) })

const isClosed = (result: unknown): boolean =>
  typeof result === "object" && result !== null && "is" in result && typeof result.is === "string"

/** How live results end: a socket that is closed says why, and an answer just ends. */
const ended = ({ name }: Speaker, why: string) => (name.includes("socket") ? { is: why } : undefined)

export const following: Cases = {
  "a live page and a live record show the present, and each change": (open) =>
    Effect.gen(function* () {
      const front = yield* filled(open, everybody)
      yield* each(front, ({ livePage, liveRecord, name }) =>
        Effect.gen(function* () {
          const [id, owner] = [`new of ${name}`, `owner of ${name}`]
          const command = (command: string, body: object) =>
            front.json(`/aggregates/Account/${encodeURIComponent(id)}/${command}`, { body })
          const page = yield* livePage(accountsOf(owner))
          const record = yield* liveRecord("Accounts", id, [["owner"], ["balance"]])
          const both = Effect.all([page.next, record.next])
          assert.deepStrictEqual<unknown>(yield* both, [{ rows: [] }, null])
          yield* command("Open", { owner })
          for (const balance of [0, 5]) {
            const state = { owner, balance }
            assert.deepStrictEqual<unknown>(yield* both, [{ rows: [{ key: id, state }] }, state])
            yield* command("Deposit", { cents: 5 })
          }
        })
      )
    }),

  "live results are refused to those who may not read them, and what is hidden is no change": (open) =>
    Effect.gen(function* () {
      const front = yield* filled(open, guarded)
      yield* each(front, (speaker) =>
        Effect.gen(function* () {
          assert.deepStrictEqual<unknown>(yield* firstOf(speaker.feed({}, "ann")), { is: "Forbidden" })
          const page = yield* speaker.livePage({ ...accountsOf("bob", [["owner"]]), where: everything }, "ann")
          const before = yield* page.next
          yield* front.json("/aggregates/Account/b/Deposit", { body: { cents: 1 }, as: "eve:clerk" })
          yield* front.json("/aggregates/Account/a/Deposit", { body: { cents: 1 }, as: "eve:clerk" })
          const id = `d of ${speaker.name}`
          yield* front.json(`/aggregates/Account/${encodeURIComponent(id)}/Open`, { body: { owner: "ann" }, as: "ann" })
          const rows = (found: unknown) => (found as { readonly rows: ReadonlyArray<{ readonly key: string }> }).rows
          const keys = (found: unknown) => rows(found).map(({ key }) => key)
          assert.deepStrictEqual(keys(yield* page.next), [...keys(before), id].toSorted())
        })
      )
    }),

  "the feed goes on after an event, also at a server that was started again": (open) =>
    Effect.gen(function* () {
      const former = yield* filled(open, everybody)
      const cursors = new Map<string, string>()
      yield* each(former, ({ feed, name }) =>
        Effect.scoped(
          Effect.gen(function* () {
            const events = yield* feed({})
            const first = yield* events.next
            assert.deepInclude(first, { type: "Opened", streamId: "Account-a" })
            assert.deepInclude(yield* events.next, { streamId: "Account-b" })
            cursors.set(name, (first as { readonly cursor: string }).cursor)
          })
        )
      )
      yield* former.end
      const front = yield* open(everybody, { stores: former.stores })
      yield* each(front, ({ feed, name }) =>
        Effect.gen(function* () {
          const events = yield* feed({ after: cursors.get(name)! })
          assert.deepInclude(yield* events.next, { streamId: "Account-b" })
          assert.deepInclude(yield* events.next, { streamId: "Account-c" })
          const deposits = yield* feed({ after: cursors.get(name)!, types: "Deposited" })
          yield* front.json(`/aggregates/Account/a/Deposit`, { body: { cents: 1 } })
          assert.deepInclude(yield* deposits.next, { type: "Deposited", streamId: "Account-a" })
          for (const after of ["x", "9-1"]) {
            const { is } = (yield* firstOf(feed({ after }))) as Refused
            assert.include(["Invalid", "PositionLost"], is)
          }
        })
      )
    }),

  "what is followed ends with the credentials that opened it": (open) =>
    Effect.gen(function* () {
      const front = yield* filled(open, guarded)
      const all = yield* speakersOf(front)
      const as = `${auditor}~${Date.now() + 700}`
      const opened = yield* Effect.forEach(all, (speaker) =>
        Effect.map(Effect.all(allOf(speaker, as)), (lives) => ({ speaker, lives }))
      )
      for (const { lives, speaker } of opened) {
        for (const live of lives) {
          assert.deepStrictEqual(yield* lastOf(live), ended(speaker, "Unauthenticated"), speaker.name)
        }
      }
    }),

  "what is followed ends when the server ends, which does not wait for its clients": (open) =>
    Effect.gen(function* () {
      const front = yield* filled(open, everybody)
      const all = yield* speakersOf(front)
      const opened = yield* Effect.forEach(all, (speaker) =>
        Effect.map(Effect.all(allOf(speaker, auditor)), (lives) => ({ speaker, lives }))
      )
      for (const { lives } of opened) for (const { next } of lives) assert.isDefined(yield* next)
      yield* front.end
      for (const { lives, speaker } of opened) {
        // The client of a socket takes this for a reason to connect again.
        for (const live of lives) assert.deepStrictEqual(yield* lastOf(live), ended(speaker, "AWAY"), speaker.name)
      }
    })
}

/** A filter that everything passes. */
const everything: Query.Filter = { _tag: "And", filters: [] }
