import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import type { Query } from "@hexfold/core"
import { DateTime, Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema, viewsOf } from "../support/database.ts"

const generation = { view: "Orders", version: 1 }
const count = 100_000
const hostile = `o'"\\%`

// A client that remembers its last statement, and the server's plan for it.
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
        const store = viewsOf(yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql))
        const claimed = yield* store.claim({
          generation,
          owner: "test",
          lease: Duration.infinity,
          indexes: [[["status"], ["placed", "at"]], [["customer"]], [[hostile]]]
        })
        assert.ok(claimed._tag === "Owned")
        yield* store.commit({ owner: { generation, epoch: claimed.epoch }, from: 0, to: 0, asks: "serve" })
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
            const page = yield* store.views.query({ _tag: "Records", view: generation.view, ...query }, 1)
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
          // The index has the order, so the records are not sorted as a whole.
          assert.include(plan, `"Node Type":"Incremental Sort"`)
        }
        // The search begins at the end of the page before.
        assert.include(/"Index Cond":"(?:[^"\\]|\\.)*"/.exec(next.plan)![0], "<= '4")
        uses((yield* ask({ orderBy: [], limit: 20 })).plan, "view_1_pkey")
      }),
    180_000
  )
})

describe("the keys of records", () => {
  it.live("are found by one search of an index each, before a table is analyzed and where all begin alike", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { pg, plan, sql } = yield* explaining
      const store = viewsOf(yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql))
      const claimed = yield* store.claim({ generation, owner: "test", lease: Duration.infinity })
      assert.ok(claimed._tag === "Owned")
      // The plans of the server depend on its statistics of the table.
      for (const table of ["view_1", "view_letters"]) {
        yield* pg.unsafe(`alter table ${schema}.${table} set (autovacuum_enabled = false)`)
      }
      const long = "k".repeat(70)
      const keys = Array.from({ length: 10_000 }, (_, i) => `${long}${i}`)
      const put = keys.map((key) => ({ key, state: { text: "a".repeat(100) } }))
      const letter = {
        position: 1,
        history: 1,
        parked: true,
        stream: "Order-1",
        streamVersion: 1,
        type: "Placed",
        at: DateTime.makeUnsafe(1)
      }
      const error = { step: "evolve", cause: "too much" }
      const deadLetters = { put: keys.map((key) => ({ ...letter, key, error })), remove: [] }
      const commit = { owner: { generation, epoch: claimed.epoch }, from: 0, to: 1, records: { put, remove: [] } }
      yield* store.commit({ ...commit, deadLetters })
      const known = keys.slice(0, 20)
      const uses = (plan: string, ...indexes: ReadonlyArray<string>) => {
        for (const index of indexes) assert.include(plan, `"Index Name":"${index}"`)
        // A search by the head alone would find all of these keys.
        for (const [condition] of plan.matchAll(/"Index Cond":"\([^"]*head = (?:[^"\\]|\\.)*"/g)) {
          assert.include(condition, "digest = ")
        }
        // The log has few histories, and they have no index.
        const scans = plan.matchAll(/"Node Type":"Seq Scan"[^{}]*"Relation Name":"(\w+)"/g)
        assert.deepStrictEqual(
          Array.from(scans, ([, table]) => table).filter((table) => table !== "histories"),
          []
        )
      }

      assert.strictEqual((yield* store.load(generation, known)).states.size, 20)
      uses(yield* plan, "view_1_pkey", "view_letters_parked")
      yield* store.deadLetters(generation, { key: keys[7]!, parked: true })
      uses(yield* plan, "view_letters_by_key")
      const gone = known.map((key) => ({ position: 1, key }))
      yield* store.commit({ ...commit, from: 1, to: 2, deadLetters: { put: [], remove: gone } })
      uses(yield* plan, "view_letters_by_key")
      yield* store.commit({ ...commit, from: 2, to: 3, records: { put: [], remove: known } })
      uses(yield* plan, "view_1_pkey")
      assert.strictEqual((yield* store.load(generation, known)).states.size, 0)
    })
  )
})
