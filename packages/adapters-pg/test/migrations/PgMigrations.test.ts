import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { EventStoreError, type ProjectionStore, StreamId } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, newSchema, openStore, openViews, undoInline } from "../support/database.ts"
import { append } from "../support/events.ts"

type Generation = ProjectionStore.Generation

const migrate = (schema = PgMigrations.defaultSchema) =>
  Effect.scoped(
    Effect.flatMap(client(), (sql) => Effect.provideService(PgMigrations.run({ schema }), SqlClient.SqlClient, sql))
  )

describe("PgMigrations", () => {
  it.live("ten processes that start at once on an empty database all succeed", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      yield* Effect.forEach(Array.from({ length: 10 }), () => migrate(schema), { concurrency: "unbounded" })
      const sql = yield* client()
      const rows = yield* sql.unsafe<{ migration_id: number }>(
        `select migration_id from ${schema}.migrations order by 1`
      )
      assert.deepStrictEqual(
        rows.map(({ migration_id }) => migration_id),
        Array.from({ length: PgMigrations.latest }, (_, i) => i + 1)
      )
    })
  )

  it.live("a database that is newer than the library is refused with a clear message", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      yield* migrate(schema)
      const sql = yield* client()
      yield* sql.unsafe(`insert into ${schema}.migrations (migration_id, name) values (99, 'future')`)
      yield* sql.unsafe(`update ${schema}.revisions set functions = 99, lowest = 99`)
      for (const error of [
        yield* Effect.flip(migrate(schema)),
        yield* Effect.flip(openStore({ schema })),
        yield* Effect.flip(openStore({ schema, migrate: false }))
      ]) {
        assert.instanceOf(error, EventStoreError)
        assert.strictEqual(error.reason._tag, "Rejected")
        assert.include(error.message, `${schema} is at version 99, and this library knows only ${PgMigrations.latest}`)
      }
    })
  )

  it.live("a schema's name that would need quotes is refused", () =>
    Effect.gen(function* () {
      for (const name of ["", "Upper", 'a"b', "a.b", "a b", "x".repeat(41), "pg_x"]) {
        assert.strictEqual((yield* Effect.flip(migrate(name))).reason._tag, "Rejected")
      }
    })
  )

  it.live("two schemas of one database keep their events apart", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* openStore({ schema: yield* newSchema }), yield* openStore({ schema: yield* newSchema })]
      const streamId = StreamId.make("Account", "1")
      assert.strictEqual((yield* append(a.store, streamId, 2)).events[1]!.position, 2)
      assert.strictEqual((yield* append(b.store, streamId, 1)).events[0]!.version, 1)
    })
  )

  it.live("recorded events cannot be updated, deleted or truncated", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* append(store, StreamId.make("Account", "1"), 1)
      for (const statement of [
        `update ${schema}.events set type = 'x'`,
        `delete from ${schema}.events`,
        `truncate ${schema}.events`
      ]) {
        const error = yield* Effect.flip(sql.unsafe(statement))
        assert.include(String((error.reason.cause as Error).message), "recorded events never change")
      }
    })
  )

  it.live("without migrating, a schema that is not up to date is refused", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      assert.strictEqual((yield* Effect.flip(openStore({ schema, migrate: false }))).reason._tag, "Rejected")
      yield* migrate(schema)
      const { store } = yield* openStore({ schema, migrate: false })
      yield* append(store, StreamId.make("Account", "1"), 1)
    })
  )

  it.live("a schema of version 3 keeps its views, with their records, positions and owners", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openViews({ schema })
      const [first, second] = [1, 2].map((version) => ({ view: "Things", version })) as [Generation, Generation]
      const claim = (generation: Generation, owner: string, lease: Duration.Duration) =>
        Effect.map(store.claim({ generation, owner, lease }), (claimed) => {
          assert.ok(claimed._tag === "Owned")
          return claimed
        })
      const { epoch } = yield* claim(first, "one", Duration.infinity)
      yield* store.commit({
        owner: { generation: first, epoch },
        from: 0,
        to: 70,
        records: { put: [{ key: "a", state: 1 }], remove: [] },
        asks: "serve"
      })
      const other = yield* claim(second, "two", Duration.zero)
      const commit = { owner: { generation: second, epoch: other.epoch }, from: 0, to: 30 }
      yield* store.commit({ ...commit, records: { put: [{ key: "a", state: 2 }], remove: [] } })
      // A time that goes on has only a lower bound. A version that does not count changes leaves no count.
      const statuses = Effect.map(store.views.status, (all) => ({
        unowned: all.map(({ parts }) => Duration.toMillis(parts[0]!.unownedFor ?? Duration.zero)),
        all: all.map(({ changes: _, parts, ...rest }) => ({
          ...rest,
          parts: parts.map(({ unownedFor: _, ...part }) => part)
        }))
      }))
      const before = yield* statuses
      // Undoes what later versions have made of the schema.
      for (const statement of [
        ...undoInline(schema),
        `alter table ${schema}.views
           drop column build, drop column replaced, drop column inline, drop column aggregates, drop column types,
           add column epoch bigint not null default 0,
           add column position bigint not null default 0,
           add column owner text not null default '',
           add column leased_until timestamptz not null default '-infinity',
           add unique (view, version)`,
        `update ${schema}.views as view set
           epoch = part.epoch, position = part.position, owner = part.owner, leased_until = part.leased_until
         from ${schema}.view_parts as part where generation = id`,
        `drop table ${schema}.view_parts, ${schema}.view_letters`,
        `drop sequence ${schema}.view_epochs`,
        `delete from ${schema}.migrations where migration_id > 3`
      ]) {
        yield* sql.unsafe(statement)
      }
      yield* migrate(schema)
      const after = yield* statuses
      assert.deepStrictEqual(after.all, before.all)
      assert.strictEqual(after.unowned[0], 0)
      assert.isAtLeast(after.unowned[1]!, before.unowned[1]!)
      yield* store.commit({
        owner: { generation: first, epoch },
        from: 70,
        to: 71,
        records: { put: [{ key: "b", state: 3 }], remove: [] }
      })
      const { positions, states } = yield* store.views.load(first, ["a", "b"])
      assert.deepStrictEqual([Object.fromEntries(states), positions], [{ a: 1, b: 3 }, [71]])
      const held = yield* store.claim({ generation: first, owner: "two", lease: Duration.zero })
      assert.deepStrictEqual(held, { _tag: "Held", by: "one" })
      const next = yield* claim(second, "three", Duration.zero)
      assert.deepInclude(next, { position: 30, build: 1 })
      assert.isAbove(next.epoch, other.epoch)
    })
  )

  it.live("a reserved word may name a schema, and each schema has a namespace of its own", () =>
    Effect.gen(function* () {
      // In a database of its own, because the names are not new ones.
      const sql = yield* newDatabase("reserved")
      const schemas = ["user", "order", "first", "second"]
      const run = (schema: string) => Effect.provideService(PgMigrations.run({ schema }), SqlClient.SqlClient, sql)
      yield* Effect.forEach(schemas, run, { concurrency: "unbounded" })
      const rows = yield* Effect.forEach(schemas, (schema) =>
        sql.unsafe<{ namespace: string }>(`select obj_description('"${schema}".horizon'::regproc) as namespace`)
      )
      assert.strictEqual(new Set(rows.flat().map(({ namespace }) => namespace)).size, schemas.length)
    })
  )

  it.live("options with which the store would wait forever or read nothing are refused", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      for (const options of [{ maxBatch: 0 }, { maxInFlight: -1 }, { pageSize: 0.5 }, { pageBytes: Number.NaN }]) {
        assert.include((yield* Effect.flip(openStore({ schema, ...options }))).message, Object.keys(options)[0]!)
      }
    })
  )
})
