import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import type { Query, ViewStore } from "@hexfold/core"
import { DateTime, Duration, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newSchema, openViews } from "../support/database.ts"

type Store = ViewStore.ViewStore["Service"]

const view = "Things"
const first = { view, version: 1 }
const second = { view, version: 2 }
const nothing = { put: [], remove: [] } as const
const all: Query.Query = { _tag: "Records", view, orderBy: [] }
const together = { concurrency: "unbounded" } as const

const claim = (store: Store, generation: ViewStore.Generation, index = 0, of = 1, lease = Duration.infinity) =>
  store.claim({ generation, part: { index, of }, owner: "test", lease })

const own = (store: Store, generation: ViewStore.Generation, index = 0, of = 1) =>
  Effect.map(claim(store, generation, index, of), (claimed) => {
    assert.ok(claimed._tag === "Owned")
    return claimed.epoch
  })

const opened = Effect.gen(function* () {
  const schema = yield* newSchema
  const one = { ...(yield* openViews({ schema })), schema }
  const two = yield* openViews({ schema })
  // Outside of the transaction, because a transaction sees the activity of its first look only.
  const blocked = two.sql.unsafe("select from pg_stat_activity where wait_event_type = 'Lock' and query like $1", [
    `%${schema}%`
  ])
  const untilBlocked = Effect.repeat(blocked, { until: ({ length }) => length > 0 })
  return { one, two, untilBlocked }
})

// A store that runs an effect before its first statement of a kind, then another one before the next statement of
// another kind.
const interposed = (
  { sql, schema }: { sql: SqlClient.SqlClient; schema: string },
  ...others: ReadonlyArray<readonly [text: RegExp, other: Effect.Effect<unknown, unknown>]>
) => {
  let done = 0
  const interposing = (sql: SqlClient.SqlClient): SqlClient.SqlClient =>
    new Proxy(sql, {
      get: (sql, name) => {
        if (name === "withoutTransforms") return () => interposing(sql.withoutTransforms())
        if (name !== "unsafe") return Reflect.get(sql, name) as unknown
        return (...statement: Parameters<typeof sql.unsafe>) => {
          const [text, other] = others[done] ?? []
          if (other === undefined || text?.test(statement[0]) !== true) return sql.unsafe(...statement)
          done += 1
          return Effect.andThen(Effect.orDie(other), sql.unsafe(...statement))
        }
      }
    })
  return Effect.provideService(PgViewStore.make({ schema, migrate: false }), SqlClient.SqlClient, interposing(sql))
}

const servingVersion = (store: Store) =>
  Effect.map(store.views.status, (all) => all.filter(({ serves }) => serves).map(({ version }) => version))

describe("the locks of generations", () => {
  it.live("a part is committed while the commit of another one is under way", () =>
    Effect.gen(function* () {
      const { one, two } = yield* opened
      const epochs = [yield* own(one.store, first, 0, 2), yield* own(one.store, first, 1, 2)]
      const deadLetters = { put: [letterOf("k")], remove: [] }
      const commit = (part: number) => ({ owner: { generation: first, part, epoch: epochs[part]! }, from: 0, to: 1 })
      yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* one.store.commit({ ...commit(0), deadLetters })
          yield* two.store.commit({ ...commit(1), deadLetters: { put: [letterOf("l")], remove: [] } })
          yield* own(two.store, first, 1, 2)
          assert.deepStrictEqual((yield* two.store.load(first, [])).positions, [0, 1])
        })
      )
      assert.deepStrictEqual((yield* two.store.load(first, [])).positions, [1, 1])
    })
  )

  it.live("a switch waits for a commit of the generation that serves, which is then further ahead", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* opened
      const [old, next] = [yield* own(one.store, first), yield* own(two.store, second)]
      const commit = { owner: { generation: second, epoch: next }, asks: "serve" }
      const switching = yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* one.store.commit({ owner: { generation: first, epoch: old }, from: 0, to: 2 })
          const switching = yield* Effect.forkScoped(two.store.commit({ ...commit, from: 0, to: 1 }))
          yield* untilBlocked
          return switching
        })
      )
      yield* Fiber.join(switching)
      assert.deepStrictEqual(yield* servingVersion(one.store), [1])
      yield* two.store.commit({ ...commit, from: 1, to: 2 })
      assert.deepStrictEqual(yield* servingVersion(one.store), [2])
    })
  )

  it.live("the last of the parts that ask to serve sees what the others have reached", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* opened
      const old = yield* own(one.store, first)
      yield* one.store.commit({ owner: { generation: first, epoch: old }, from: 0, to: 1 })
      const epochs = [yield* own(one.store, second, 0, 2), yield* own(two.store, second, 1, 2)]
      const commit = (part: number) => ({ owner: { generation: second, part, epoch: epochs[part]! }, from: 0, to: 1 })
      const last = yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* one.store.commit({ ...commit(0), asks: "serve" })
          const last = yield* Effect.forkScoped(two.store.commit({ ...commit(1), asks: "serve" }))
          yield* untilBlocked
          return last
        })
      )
      yield* Fiber.join(last)
      assert.deepStrictEqual(yield* servingVersion(one.store), [2])
    })
  )

  it.live("a claim of a part looks again if the generation is divided meanwhile", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* opened
      yield* own(one.store, first)
      yield* claim(one.store, first, 0, 1, Duration.zero)
      const claiming = yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* one.store.claim({
            generation: first,
            part: { index: 0, of: 2 },
            owner: "another",
            lease: Duration.infinity
          })
          const claiming = yield* Effect.forkScoped(claim(two.store, first))
          yield* untilBlocked
          return claiming
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(claiming), { _tag: "Held", by: "another" })
    })
  )

  it.live("a division looks again if one of the parts is claimed meanwhile", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* opened
      yield* own(one.store, first)
      yield* claim(one.store, first, 0, 1, Duration.zero)
      const dividing = yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* own(one.store, first)
          const asked = { generation: first, part: { index: 1, of: 2 }, owner: "another", lease: Duration.infinity }
          const dividing = yield* Effect.forkScoped(two.store.claim(asked))
          yield* untilBlocked
          return dividing
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(dividing), { _tag: "Held", by: "test" })
    })
  )

  it.live("a drop waits for a commit of another part, and a later commit is refused", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* opened
      yield* own(one.store, first)
      const epochs = [yield* own(one.store, second, 0, 2), yield* own(two.store, second, 1, 2)]
      const commit = (part: number) => ({ owner: { generation: second, part, epoch: epochs[part]! }, from: 0, to: 1 })
      const dropping = yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* one.store.commit(commit(0))
          const dropping = yield* Effect.forkScoped(two.store.commit({ ...commit(1), drop: true }))
          yield* untilBlocked
          // A further commit of the transaction that holds the lock does not wait for the drop.
          const deadLetters = { put: [letterOf("k")], remove: [] }
          yield* one.store.commit({
            ...commit(0),
            from: 1,
            to: 2,
            deadLetters,
            records: { put: [{ key: "k", state: 1 }], remove: [] }
          })
          return dropping
        })
      )
      yield* Fiber.join(dropping)
      const late = one.store.commit({ ...commit(0), from: 2, to: 3 })
      assert.strictEqual((yield* Effect.flip(late))._tag, "CommitConflict")
    })
  )

  it.live("a claim looks again if another division gets the part meanwhile", () =>
    Effect.gen(function* () {
      const { one, two } = yield* opened
      yield* own(one.store, first)
      yield* claim(one.store, first, 0, 1, Duration.zero)
      const asked = { generation: first, part: { index: 1, of: 2 }, owner: "another", lease: Duration.infinity }
      const store = yield* interposed(one, [/set\s+epoch =/, two.store.claim(asked)])
      assert.deepStrictEqual(yield* claim(store, first), { _tag: "Held", by: "another" })
    })
  )

  it.live("a claim looks again if its generation is created and dropped meanwhile", () =>
    Effect.gen(function* () {
      const { one, two } = yield* opened
      yield* own(one.store, first)
      const dropping = Effect.flatMap(own(two.store, second), (epoch) =>
        two.store.commit({ owner: { generation: second, epoch }, from: 0, to: 0, drop: true })
      )
      const creation = [/hexfold views/, own(two.store, second)] as const
      const store = yield* interposed(one, creation, [/as leased/, dropping])
      assert.strictEqual((yield* claim(store, second))._tag, "Owned")
    })
  )

  it.live("a claim of a generation whose parts are lost fails, and says so", () =>
    Effect.gen(function* () {
      const { one } = yield* opened
      yield* own(one.store, first)
      yield* one.sql.unsafe(`delete from ${one.schema}.view_parts`)
      const { message, reason } = yield* Effect.flip(claim(one.store, first))
      assert.strictEqual(reason._tag, "Corrupt")
      assert.include(message, "Things, version 1, is registered without parts")
    })
  )

  it.live("a read whose records are dropped meanwhile reads those that serve now", () =>
    Effect.gen(function* () {
      const { one, two } = yield* opened
      let old = yield* own(two.store, first)
      yield* two.store.commit({
        owner: { generation: first, epoch: old },
        from: 0,
        to: 1,
        records: { put: [{ key: "k", state: 1 }], remove: [] }
      })
      for (const [version, read] of [
        [2, (store: Store) => Effect.map(store.load({ view }, ["k"]), ({ states }) => states.get("k"))],
        [3, (store: Store) => Effect.map(store.views.query(all), ({ rows }) => rows[0]?.state)],
        [4, (store: Store) => Effect.map(store.load({ view, version: 3 }, ["k"]), ({ states }) => states.size)]
      ] as const) {
        const generation = { view, version }
        const switching = Effect.gen(function* () {
          const epoch = yield* own(two.store, generation)
          const put = [{ key: "k", state: version }]
          yield* two.store.commit({
            owner: { generation, epoch },
            from: 0,
            to: 1,
            records: { put, remove: [] },
            asks: "serve"
          })
          const dropped = { owner: { generation: { view, version: version - 1 }, epoch: old } }
          yield* two.store.commit({ ...nothing, ...dropped, from: 1, to: 1, drop: true })
          old = epoch
        })
        const store = yield* interposed(one, [/\.view_\d/, switching])
        assert.strictEqual(yield* read(store), version === 4 ? 0 : version)
      }
    })
  )

  it.live("no transaction waits forever, whatever happens at one moment", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const instances = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => openViews({ schema }))
      yield* own(instances[0]!.store, { ...first, build: 1 })
      const works = instances.map(({ store }, worker) =>
        Effect.gen(function* () {
          for (let round = 0; round < 60; round++) {
            const n = (round * 7 + worker * 13) % 60
            const generation = { ...first, build: 1 + (n % 4) }
            const [index, of] = [n % 2, 1 + (round % 3 === 0 ? n % 2 : 1)]
            const part = { index: index % of, of }
            const lease = Duration.millis(n % 3)
            const claimed = yield* store.claim({ generation, part, owner: `${worker}`, lease })
            if (claimed._tag !== "Owned") continue
            const deadLetters = { put: [letterOf(`${part.index}`)], remove: [] }
            const put = [{ key: `${part.index}`, state: round }]
            const { epoch, position } = claimed
            const commit = {
              owner: { generation, part: part.index, epoch },
              from: position,
              to: 1,
              records: { put, remove: [] },
              deadLetters
            }
            const ending = { serve: n % 5 === 0, drop: n % 7 === 0 }
            yield* Effect.catchIf(
              store.commit({ ...commit, ...ending }),
              (error) => error._tag === "CommitConflict" || error.message.includes("is not dropped"),
              () => Effect.void
            )
          }
        })
      )
      yield* Effect.all(works, together)
      assert.strictEqual((yield* servingVersion(instances[0]!.store)).length, 1)
    })
  )
})

const letterOf = (key: string): ProjectionStore.DeadLetter => ({
  position: 1,
  history: 1,
  key,
  parked: true,
  error: { step: "evolve", cause: "too much" },
  stream: "Thing-1",
  streamVersion: 1,
  type: "Made",
  at: DateTime.makeUnsafe(1)
})
