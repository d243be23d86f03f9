import { assert, describe, it } from "@effect/vitest"
import type { Api } from "@hexfold/core"
import { Effect } from "effect"
import { guarded, open } from "./bank.ts"
import { framesOf } from "../front/frames.ts"
import { type Body, serve } from "./web.ts"

const wait = { prefer: "wait=5" }

const filled = (api: Api.Any) =>
  Effect.gen(function* () {
    const web = yield* serve(api)
    for (const [id, owner] of [
      ["a", "ann"],
      ["b", "bob"],
      ["c", "ann"]
    ] as const) {
      yield* web.json(`/aggregates/Account/${id}/Open`, { body: { owner }, headers: wait, as: owner })
    }
    return web
  })

const keys = ({ rows }: Body) => rows.map(({ key }) => key)

const linksOf = ({ rows }: Body) => rows.map((row) => (row as { readonly links?: unknown }).links)

describe("a view over HTTP", () => {
  it.live("is read by page, by order, by filter and by key", () =>
    Effect.gen(function* () {
      const { json } = yield* filled(open)
      const first = yield* json("/views/Accounts?orderBy=-owner&limit=2&total=true")
      assert.deepStrictEqual(keys(first.body), ["b", "a"])
      assert.strictEqual(first.body["total"], 3)
      const next = encodeURIComponent(first.body.next)
      assert.deepStrictEqual(keys((yield* json(`/views/Accounts?orderBy=-owner&limit=2&after=${next}`)).body), ["c"])
      const where = encodeURIComponent(JSON.stringify({ _tag: "Compare", path: ["owner"], is: "eq", value: "ann" }))
      const selected = yield* json(`/views/Accounts?where=${where}&select=owner`)
      assert.deepStrictEqual(selected.body.rows, [
        { key: "a", state: { owner: "ann" } },
        { key: "c", state: { owner: "ann" } }
      ])
      assert.deepStrictEqual<unknown>((yield* json("/views/Accounts/b")).body, {
        key: "b",
        state: { balance: 0, owner: "bob" }
      })
      assert.strictEqual((yield* json("/views/Accounts/z")).status, 404)
      const query = { _tag: "Records", view: "Accounts", orderBy: [{ path: ["owner"], direction: "desc" }], limit: 1 }
      assert.deepStrictEqual(keys((yield* json("/views/Accounts", { body: query })).body), ["b"])
      assert.strictEqual((yield* json("/views/Accounts", { body: { ...query, view: "Owners" } })).status, 400)
    })
  )

  it.live("refuses a question that it does not know, and says what is wrong", () =>
    Effect.gen(function* () {
      const { json } = yield* filled(open)
      for (const wrong of ["where=1", "where=%7B", "orderBy=nobody", "limit=0", "limit=a", "after=x", "page=2"]) {
        const { body, status } = yield* json(`/views/Accounts?${wrong}`)
        assert.strictEqual(status, 400, `${wrong}: ${JSON.stringify(body)}`)
      }
      const broken = yield* json("/views/Accounts?where=%7B")
      assert.strictEqual(broken.body["detail"], "query: where: it is not JSON")
      for (const wrong of ["total", "total=yes", "total=1"]) {
        const { body, status } = yield* json(`/views/Accounts?${wrong}`)
        assert.deepStrictEqual([status, body["detail"]], [400, "query: total: it can only be true or false"], wrong)
      }
      const plain = yield* json("/views/Accounts?total=false")
      assert.deepStrictEqual([plain.status, plain.body["total"]], [200, undefined])
      for (const path of ["/views/Accounts/a?select=owner", "/live/Accounts/a?with=ownerRecord"]) {
        assert.strictEqual((yield* json(path)).status, 400, path)
      }
    })
  )
})

describe("a link between views", () => {
  it.live("gives the records to which others lead, as far as the caller may see them", () =>
    Effect.gen(function* () {
      const { json } = yield* filled(open)
      const { body } = yield* json("/views/Accounts?with=ownerRecord")
      assert.deepStrictEqual(linksOf(body), [
        { ownerRecord: { key: "ann", state: { accounts: 2 } } },
        { ownerRecord: { key: "bob", state: { accounts: 1 } } },
        { ownerRecord: { key: "ann", state: { accounts: 2 } } }
      ])
      const one = yield* json("/views/Accounts/b?with=ownerRecord")
      assert.deepStrictEqual(one.body["links"], { ownerRecord: { key: "bob", state: { accounts: 1 } } })
      const without = yield* json("/views/Accounts?select=balance&with=ownerRecord")
      assert.deepStrictEqual(linksOf(without.body)[0], { ownerRecord: null })
      assert.strictEqual((yield* json("/views/Accounts?with=friend")).status, 400)
      assert.strictEqual((yield* json("/live/Accounts?with=ownerRecord")).status, 400)
      const { json: ask } = yield* filled(guarded)
      assert.strictEqual((yield* ask("/views/Accounts?with=ownerRecord", { as: "ann" })).status, 403)
      assert.strictEqual((yield* ask("/views/Accounts?with=ownerRecord", { as: "eve:auditor" })).status, 200)
    })
  )
})

describe("the rules of a view", () => {
  it.live("hide records in lists, totals, cursors, and by key", () =>
    Effect.gen(function* () {
      const { json } = yield* filled(guarded)
      assert.strictEqual((yield* json("/views/Accounts")).status, 401)
      const own = yield* json("/views/Accounts?total=true", { as: "ann" })
      assert.deepStrictEqual([keys(own.body), own.body["total"]], [["a", "c"], 2])
      const wide = encodeURIComponent(
        JSON.stringify({
          _tag: "Or",
          filters: [
            { _tag: "And", filters: [] },
            { _tag: "IsNull", path: ["owner"] }
          ]
        })
      )
      assert.deepStrictEqual(keys((yield* json(`/views/Accounts?where=${wide}`, { as: "ann" })).body), ["a", "c"])
      assert.strictEqual((yield* json("/views/Accounts/b", { as: "ann" })).status, 404)
      assert.deepStrictEqual(keys((yield* json("/views/Accounts", { as: "eve:auditor" })).body), ["a", "b", "c"])
    })
  )

  it.live("hide fields: records come without them, and no query may use them", () =>
    Effect.gen(function* () {
      const { json } = yield* filled(guarded)
      const own = yield* json("/views/Accounts/a", { as: "ann" })
      assert.deepStrictEqual(own.body["state"], { owner: "ann" })
      const list = yield* json("/views/Accounts", { as: "ann" })
      assert.deepStrictEqual(list.body.rows[0], { key: "a", state: { owner: "ann" } })
      const where = encodeURIComponent(JSON.stringify({ _tag: "Compare", path: ["balance"], is: "gt", value: 1 }))
      for (const asking of ["orderBy=balance", "select=balance", `where=${where}`]) {
        assert.strictEqual((yield* json(`/views/Accounts?${asking}`, { as: "ann" })).status, 403)
        assert.strictEqual((yield* json(`/views/Accounts?${asking}`, { as: "eve:auditor" })).status, 200)
      }
    })
  )
})

describe("a live view over HTTP", () => {
  it.live("shows the present result, and each new one", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* filled(guarded)
      const response = yield* ask("/live/Accounts/a", { as: "eve:auditor" })
      assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
      const records = framesOf(response)
      const balance = Effect.map(records.data, ({ state }) => (state as { readonly balance: number }).balance)
      assert.strictEqual(yield* balance, 0)
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, as: "eve:clerk" })
      assert.strictEqual(yield* balance, 5)
      yield* Effect.promise(records.cancel)
      assert.strictEqual((yield* ask("/live/Accounts?orderBy=balance", { as: "ann" })).status, 403)
      assert.strictEqual((yield* ask("/live/Accounts")).status, 401)
    })
  )
})
