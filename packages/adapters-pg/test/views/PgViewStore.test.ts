import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import { type InvalidCursor, NotServing, type ProjectionStore, type Query, ViewStoreError } from "@hexfold/core"
import { Duration, Effect, Fiber, Result, type Schema } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema, type OpenedViews, openViews } from "../support/database.ts"

const view = "Things"
const first = { view, version: 1 }
const together = { concurrency: "unbounded" } as const

const own = (
  store: OpenedViews,
  generation: ProjectionStore.Generation,
  indexes: ReadonlyArray<ReadonlyArray<Query.Path>> = []
) =>
  Effect.map(store.claim({ generation, owner: "test", lease: Duration.infinity, indexes }), (claimed) => {
    assert.ok(claimed._tag === "Owned")
    return claimed.epoch
  })

const served = (store: OpenedViews, of = first) =>
  store.views.query({ _tag: "Records", view: of.view, orderBy: [] }, of.version)

const put = (key: string, state: Schema.Json) => ({ records: { put: [{ key, state }], remove: [] } })

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
  it.live(
    "several versions of a view may be claimed first at one moment, and each serves as soon as it asks for it",
    () =>
      Effect.gen(function* () {
        const instances = yield* opened(4)
        for (let round = 0; round < 5; round++) {
          const statuses = Effect.map(instances[0]!.store.views.status, (all) =>
            all.filter((each) => each.view === `${view}${round}`)
          )
          const epochs = yield* Effect.forEach(
            instances.flatMap(({ store }, i) => [
              { store, version: i + 1 },
              { store, version: 1 + ((i + 1) % 4) }
            ]),
            ({ store, version }) => own(store, { view: `${view}${round}`, version }, [[["a"]], [["b"], ["c"]]]),
            together
          )
          assert.deepStrictEqual(
            (yield* statuses).map(({ serves, version }) => [version, serves]),
            [1, 2, 3, 4].map((version) => [version, false])
          )
          const serving = instances.map(({ store }, i) => {
            const generation = { view: `${view}${round}`, version: i + 1 }
            const owner = { generation, epoch: epochs[2 * i]! }
            return store.commit({ owner, from: 0, to: 1, ...put("a", i + 1), asks: "serve" })
          })
          yield* Effect.all(serving, together)
          assert.isTrue((yield* statuses).every(({ serves }) => serves))
          for (const version of [1, 2, 3, 4]) {
            const { rows } = yield* served(instances[0]!.store, { view: `${view}${round}`, version })
            assert.deepStrictEqual(rows, [{ key: "a", state: version }])
          }
        }
      })
  )

  it.live("if several builds of a version begin to serve at one moment, the last one serves", () =>
    Effect.gen(function* () {
      const instances = yield* opened(4)
      const { store } = instances[0]!
      const builds = [1, 2, 3, 4]
      for (let round = 0; round < 10; round++) {
        const version = { view: `${view}${round}`, version: 1 }
        const epochs = yield* Effect.forEach(builds, (build) => own(store, { ...version, build }))
        const exits = yield* Effect.forEach(
          builds,
          (build, i) =>
            Effect.result(
              instances[i]!.store.commit({
                owner: { generation: { ...version, build }, epoch: epochs[i]! },
                from: 0,
                to: 1,
                ...put("a", build),
                asks: "serve"
              })
            ),
          together
        )
        // A build that comes after a later one is refused: it was taken from its owner.
        for (const exit of exits.slice(0, 3)) {
          if (Result.isFailure(exit)) assert.strictEqual(exit.failure._tag, "CommitConflict")
        }
        assert.isTrue(Result.isSuccess(exits[3]!))
        const serving = (yield* store.views.status).filter(({ serves, view }) => serves && view === version.view)
        assert.deepStrictEqual(
          serving.map(({ build }) => build),
          [4]
        )
        assert.deepStrictEqual((yield* served(store, version)).rows, [{ key: "a", state: 4 }])
      }
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
            yield* store.commit({ owner: { generation: first, epoch }, from: 0, to: 5, ...put("a", 1), asks: "serve" })
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
      yield* slow.store.commit({ owner: { generation: first, epoch }, from: 0, to: 0, asks: "serve" })
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
          records: { put: records, remove: [] },
          asks: "serve"
        })
      }
      const where: Query.Filter = { _tag: "Compare", path: ["f0"], is: "eq", value: long }
      const found = yield* store.views.query({ _tag: "Records", view, where, orderBy: [] }, 1)
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
      const commit = { owner: { generation: first, epoch }, from: 0, to: 1, ...put("\ufffd", 1) }
      yield* store.commit({ ...commit, asks: "serve" })
      for (const reading of [store, store.views]) {
        assert.strictEqual((yield* reading.load(first, ["a\0", "\ud800", ""])).states.size, 0)
      }
      for (const of of [
        ...["a\0", "\ud800", "'", ""].map((other) => ({ view: other, version: 1 })),
        ...[0.5, Number.NaN, -1, 2].map((version) => ({ view, version }))
      ]) {
        assert.strictEqual((yield* store.load(of, ["\ufffd"])).states.size, 0)
        for (const reading of [
          store.views.load(of, ["\ufffd"]),
          served(store, of),
          store.views.query({ _tag: "Count", view: of.view }, of.version)
        ]) {
          const error = yield* Effect.flip<unknown, NotServing | ViewStoreError | InvalidCursor, never>(reading)
          assert.strictEqual(error instanceof NotServing && error.reason, "unbuilt")
        }
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
        yield* Effect.flip(store.drop({ generation: first, epoch: 1 })),
        yield* Effect.flip(store.load(first, ["a"])),
        yield* Effect.flip(store.views.load(first, ["a"])),
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
