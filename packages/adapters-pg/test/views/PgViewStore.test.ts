import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import { type Query, type ViewStore, ViewStoreError } from "@hexfold/core"
import { Duration, Effect, Fiber, type Schema } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema, openViews } from "../support/database.ts"

type Store = ViewStore.ViewStore["Service"]

const view = "Things"
const first = { view, version: 1 }
const together = { concurrency: "unbounded" } as const

const own = (store: Store, generation: ViewStore.Generation, indexes: ReadonlyArray<ReadonlyArray<Query.Path>> = []) =>
  Effect.map(store.claim({ generation, owner: "test", lease: Duration.infinity, indexes }), (claimed) => {
    assert.ok(claimed._tag === "Owned")
    return claimed.epoch
  })

const served = (store: Store) => store.views.query({ _tag: "Records", view, orderBy: [] })

const put = (key: string, state: Schema.Json) => ({ put: [{ key, state }], remove: [] })

const opened = (count: number) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    return yield* Effect.forEach(Array.from({ length: count }), () => openViews({ schema }), together)
  })

// A text of characters of four bytes that compression does not shorten.
const incompressible = (length: number): string => {
  let [text, seed] = ["", 1]
  for (let i = 0; i < length; i++) {
    seed = (seed * 48_271) % 0x7fff_ffff
    text += String.fromCodePoint(0x1_0000 + (seed % 0xf_0000))
  }
  return text
}

describe("PgViewStore", () => {
  it.live("if several versions of a view are claimed first at one moment, one of them serves", () =>
    Effect.gen(function* () {
      const instances = yield* opened(4)
      for (let round = 0; round < 5; round++) {
        yield* Effect.forEach(
          instances.flatMap(({ store }, i) => [
            { store, version: i + 1 },
            { store, version: 1 + ((i + 1) % 4) }
          ]),
          ({ store, version }) => own(store, { view: `${view}${round}`, version }, [[["a"]], [["b"], ["c"]]]),
          together
        )
        const all = (yield* instances[0]!.store.views.status).filter((each) => each.view === `${view}${round}`)
        assert.deepStrictEqual(
          all.map(({ version }) => version),
          [1, 2, 3, 4]
        )
        assert.strictEqual(all.filter(({ serves }) => serves).length, 1)
      }
    })
  )

  it.live("if several versions begin to serve at one moment, the last one serves", () =>
    Effect.gen(function* () {
      const instances = yield* opened(4)
      const { store } = instances[0]!
      const versions = [1, 2, 3, 4]
      const epochs = yield* Effect.forEach(versions, (version) => own(store, { view, version }))
      for (let from = 0; from < 10; from++) {
        yield* Effect.forEach(
          versions,
          (version, i) =>
            instances[i]!.store.commit({
              owner: { generation: { view, version }, epoch: epochs[i]! },
              from,
              to: from + 1,
              ...put("a", version),
              asks: "serve"
            }),
          together
        )
        const serving = (yield* store.views.status).filter(({ serves }) => serves)
        assert.deepStrictEqual(
          serving.map(({ version }) => version),
          [4]
        )
      }
      assert.deepStrictEqual((yield* served(store)).rows, [{ key: "a", state: 4 }])
    })
  )

  it.live("a commit happens with the caller's transaction or not at all, and is seen inside it before its end", () =>
    Effect.gen(function* () {
      const [inside, outside] = yield* opened(2)
      const { sql, store } = inside!
      const all = (fails: boolean) =>
        sql.withTransaction(
          Effect.gen(function* () {
            const epoch = yield* own(store, first, [[["a"]]])
            yield* store.commit({ owner: { generation: first, epoch }, from: 0, to: 5, ...put("a", 1) })
            assert.deepStrictEqual((yield* served(store)).rows, [{ key: "a", state: 1 }])
            assert.deepStrictEqual(yield* outside!.store.views.status, [])
            if (fails) return yield* Effect.fail("undone" as const)
          })
        )
      assert.strictEqual(yield* Effect.flip(all(true)), "undone")
      assert.deepStrictEqual(yield* store.views.status, [])
      yield* all(false)
      assert.deepStrictEqual((yield* served(outside!.store)).rows, [{ key: "a", state: 1 }])
    })
  )

  it.live("a refused commit leaves the caller's transaction usable", () =>
    Effect.gen(function* () {
      const { sql, store } = yield* openViews({ schema: yield* newSchema })
      const epoch = yield* own(store, first)
      yield* sql.withTransaction(
        Effect.gen(function* () {
          const late = { owner: { generation: first, epoch }, from: 3, to: 4, ...put("a", 1) }
          assert.strictEqual((yield* Effect.flip(store.commit(late)))._tag, "CommitConflict")
          yield* store.commit({ ...late, from: 0 })
        })
      )
      assert.strictEqual((yield* store.views.status)[0]!.position, 4)
    })
  )

  it.live("a commit that waits for another one from the same position is refused", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const [slow, quick] = [yield* openViews({ schema }), yield* openViews({ schema })]
      const epoch = yield* own(slow.store, first)
      const commit = { owner: { generation: first, epoch }, from: 0, to: 1, ...put("a", "slow") }
      const late = yield* slow.sql.withTransaction(
        Effect.gen(function* () {
          yield* slow.store.commit(commit)
          const waiting = yield* Effect.forkScoped(Effect.flip(quick.store.commit({ ...commit, ...put("a", "quick") })))
          // Outside of the transaction, because a transaction sees the activity of its first look only.
          const blocked = quick.sql.unsafe(
            "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%for key share%' and query like $1",
            [`%${schema}%`]
          )
          yield* Effect.repeat(blocked, { until: ({ length }) => length > 0 })
          return waiting
        })
      )
      assert.strictEqual((yield* Fiber.join(late))._tag, "CommitConflict")
      assert.deepStrictEqual((yield* served(quick.store)).rows, [{ key: "a", state: "slow" }])
    })
  )

  it.live("keys and indexed values may be longer than what an index takes", () =>
    Effect.gen(function* () {
      const { store } = yield* openViews({ schema: yield* newSchema })
      const paths = Array.from({ length: 10 }, (_, i) => [`f${i}`])
      const epoch = yield* own(store, first, [paths])
      const [long, key] = [incompressible(3_000), incompressible(999)]
      const state = Object.fromEntries(paths.map(([name]) => [name!, long]))
      const records = ["a", "b"].map((end) => ({ key: key + end, state: { ...state, end } }))
      for (let from = 0; from < 2; from++) {
        yield* store.commit({
          owner: { generation: first, epoch },
          from,
          to: from + 1,
          records: { put: records, remove: [] }
        })
      }
      const found = yield* store.views.query({
        _tag: "Records",
        view,
        where: { _tag: "Compare", path: ["f0"], is: "eq", value: long },
        orderBy: []
      })
      assert.deepStrictEqual(found.rows, records)
      yield* store.commit({
        owner: { generation: first, epoch },
        from: 2,
        to: 3,
        records: { put: [], remove: [`${key}a`] }
      })
      assert.deepStrictEqual([...(yield* store.load(first, [`${key}a`, `${key}b`])).states.keys()], [`${key}b`])
    })
  )

  it.live("names and keys that cannot be stored are not found", () =>
    Effect.gen(function* () {
      const { store } = yield* openViews({ schema: yield* newSchema })
      const epoch = yield* own(store, first)
      yield* store.commit({ owner: { generation: first, epoch }, from: 0, to: 1, ...put("\ufffd", 1) })
      assert.strictEqual((yield* store.load(first, ["a\0", "\ud800", ""])).states.size, 0)
      for (const other of ["a\0", "\ud800", "'", ""]) {
        assert.strictEqual((yield* store.load({ view: other }, ["\ufffd"])).states.size, 0)
        assert.strictEqual(yield* store.views.query({ _tag: "Count", view: other }), 0)
      }
      for (const version of [0.5, Number.NaN, -1, 2]) {
        assert.strictEqual((yield* store.load({ view, version }, ["\ufffd"])).states.size, 0)
      }
    })
  )

  it.live("a failure says what was attempted and why it failed", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openViews({ schema })
      yield* sql.unsafe(`drop schema ${schema} cascade`)
      const claim = { generation: first, owner: "test", lease: Duration.infinity }
      for (const error of [
        yield* Effect.flip(store.claim(claim)),
        yield* Effect.flip(store.commit({ owner: { generation: first, epoch: 1 }, from: 0, to: 1, ...put("a", 1) })),
        yield* Effect.flip(store.load(first, ["a"])),
        yield* Effect.flip(served(store)),
        yield* Effect.flip(store.views.status),
        yield* Effect.flip(
          PgViewStore.make({ schema, migrate: false }).pipe(Effect.provideService(SqlClient.SqlClient, yield* client()))
        )
      ]) {
        assert.instanceOf(error, ViewStoreError)
        assert.deepStrictEqual([error.reason._tag, error.isRetryable], ["Rejected", false])
        assert.strictEqual(error.view, error.operation === "status" || error.operation === "open" ? undefined : view)
      }
    })
  )
})
