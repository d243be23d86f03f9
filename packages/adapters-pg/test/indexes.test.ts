import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import type { Query } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema } from "./database.ts"

const generation = { view: "Orders", version: 1 }
const count = 100_000
const hostile = `o'"\\%`

// A client that remembers its last statement, and how the server runs that.
const explaining = Effect.map(client(), (pg) => {
  let last: Parameters<SqlClient.SqlClient["unsafe"]> = [""]
  const recording = (sql: SqlClient.SqlClient): SqlClient.SqlClient =>
    new Proxy(sql, {
      get: (sql, name) => {
        if (name === "withoutTransforms") return () => recording(sql.withoutTransforms())
        if (name !== "unsafe") return Reflect.get(sql, name) as unknown
        return (...statement: typeof last) => {
          last = statement
          return sql.unsafe(...statement)
        }
      }
    })
  const plan = Effect.suspend(() => pg.unsafe(`explain (format json) ${last[0]}`, last[1]))
  return { plan: Effect.map(plan, (rows) => JSON.stringify(rows)), pg, sql: recording(pg) }
})

describe("declared indexes", () => {
  it.live(
    "serve filters and orders among 100,000 records",
    () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const { pg, plan, sql } = yield* explaining
        const store = yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql)
        yield* store.claim({
          generation,
          owner: "test",
          lease: Duration.infinity,
          indexes: [[["status"], ["placed", "at"]], [["customer"]], [[hostile]]]
        })
        yield* pg.unsafe(
          `insert into ${schema}.view_1 (head, digest, key, state)
           select 'k' || i, '', 'k' || i, jsonb_build_object(
             'status', 's' || i % 4, 'placed', jsonb_build_object('at', (i * 7919::bigint) % ${count}),
             'customer', 'c' || i % 20000, $1::text, i % 1000)
           from generate_series(1, ${count}) as i`,
          [hostile]
        )
        yield* pg.unsafe(`analyze ${schema}.view_1`)

        const ask = (query: Omit<Query.Query, "_tag" | "view">) =>
          Effect.gen(function* () {
            const page = yield* store.query({ _tag: "Records", view: generation.view, ...query })
            return { page, plan: yield* plan }
          })
        const eq = (path: Query.Path, value: Query.Scalar): Query.Filter => ({ _tag: "Compare", path, is: "eq", value })
        const uses = (plan: string, index: string) => {
          assert.include(plan, `"Index Name":"${index}"`)
          assert.notInclude(plan, "Seq Scan")
        }

        const ofCustomer = yield* ask({ where: eq(["customer"], "c7"), orderBy: [], limit: 20 })
        assert.strictEqual(ofCustomer.page.rows.length, 5)
        uses(ofCustomer.plan, "view_1_left_head_idx")
        const quoted = yield* ask({ where: eq([hostile], 7), orderBy: [], limit: 20 })
        assert.strictEqual(quoted.page.rows.length, 20)
        uses(quoted.plan, "view_1_left_head_idx1")
        const one = { _tag: "In", path: ["customer"], values: ["c7", "c8"] } as const
        uses((yield* ask({ where: one, orderBy: [] })).plan, "view_1_left_head_idx")

        const byTime = [{ path: ["placed", "at"], direction: "desc" }] as const
        const latest = yield* ask({ where: eq(["status"], "s1"), orderBy: byTime, limit: 20 })
        const next = yield* ask({ where: eq(["status"], "s1"), orderBy: byTime, limit: 20, after: latest.page.next! })
        for (const { page, plan } of [latest, next]) {
          assert.strictEqual(page.rows.length, 20)
          uses(plan, "view_1_left_left1_head_idx")
          // What the index has in order is not sorted as a whole.
          assert.include(plan, `"Node Type":"Incremental Sort"`)
        }
        // It begins where the page before has ended.
        assert.include(/"Index Cond":"(?:[^"\\]|\\.)*"/.exec(next.plan)![0], "<= '4")
        uses((yield* ask({ orderBy: [], limit: 20 })).plan, "view_1_pkey")
      }),
    120_000
  )
})
