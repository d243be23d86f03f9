import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Duration, Effect, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema, viewsOf } from "../support/database.ts"

const generation = { view: "Orders", version: 1 }
const count = 100_000
const view = {
  name: "Orders",
  schemas: { state: Schema.Struct({ status: Schema.String, at: Schema.Int, total: Schema.NullOr(Schema.Number) }) },
  indexes: [["status"], ["status", "at"], ["total"]]
}

const opened = Effect.gen(function* () {
  const schema = yield* newSchema
  const pg = yield* client()
  const statements: Array<readonly [string, ReadonlyArray<unknown>]> = []
  const recording = (sql: SqlClient.SqlClient): SqlClient.SqlClient =>
    new Proxy(sql, {
      get: (sql, name) => {
        if (name === "withoutTransforms") return () => recording(sql.withoutTransforms())
        if (name !== "unsafe") return Reflect.get(sql, name) as unknown
        return (text: string, binds: ReadonlyArray<unknown> = []) => {
          if (text.includes("select key, state")) statements.push([text, binds])
          return sql.unsafe(text, [...binds])
        }
      }
    })
  const store = viewsOf(yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, recording(pg)))
  const indexes = [[["status"]], [["status"], ["at"]], [["total"]]]
  const claimed = yield* store.claim({ generation, owner: "test", lease: Duration.infinity, indexes })
  assert.ok(claimed._tag === "Owned")
  yield* store.commit({ owner: { generation, epoch: claimed.epoch }, from: 0, to: 0, asks: "serve" })
  yield* pg.unsafe(
    `insert into ${schema}.view_1 (head, digest, key, state)
     select 'k' || i, '', 'k' || i, jsonb_build_object('status', 's' || i % 2, 'at', i / 1000, 'total',
       case when i % 10 = 0 then 'null'::jsonb when i % 10 = 1 then '"Infinity"'::jsonb else to_jsonb(i % 7) end)
     from generate_series(1, ${count}) as i`
  )
  yield* pg.unsafe(`analyze ${schema}.view_1`)
  return { pg, schema, statements, store }
})

interface Plan {
  readonly "Actual Rows"?: number
  readonly "Actual Loops"?: number
  readonly "Rows Removed by Filter"?: number
  readonly "Node Type": string
  readonly "Shared Hit Blocks"?: number
  readonly "Shared Read Blocks"?: number
  readonly Plans?: ReadonlyArray<Plan>
}

interface Explained {
  readonly Plan: Plan
  readonly "Execution Time"?: number
}

// The records that a plan has read from the table.
const readBy = ({ Plans = [], ...plan }: Plan): number =>
  Plans.reduce(
    (sum, each) => sum + readBy(each),
    plan["Node Type"].includes("Scan") && plan["Node Type"] !== "CTE Scan"
      ? (plan["Actual Loops"] ?? 1) * ((plan["Actual Rows"] ?? 0) + (plan["Rows Removed by Filter"] ?? 0))
      : 0
  )

describe("what an index answers", () => {
  it.live(
    "reads the records of the page, of 100,000, however many are equal",
    () =>
      Effect.gen(function* () {
        const { pg, schema, statements, store } = yield* opened
        const all = yield* pg.unsafe<Query.Row<Schema.Json>>(`select key, state from ${schema}.view_1`)
        const Limited = Query.schemaFor(view, { timeout: "1 minute" })
        const eq = (path: string, value: unknown) => ({ _tag: "Compare", path: [path], is: "eq", value })
        const order = (path: string, direction: string, more = {}) => ({ path: [path], direction, ...more })
        const asked = [
          { orderBy: [] },
          { where: eq("status", "s1"), orderBy: [] },
          { where: { _tag: "In", path: ["status"], values: ["s0", "s1"] }, orderBy: [] },
          { orderBy: [order("status", "asc")] },
          { orderBy: [order("status", "desc")] },
          { orderBy: [order("status", "desc"), order("at", "desc")] },
          { where: eq("status", "s1"), orderBy: [order("at", "asc")] },
          { where: eq("status", "s1"), orderBy: [order("at", "desc")] },
          {
            where: {
              _tag: "And",
              filters: [eq("status", "s0"), { _tag: "Compare", path: ["at"], is: "lt", value: 50 }]
            },
            orderBy: [order("at", "desc")]
          },
          { where: { _tag: "IsNull", path: ["total"] }, orderBy: [] },
          { where: { _tag: "Compare", path: ["total"], is: "gt", value: 5 }, orderBy: [order("total", "asc")] },
          { orderBy: [order("total", "asc")] },
          { orderBy: [order("total", "asc", { nulls: "last" })] },
          { orderBy: [order("total", "desc")] },
          { orderBy: [order("total", "desc", { nulls: "first" })] }
        ]
        for (const each of asked) {
          const given = yield* Schema.decodeUnknownEffect(Limited)({ _tag: "Records", view: "Orders", ...each })
          const prepared = QueryEvaluation.prepared(view, given)
          // The first page, the second one, and one in the middle.
          const middle = QueryEvaluation.cursorOf(prepared, all[count / 2]!)
          let after: string | undefined
          for (const cursor of [undefined, "next", middle]) {
            const query = cursor === undefined ? prepared : Query.after(prepared, cursor === "next" ? after! : cursor)
            statements.length = 0
            const page = yield* store.views.query(query, 1)
            after ??= page.next
            assert.strictEqual(page.rows.length, 20, JSON.stringify(query))
            if (cursor === middle) {
              assert.deepStrictEqual(page, Result.getOrThrow(QueryEvaluation.run(query, all)), JSON.stringify(query))
            }
            assert.strictEqual(statements.length, 1, JSON.stringify(query))
            const [text, binds] = statements[0]!
            const [explained] = yield* pg.unsafe<{ readonly "QUERY PLAN": ReadonlyArray<Explained> }>(
              `explain (analyze, buffers, timing off, format json) ${text}`,
              [...binds]
            )
            const read = readBy(explained!["QUERY PLAN"][0]!.Plan)
            const { "Shared Hit Blocks": hit = 0, "Shared Read Blocks": loaded = 0 } = explained!["QUERY PLAN"][0]!.Plan
            if (process.env["HEXFOLD_SHOW_COST"] !== undefined) {
              yield* Effect.logInfo(
                read,
                hit + loaded,
                explained!["QUERY PLAN"][0]!["Execution Time"],
                JSON.stringify(each)
              )
            }
            // An index of all records has some hundreds of blocks.
            assert.isBelow(hit + loaded, 300, `${JSON.stringify(query)}: ${text}`)
            assert.isBelow(read, 1_000, `${JSON.stringify(query)}: ${text}`)
          }
        }
      }),
    300_000
  )
})

describe("a query that looks at all records", () => {
  it.live(
    "is ended by its timeout, on the server too, and leaves the settings of a caller's transaction alone",
    () =>
      Effect.gen(function* () {
        const { pg, schema, store } = yield* opened
        const limits = { scan: true, fields: "all", timeout: "100 millis" } as const
        const filters = Array.from({ length: 90 }, (_, i) => ({
          _tag: "Text",
          path: ["status"],
          is: "contains",
          text: `x${i}`,
          ignoreCase: true
        }))
        const query = yield* Schema.decodeUnknownEffect(Query.schemaFor(view, limits))({
          _tag: "Records",
          view: "Orders",
          orderBy: [],
          where: { _tag: "Or", filters }
        })
        const running = Effect.map(
          pg.unsafe<{ readonly count: bigint }>(
            `select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%${schema.replaceAll('"', "")}%'`
          ),
          ([row]) => Number(row!.count)
        )
        const over = Effect.gen(function* () {
          const error = yield* Effect.flip(store.views.query(query, 1))
          assert.ok(error._tag === "ViewStoreError")
          assert.strictEqual(error.reason._tag, "Timeout")
          assert.include(error.message, "took longer than its timeout of 100 ms")
        })
        yield* over
        yield* Effect.repeat(running, { until: (count) => count === 0 })
        const { timeout: _, ...rest } = query
        const short = { ...rest, timeout: 60_000, where: { _tag: "IsNull", path: ["status"] } } as const
        const [before, after] = yield* pg.withTransaction(
          Effect.gen(function* () {
            const setting = pg.unsafe("select current_setting('statement_timeout') as value")
            const before = yield* setting
            yield* store.views.query(short, 1)
            return [before, yield* setting] as const
          })
        )
        assert.deepStrictEqual(after, before)
      }),
    120_000
  )
})
