/** Views: pages, records, links, and what is wrong with a question. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { open as everybody } from "../../http/bank.ts"
import type { Body } from "../../http/web.ts"
import type { Cases } from "../Front.ts"
import { filled, where } from "./filled.ts"

const keys = ({ rows }: Body) => rows.map(({ key }) => key)

export const views: Cases = {
  "a page is asked for by filter, order, selection and limit, and goes on after a cursor": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      const first = yield* json("/views/Accounts?orderBy=-owner&limit=2&total=true")
      assert.deepStrictEqual([keys(first.body), first.body["total"]], [["b", "a"], 3])
      const next = encodeURIComponent(first.body.next)
      const second = yield* json(`/views/Accounts?orderBy=-owner&limit=2&after=${next}`)
      assert.deepStrictEqual([keys(second.body), second.body.next], [["c"], undefined])
      const ann = where({ _tag: "Compare", path: ["owner"], is: "eq", value: "ann" })
      const selected = yield* json(`/views/Accounts?${ann}&select=owner`)
      assert.deepStrictEqual(selected.body.rows, [
        { key: "a", state: { owner: "ann" } },
        { key: "c", state: { owner: "ann" } }
      ])
    }),

  "a query may be sent as a body, for the same page": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      const query = { _tag: "Records", view: "Accounts", orderBy: [{ path: ["owner"], direction: "desc" }], limit: 1 }
      const posted = yield* json("/views/Accounts", { body: query })
      assert.deepStrictEqual(posted.body, (yield* json("/views/Accounts?orderBy=-owner&limit=1")).body)
      assert.strictEqual((yield* json("/views/Accounts", { body: { ...query, view: "Owners" } })).status, 400)
    }),

  "a record is read by its key, and one that is not there is 404": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      const { body } = yield* json("/views/Accounts/b")
      assert.deepStrictEqual<unknown>(body, { key: "b", state: { owner: "bob", balance: 0 } })
      const missing = yield* json("/views/Accounts/z")
      assert.deepInclude(missing, { status: 404, type: "application/problem+json" })
      assert.strictEqual(missing.body["title"], "NotFound")
    }),

  "records come with those of other views that they are linked to": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      const linked = (yield* json("/views/Accounts?with=ownerRecord")).body.rows as ReadonlyArray<object>
      assert.deepInclude(linked[1]!, { links: { ownerRecord: { key: "bob", state: { accounts: 1 } } } })
      const one = yield* json("/views/Accounts/a?with=ownerRecord")
      assert.deepStrictEqual(one.body["links"], { ownerRecord: { key: "ann", state: { accounts: 2 } } })
      assert.strictEqual((yield* json("/views/Accounts?with=friend")).status, 400)
    }),

  "a question that makes no sense is 400, and says what is wrong": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      for (const wrong of [
        "where=1",
        "where=%7B",
        "orderBy=nobody",
        "limit=0",
        "limit=a",
        "page=2",
        "limit=1&limit=2"
      ]) {
        const { body, status } = yield* json(`/views/Accounts?${wrong}`)
        assert.deepStrictEqual([status, body["title"]], [400, "InvalidRequest"], wrong)
        assert.isString(body["detail"])
      }
      const { body, status } = yield* json("/views/Accounts?after=x")
      assert.deepStrictEqual([status, body["title"]], [400, "InvalidCursor"])
      assert.strictEqual((yield* json("/views/Accounts?limit=101")).status, 400)
    }),

  "a number is written in decimal digits, or the answer names the parameter": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      for (const path of ["/views/Accounts?", "/live/Accounts?", "/events?correlationId=talk&"]) {
        for (const wrong of ["0x10", "1e1", "%205", "5%20", "%2B5", "-1", "5.0", "1_0", "", "Infinity", "%EF%BC%95"]) {
          const { body, status } = yield* json(`${path}limit=${wrong}`)
          assert.deepStrictEqual([status, body["title"]], [400, "InvalidRequest"], `${path}${wrong}`)
          assert.match(body["detail"] as string, /\blimit: it is no whole number/, `${path}${wrong}`)
        }
        const twice = yield* json(`${path}limit=1&limit=2`)
        assert.strictEqual(twice.status, 400, path)
        assert.match(twice.body["detail"] as string, /\blimit: it is given more than once/, path)
      }
      for (const wrong of ["0x1-1", "1-1e1", "+1-1", "-1", ""]) {
        assert.strictEqual((yield* json(`/events?after=${encodeURIComponent(wrong)}`)).status, 400, wrong)
      }
      assert.deepStrictEqual(keys((yield* json("/views/Accounts?limit=02")).body).length, 2)
    }),

  "a parameter that would change nothing is refused, by every route": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, everybody)
      const query = { _tag: "Records", view: "Accounts", orderBy: [], limit: 2 }
      const asked: ReadonlyArray<readonly [path: string, body?: object]> = [
        ["/views/Accounts?limit=1", query],
        ["/views/Accounts?with=ownerRecord", query],
        ["/live/Accounts?limit=1", query],
        ["/views/Accounts?page=1"],
        ["/views/Accounts/a?page=1"],
        ["/live/Accounts?page=1"],
        ["/live/Accounts/a?page=1"],
        ["/events?page=1"],
        ["/aggregates/Account/new?version=1"],
        ["/aggregates/Account/new/Open?expectedVersion=3", { owner: "ann" }],
        ["/commands/Transfer?wait=5", { from: "a", to: "b", cents: 1 }],
        ["/batch?wait=5", { commands: [] }],
        ["/executions/k?wait=5"]
      ]
      for (const [path, body] of asked) {
        const { body: problem, status } = yield* json(path, body === undefined ? {} : { body })
        assert.deepStrictEqual([status, problem["title"]], [400, "InvalidRequest"], path)
        assert.match(
          problem["detail"] as string,
          /\b(limit|with|page|version|expectedVersion|wait): there is no such/,
          path
        )
      }
      assert.strictEqual((yield* json("/aggregates/Account/new?")).body["version"], 0)
      assert.strictEqual((yield* json("/views/Accounts", { body: query })).status, 200)
    })
}
