import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgEventStore } from "@hexfold/adapters-pg"
import { StreamId } from "@hexfold/core"
import { Effect, Exit } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema, openStore } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const repeated = StreamId.make("Account", "repeated")
const fresh = StreamId.make("Account", "fresh")

// A client whose server cannot read the results of commands.
const withoutReceipts = (pg: PgClient.PgClient): PgClient.PgClient => {
  const failing = <C extends SqlClient.SqlClient>(sql: C): C =>
    new Proxy(sql, {
      get: (target, key) => {
        if (key === "withoutTransforms") return () => failing(target.withoutTransforms())
        if (key !== "unsafe") return Reflect.get(target, key) as unknown
        return (statement: string, binds: ReadonlyArray<unknown>) =>
          statement.includes("c.fingerprint") ? target.unsafe("select 1 / 0") : target.unsafe(statement, binds)
      }
    })
  return failing(pg)
}

describe("a repeat whose receipt cannot be read", () => {
  for (const isolation of ["read committed", "repeatable read"]) {
    it.live(`fails alone, where transactions default to ${isolation}`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const { store } = yield* openStore({ schema })
        const again = {
          writes: [{ streamId: repeated, events: [event()] }],
          conditions: [],
          command: { id: "again", fingerprint: "" }
        }
        yield* appendOne(store, again)
        const pg = withoutReceipts(yield* client({ startupParameters: { default_transaction_isolation: isolation } }))
        const broken = yield* PgEventStore.make({ schema }).pipe(
          Effect.provideService(PgClient.PgClient, pg),
          Effect.provideService(SqlClient.SqlClient, pg)
        )
        const exits = yield* Effect.all(
          [Effect.exit(appendOne(broken, again)), Effect.exit(append(broken, fresh, 1))],
          {
            concurrency: "unbounded"
          }
        )
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [false, true])
        const { streams } = yield* store.readStreams([{ streamId: repeated }, { streamId: fresh }])
        assert.deepStrictEqual(
          streams.map(({ version }) => version),
          [1, 1]
        )
      })
    )
  }
})

const asText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value)

describe("the receipt of a repeat", () => {
  it.live("is read in as many values as the command has streams and events, not in their product", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const pg = yield* client()
      let read = 0
      const counting = <C extends SqlClient.SqlClient>(sql: C): C =>
        new Proxy(sql, {
          get: (target, key) => {
            if (key === "withoutTransforms") return () => counting(target.withoutTransforms())
            if (key !== "unsafe") return Reflect.get(target, key) as unknown
            return (statement: string, binds: ReadonlyArray<unknown>) =>
              Effect.tap(target.unsafe(statement, binds), (rows) =>
                Effect.sync(() => (read += JSON.stringify(rows, asText).length))
              )
          }
        })
      const sql = counting(pg)
      const store = yield* PgEventStore.make({ schema }).pipe(
        Effect.provideService(PgClient.PgClient, sql),
        Effect.provideService(SqlClient.SqlClient, sql)
      )
      const costOf = (count: number) =>
        Effect.gen(function* () {
          const command = { id: `over ${count}`, fingerprint: "" }
          const streams = Array.from({ length: count }, (_, i) => StreamId.make("Account", `${count}-${i}`))
          yield* appendOne(store, {
            writes: streams.map((streamId) => ({ streamId, events: [event()] })),
            conditions: [],
            command
          })
          read = 0
          const { appended } = yield* store.readStreams([], command)
          assert.strictEqual(appended?.streams.length, count)
          return read
        })
      const cost = yield* costOf(200)
      assert.isBelow((yield* costOf(800)) / cost, 5)
    })
  )
})
