import { assert, it } from "@effect/vitest"
import { type Query, ViewStoreError } from "@hexfold/core"
import { Duration, Effect, Exit, Stream } from "effect"
import { describe } from "vitest"
import { client, newSchema, type OpenedViews, openStore, openViews } from "../support/database.ts"
import { wire } from "../support/wire.ts"

const generation = { view: "Things", version: 1 }
const all: Query.Query = { _tag: "Records", view: "Things", orderBy: [] }
const count: Query.Count = { _tag: "Count", view: "Things" }

/** All operations of the stores of views on a generation. A commit is the first one, from position 0. */
const operationsOf = (store: OpenedViews, epoch: number) => ({
  claim: store.claim({ generation, owner: "test", lease: Duration.infinity }),
  commit: store.commit({
    owner: { generation, epoch },
    from: 0,
    to: 1,
    records: { put: [{ key: "a", state: 1 }], remove: [] }
  }),
  drop: store.drop({ generation, epoch }),
  loadOf: store.load(generation, ["a"]),
  load: store.views.load(generation, ["a"]),
  query: store.views.query(all, 1),
  count: store.views.query(count, 1),
  deadLetters: store.deadLetters(generation),
  deadLetterCounts: store.deadLetters(generation, "count"),
  status: store.views.status
})

const reasonOf = <A, E>(exit: Exit.Exit<A, E>): string => {
  const [reason] = Exit.isFailure(exit) ? exit.cause.reasons : []
  const error = reason?._tag === "Fail" ? reason.error : undefined
  assert.instanceOf(error, ViewStoreError)
  return `${error.operation} ${error.reason._tag}`
}

const own = (store: OpenedViews) =>
  Effect.map(store.claim({ generation, owner: "test", lease: Duration.infinity }), (claimed) => {
    assert.ok(claimed._tag === "Owned")
    return claimed.epoch
  })

const timeouts = [
  "claim Timeout",
  "commit Timeout",
  "drop Timeout",
  "load Timeout",
  "load Timeout",
  "query Timeout",
  "query Timeout",
  "deadLetters Timeout",
  "deadLetters Timeout",
  "status Timeout"
]

describe("every operation of the stores of views ends in time", () => {
  it.live("while a stranger holds the tables, and works when they are free", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { store: patient } = yield* openViews({ schema })
      const epoch = yield* own(patient)
      yield* patient.commit({ owner: { generation, epoch }, from: 0, to: 0, asks: "serve" })
      const { store } = yield* openViews({ schema, timeout: "1 second" }, { maxConnections: 12 })
      const stranger = yield* (yield* client()).reserve
      yield* stranger.execute("begin", [], undefined)
      yield* stranger.execute(
        `lock table ${["views", "view_parts", "view_letters", "view_1"].map((table) => `${schema}.${table}`).join()}`,
        [],
        undefined
      )
      const calls = Object.values<Effect.Effect<unknown, unknown>>(operationsOf(store, epoch))
      const exits = yield* Effect.forEach(calls, (call) => Effect.exit(call), { concurrency: "unbounded" })
      assert.deepStrictEqual(exits.map(reasonOf), timeouts)
      // Nothing of them waits at the server any more.
      const sql = yield* client()
      yield* Effect.repeat(
        sql.unsafe("select from pg_stat_activity where wait_event_type = 'Lock' and query like $1", [`%${schema}%`]),
        { until: ({ length }) => length === 0 }
      )
      yield* stranger.execute("rollback", [], undefined)
      yield* patient.commit({
        owner: { generation, epoch: yield* own(patient) },
        from: 0,
        to: 1,
        records: { put: [{ key: "a", state: 1 }], remove: [] }
      })
      // A busy machine may need longer than the limit, so the first answer counts.
      const counted = Effect.retry(store.views.query(count, 1), {
        while: (error) => error._tag === "ViewStoreError" && error.reason._tag === "Timeout"
      })
      assert.strictEqual(yield* counted, 1)
    })
  )

  it.live("on a silent connection", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { isStuck, silence, url } = yield* wire
      yield* own((yield* openViews({ schema })).store)
      // The check of the schema has no limit, and makes the connection.
      const { store } = yield* openViews({ schema, migrate: false, timeout: "1 second" }, { url, maxConnections: 1 })
      silence()
      assert.strictEqual(reasonOf(yield* Effect.exit(store.views.query(all, 1))), "query Timeout")
      assert.isTrue(isStuck())
      assert.strictEqual(reasonOf(yield* Effect.exit(own(store))), "claim Timeout")
    })
  )

  it.live("a limit that the server does not know is refused", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      for (const timeout of [0, Infinity]) {
        assert.strictEqual(reasonOf(yield* Effect.exit(openViews({ schema, timeout }))), "open Rejected")
      }
    })
  )
})

describe("a live reader", () => {
  it.live("listens on another connection when the first one is silent", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { silence, url } = yield* wire
      const applicationName = `listens_${schema}`
      const through = { url, maxConnections: 2, applicationName }
      const { sql: own, store } = yield* openStore({ schema, timeout: "1 second" }, through)
      yield* Effect.all([own.unsafe("select pg_sleep(0.1)"), own.unsafe("select pg_sleep(0.1)")], { concurrency: 2 })
      silence()
      yield* Effect.forkChild(Stream.runDrain(store.horizons))
      const sql = yield* client()
      const listening = sql.unsafe(
        "select from pg_stat_activity where application_name = $1 and query ilike 'listen%'",
        [applicationName]
      )
      yield* Effect.repeat(listening, { until: ({ length }) => length > 0 })
    })
  )
})
