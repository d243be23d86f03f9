/** Who may do and see what, asked of every front alike. */
import { assert } from "@effect/vitest"
import type { Query } from "@hexfold/core"
import { Effect } from "effect"
import { guarded, open as everybody } from "../../../http/bank.ts"
import type { Cases } from "../../Front.ts"
import { type Command, firstOf, type Page, type Sent } from "../../speaking/Speaker.ts"
import { each } from "../../speaking/speakers.ts"
import { filled } from "../filled.ts"

type Records = Omit<Query.Query, "_tag" | "view">

/** A question to the accounts. */
const accounts = (more: Partial<Records> = {}): Query.Query => ({
  _tag: "Records",
  view: "Accounts",
  orderBy: [],
  limit: 20,
  select: [["owner"]],
  ...more
})

const keysOf = (page: Page): unknown =>
  "rows" in page ? (page.rows as ReadonlyArray<{ readonly key: string }>).map(({ key }) => key) : page

const auditor = "eve:auditor"

export const access: Cases = {
  "commands are for those whom the rules let execute them, in the state that they are decided on": (open) =>
    Effect.gen(function* () {
      yield* each(yield* open(guarded), ({ execute, name }) =>
        Effect.gen(function* () {
          const asked = (command: Command["name"], fields: object, sent: Sent = {}) =>
            Effect.map(execute({ id: name, name: command, fields }, sent), ({ is, version }) => version ?? is)
          const owner = { owner: "ann" }
          assert.strictEqual(yield* asked("Open", owner), "Unauthenticated")
          assert.strictEqual(yield* asked("Open", owner, { as: "ann bob" }), "Unauthenticated")
          assert.strictEqual(yield* asked("Open", owner, { as: "away" }), "Unavailable")
          assert.strictEqual(yield* asked("Open", owner, { as: "bob" }), "Forbidden")
          assert.strictEqual(yield* asked("Open", owner, { as: "ann" }), 1)
          assert.strictEqual(yield* asked("Deposit", { cents: 5 }, { as: "ann" }), "Forbidden")
          assert.strictEqual(yield* asked("Deposit", { cents: 5 }, { as: "eve:clerk" }), 2)
          assert.strictEqual(yield* asked("Withdraw", { cents: 1 }, { as: "bob" }), "Forbidden")
          // Who may not withdraw does not learn what is there.
          assert.strictEqual(yield* asked("Withdraw", { cents: 100 }, { as: "bob" }), "Forbidden")
          assert.strictEqual(yield* asked("Withdraw", { cents: 1 }, { as: "ann" }), 3)
          const transfer = { name: "Transfer", fields: { from: name, to: "nobody", cents: 1 } } as const
          assert.deepStrictEqual(yield* execute(transfer, { as: "bob" }), { is: "Forbidden" })
          assert.deepStrictEqual(yield* execute(transfer, { as: "ann" }), { is: "NotOpen" })
        })
      )
    }),

  "events in a receipt are for those who may read them": (open) =>
    Effect.gen(function* () {
      yield* each(yield* filled(open, guarded), ({ execute }) =>
        Effect.gen(function* () {
          const deposit = { id: "a", name: "Deposit", fields: { cents: 1 } } as const
          assert.deepStrictEqual((yield* execute(deposit, { as: "eve:clerk" }))["events"], [])
          const shown = yield* execute(deposit, { as: "eve:clerk,auditor" })
          assert.deepStrictEqual(shown["events"], [{ type: "Deposited", actor: "eve" }])
        })
      )
    }),

  "records that the caller may not see are in no list, total, record or live result": (open) =>
    Effect.gen(function* () {
      const front = yield* filled(open, guarded)
      yield* each(front, ({ liveRecord, page, record }) =>
        Effect.gen(function* () {
          assert.deepStrictEqual<unknown>(yield* page(accounts()), { is: "Unauthenticated" })
          const all: Query.Filter = { _tag: "Not", filter: { _tag: "IsNull", path: ["owner"] } }
          const everything: Query.Filter = { _tag: "Or", filters: [{ _tag: "And", filters: [] }, all] }
          for (const query of [accounts({ total: true }), accounts({ total: true, where: everything })]) {
            const seen = yield* page(query, "ann")
            assert.deepStrictEqual([keysOf(seen), "total" in seen && seen.total], [["a", "c"], 2])
            assert.deepStrictEqual(keysOf(yield* page(query, auditor)), ["a", "b", "c"])
          }
          assert.isUndefined(yield* record("Accounts", "b", [["owner"]], "ann"))
          assert.isUndefined(yield* record("Accounts", "z", [["owner"]], "ann"))
          assert.deepInclude(yield* record("Accounts", "b", [["owner"]], auditor), { owner: "bob" })
          const hidden = yield* liveRecord("Accounts", "b", [["owner"]], "ann")
          assert.isNull(yield* hidden.next)
        })
      )
    }),

  "a field that the caller may not see is in no question, and the refusal says nothing of it": (open) =>
    Effect.gen(function* () {
      yield* each(yield* filled(open, guarded), ({ linked, livePage, page }) =>
        Effect.gen(function* () {
          const forbidden = { is: "Forbidden" }
          const rich: Query.Filter = { _tag: "Compare", path: ["balance"], is: "gt", value: 1 }
          for (const query of [
            accounts({ select: [["balance"]] }),
            accounts({ where: rich }),
            accounts({ where: { _tag: "Not", filter: rich } }),
            accounts({ orderBy: [{ path: ["balance"], direction: "asc" }] })
          ]) {
            assert.deepStrictEqual<unknown>(yield* page(query, "ann"), forbidden)
            assert.deepStrictEqual<unknown>(yield* firstOf(livePage(query, "ann")), forbidden)
            assert.isArray(keysOf(yield* page(query, auditor)))
          }
          assert.deepStrictEqual<unknown>(yield* linked("ann"), forbidden)
        })
      )
    }),

  "pages are in order, go on after their cursors, and count if they are asked to": (open) =>
    Effect.gen(function* () {
      yield* each(yield* filled(open, everybody), ({ linked, page }) =>
        Effect.gen(function* () {
          const orderBy = [{ path: ["owner"], direction: "desc" }] as const
          const first = yield* page(accounts({ orderBy, limit: 2, total: true }))
          assert.deepStrictEqual([keysOf(first), "total" in first && first.total], [["b", "a"], 3])
          const next = "next" in first ? (first.next as string) : ""
          const second = yield* page(accounts({ orderBy, limit: 2, after: next }))
          assert.deepStrictEqual<unknown>(second, { rows: [{ key: "c", state: { owner: "ann" } }] })
          for (const wrong of [{ after: "x" }, { limit: 0 }, { limit: 101 }]) {
            assert.deepStrictEqual<unknown>(yield* page(accounts(wrong)), { is: "Invalid" })
          }
          assert.deepStrictEqual<unknown>(yield* linked(), [
            ["a", 2],
            ["b", 1],
            ["c", 2]
          ])
        })
      )
    })
}
