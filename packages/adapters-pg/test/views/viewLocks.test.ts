import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import type { CommitConflict, ProjectionStore, Query, ViewStoreError } from "@hexfold/core"
import { DateTime, Duration, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newSchema, type OpenedViews, openViews, viewsOf } from "../support/database.ts"

const view = "Things"
const version = { view, version: 1 }
const first = { ...version, build: 1 }
const second = { ...version, build: 2 }
const all: Query.Query = { _tag: "Records", view, orderBy: [] }
const together = { concurrency: "unbounded" } as const

const claim = (
  store: OpenedViews,
  generation: ProjectionStore.Generation,
  index = 0,
  of = 1,
  lease = Duration.infinity
) => store.claim({ generation, part: { index, of }, owner: "test", lease })

const own = (store: OpenedViews, generation: ProjectionStore.Generation, index = 0, of = 1) =>
  Effect.map(claim(store, generation, index, of), (claimed) => {
    assert.ok(claimed._tag === "Owned")
    return claimed.epoch
  })

/** Owns a generation, and lets it serve. */
const begin = (store: OpenedViews, generation: ProjectionStore.Generation) =>
  Effect.tap(own(store, generation), (epoch) =>
    store.commit({ owner: { generation, epoch }, from: 0, to: 0, asks: "serve" })
  )

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
  const stores = PgViewStore.make({ schema, migrate: false })
  return Effect.map(Effect.provideService(stores, SqlClient.SqlClient, interposing(sql)), viewsOf)
}

const serving = (store: OpenedViews) => Effect.map(store.views.status, (all) => all.filter(({ serves }) => serves))

const servingBuild = (store: OpenedViews) => Effect.map(serving(store), (all) => all.map(({ build }) => build))

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
      const [old, next] = [yield* begin(one.store, first), yield* own(two.store, second)]
      const commit = { owner: { generation: second, epoch: next }, asks: "serve" } as const
      const switching = yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* one.store.commit({ owner: { generation: first, epoch: old }, from: 0, to: 2 })
          const switching = yield* Effect.forkScoped(two.store.commit({ ...commit, from: 0, to: 1 }))
          yield* untilBlocked
          return switching
        })
      )
      yield* Fiber.join(switching)
      assert.deepStrictEqual(yield* servingBuild(one.store), [1])
      yield* two.store.commit({ ...commit, from: 1, to: 2 })
      assert.deepStrictEqual(yield* servingBuild(one.store), [2])
    })
  )

  it.live("the last of the parts that ask to serve sees what the others have reached", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* opened
      // The build before the first one is missing, that before the second one serves.
      for (const generation of [first, second]) {
        const epochs = [yield* own(one.store, generation, 0, 2), yield* own(two.store, generation, 1, 2)]
        const commit = (part: number) => ({ owner: { generation, part, epoch: epochs[part]! }, from: 0, to: 1 })
        const last = yield* one.sql.withTransaction(
          Effect.gen(function* () {
            yield* one.store.commit({ ...commit(0), asks: "serve" })
            const last = yield* Effect.forkScoped(two.store.commit({ ...commit(1), asks: "serve" }))
            yield* untilBlocked
            return last
          })
        )
        yield* Fiber.join(last)
        assert.deepStrictEqual(yield* servingBuild(one.store), [generation.build])
      }
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
          const dropping = yield* Effect.forkScoped(two.store.drop(commit(0).owner))
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

  it.live("of two versions that are dropped at one moment, the last one that answers stays", () =>
    Effect.gen(function* () {
      const { one, two, untilBlocked } = yield* opened
      const versions = [1, 2].map((version) => ({ view, version }))
      const [here, there] = yield* Effect.forEach(versions, (generation) =>
        Effect.map(begin(one.store, generation), (epoch) => ({ generation, epoch }))
      )
      const dropping = yield* one.sql.withTransaction(
        Effect.gen(function* () {
          yield* one.store.drop(here!)
          const dropping = yield* Effect.forkScoped(Effect.flip(two.store.drop(there!)))
          yield* untilBlocked
          return dropping
        })
      )
      const refused = yield* Fiber.join(dropping)
      assert.strictEqual(refused._tag === "ViewStoreError" && refused.reason._tag, "Rejected")
      assert.deepStrictEqual(
        (yield* serving(one.store)).map(({ version }) => version),
        [2]
      )
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
      const dropping = Effect.flatMap(own(two.store, second), (epoch) => two.store.drop({ generation: second, epoch }))
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
      yield* begin(two.store, first)
      for (const [build, read] of [
        [2, ({ views }: OpenedViews) => Effect.map(views.load(version, ["k"]), ({ states }) => states.get("k"))],
        [3, ({ views }: OpenedViews) => Effect.map(views.query(all, 1), ({ rows }) => rows[0]?.state)],
        [
          4,
          (store: OpenedViews) => Effect.map(store.load({ ...version, build: 3 }, ["k"]), ({ states }) => states.size)
        ]
      ] as const) {
        const [former, next] = [
          { ...version, build: build - 1 },
          { ...version, build }
        ]
        const switching = Effect.gen(function* () {
          const owner = { generation: next, epoch: yield* own(two.store, next) }
          const put = [{ key: "k", state: build }]
          yield* two.store.commit({ owner, from: 0, to: 1, records: { put, remove: [] }, asks: "serve" })
          yield* two.store.drop({ generation: former, epoch: yield* own(two.store, former) })
        })
        const store = yield* interposed(one, [/\.view_\d/, switching])
        assert.strictEqual(yield* read(store), build === 4 ? 0 : build)
      }
    })
  )

  it.live("no transaction waits forever, whatever happens at one moment", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const instances = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => openViews({ schema }))
      yield* begin(instances[0]!.store, first)
      const works = instances.map(({ store }, worker) =>
        Effect.gen(function* () {
          for (let round = 0; round < 60; round++) {
            const n = (round * 7 + worker * 13) % 60
            const generation = { view, version: 1 + (Math.floor(n / 4) % 2), build: 1 + (n % 4) }
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
            const { owner } = commit
            const ending: Effect.Effect<void, CommitConflict | ViewStoreError> =
              n % 7 === 0 ? store.drop({ generation: owner.generation, epoch: owner.epoch }) : Effect.void
            const committing = store.commit(n % 5 === 0 ? { ...commit, asks: "serve" } : commit)
            const both: Effect.Effect<void, CommitConflict | ViewStoreError> = Effect.andThen(committing, ending)
            yield* Effect.catchIf(
              both,
              (error) => error._tag === "CommitConflict" || error.message.includes("is not dropped"),
              () => Effect.void
            )
          }
        })
      )
      yield* Effect.all(works, together)
      const versions = (yield* serving(instances[0]!.store)).map(({ version }) => version)
      assert.include([1, 2], versions.length)
      assert.strictEqual(new Set(versions).size, versions.length)
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
