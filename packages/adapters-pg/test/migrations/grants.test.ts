import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, newRole, newSchema, openStores, storesOn } from "../support/database.ts"
import { appendTo, catchUp, Positions } from "../support/inlineViews.ts"
import { bring, next, present } from "../support/library.ts"
import { restore } from "./dumps/dump.ts"

/** The rights that a role has on each table of a schema, as letters: a is insert, r select, w update, d delete. */
const rightsOf = (sql: PgClient.PgClient, schema: string, role: string) =>
  Effect.map(
    sql.unsafe<{ readonly name: string; readonly rights: string }>(
      `select relname as name, concat(
         case when has_table_privilege($2, oid, 'insert') then 'a' end,
         case when has_table_privilege($2, oid, 'select') then 'r' end,
         case when has_table_privilege($2, oid, 'update') then 'w' end,
         case when has_table_privilege($2, oid, 'delete') then 'd' end,
         case when has_table_privilege($2, oid, 'truncate') or has_table_privilege($2, oid, 'trigger') then '!' end) as rights
       from pg_class where relnamespace = $1::regnamespace and relkind = 'r'`,
      [schema, role]
    ),
    (rows) => Object.fromEntries(rows.map(({ name, rights }) => [name, rights]))
  )

/** The rights that a role has on sequences, where it has one: U is usage, r select, w update. */
const sequencesOf = (sql: PgClient.PgClient, schema: string, role: string) =>
  Effect.map(
    sql.unsafe<{ readonly name: string; readonly rights: string }>(
      `select relname as name, concat(
         case when has_sequence_privilege($2, oid, 'usage') then 'U' end,
         case when has_sequence_privilege($2, oid, 'select') then 'r' end,
         case when has_sequence_privilege($2, oid, 'update') then 'w' end) as rights
       from pg_class where relnamespace = $1::regnamespace and relkind = 'S'`,
      [schema, role]
    ),
    (rows) => Object.fromEntries(rows.flatMap(({ name, rights }) => (rights === "" ? [] : [[name, rights]])))
  )

/** A version of the view that appends do not maintain. */
const later = (version: number) => ({ ...Positions, version, consistency: "async" as const })

const ofApplication = {
  migrations: "r",
  revisions: "r",
  log: "r",
  histories: "ar",
  life: "ar",
  events: "ar",
  streams: "arw",
  commands: "arwd",
  views: "arwd",
  view_parts: "arwd",
  view_letters: "arwd",
  snapshots: "arwd",
  inline_changes: "rw"
}

describe("the rights of a role", () => {
  it.live("are those of an application and no others, also on tables of views that the owner creates later", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const owner = yield* openStores({ schema, views: [Positions] })
      yield* catchUp(owner)
      const role = yield* newRole(owner.sql)
      yield* migrate(owner.sql, { schema, grantTo: role })
      assert.deepStrictEqual(yield* rightsOf(owner.sql, schema, role), { ...ofApplication, view_1: "arwd" })
      // Who may set the position's sequence could make readers skip events.
      const sequences = { events_position: "r", noted: "rw", view_epochs: "U" }
      assert.deepStrictEqual(yield* sequencesOf(owner.sql, schema, role), sequences)
      yield* catchUp(owner, later(2))
      assert.strictEqual((yield* rightsOf(owner.sql, schema, role))["view_2"], "arwd")
      const app = yield* openStores({ schema, views: [Positions] }, { startupParameters: { role } })
      yield* appendTo(app, "1")
      // A table that the owner has created.
      yield* catchUp(app, later(2))
      for (const version of [1, 2]) {
        const { rows } = yield* app.records.query({ _tag: "Records", view: Positions.name, orderBy: [] }, version)
        assert.deepStrictEqual(rows[0]?.state, [1])
      }
      // A new generation needs a table.
      const error = yield* Effect.flip(catchUp(app, later(3)))
      assert.include(
        error.message,
        `permission denied for schema ${schema}: this role may not create the table of Positions, version 3`
      )
      const changing = yield* Effect.flip(app.sql.unsafe(`update ${schema}.events set type = 'Other'`))
      assert.include(String(changing.reason.cause), "permission denied for table events")
    })
  )

  it.live("of a reader are enough to read events, records and what is there for people, and for nothing else", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const owner = yield* openStores({ schema, views: [Positions] })
      yield* catchUp(owner)
      yield* appendTo(owner, "1")
      const role = yield* newRole(owner.sql)
      for (const statement of PgMigrations.grants(role, { schema, readOnly: true, createViews: true })) {
        yield* owner.sql.unsafe(statement)
      }
      yield* catchUp(owner, later(2))
      const rights = yield* rightsOf(owner.sql, schema, role)
      const tables = [...Object.keys(ofApplication), "view_1", "view_2"]
      assert.deepStrictEqual(rights, Object.fromEntries(tables.map((table) => [table, "r"])))
      assert.deepStrictEqual(yield* sequencesOf(owner.sql, schema, role), { events_position: "r", noted: "r" })
      const reader = yield* openStores({ schema, migrate: false }, { startupParameters: { role } })
      for (const version of [1, 2]) {
        assert.deepStrictEqual(
          [...(yield* reader.records.load({ view: Positions.name, version }, ["all"])).states],
          [["all", [1]]]
        )
      }
      assert.lengthOf(yield* reader.records.status, 2)
      assert.lengthOf(yield* Stream.runCollect(reader.events.readAll()), 1)
      assert.lengthOf(yield* reader.sql.unsafe(`select from ${schema}.stream('Thing-1')`), 1)
      assert.lengthOf(yield* reader.sql.unsafe(`select from ${schema}.projections`), 2)
      const error = yield* Effect.flip(appendTo(reader, "2"))
      assert.include(String(error), "permission denied")
    })
  )

  it.live("are granted to several roles, again and by several processes at once, whatever their names are", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const sql = yield* client()
      const grantTo = [`${schema} "A'$grants$%s`, `${schema}_b`]
      for (const role of grantTo) {
        const quoted = `"${role.replaceAll('"', '""')}"`
        yield* Effect.acquireRelease(sql.unsafe(`create role ${quoted}`), () =>
          Effect.ignore(Effect.andThen(sql.unsafe(`drop owned by ${quoted}`), sql.unsafe(`drop role ${quoted}`)))
        )
      }
      const stores = yield* openStores({ schema, views: [Positions] })
      yield* catchUp(stores)
      yield* Effect.forEach(Array.from({ length: 8 }), () => migrate(sql, { schema, grantTo }), {
        concurrency: "unbounded"
      })
      for (const role of grantTo) {
        assert.deepStrictEqual(yield* rightsOf(sql, schema, role), { ...ofApplication, view_1: "arwd" })
      }
    })
  )

  it.live("are not granted to a role that does not exist, and then nothing is changed", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const sql = yield* client()
      const error = yield* Effect.flip(migrate(sql, { schema, grantTo: `${schema}_nobody` }))
      assert.strictEqual(error.reason._tag, "Rejected")
      assert.include(error.message, `role "${schema}_nobody" does not exist`)
      assert.lengthOf(yield* sql`select from pg_namespace where nspname = ${schema}`, 0)
    })
  )

  it.live("stay when the owner migrates a schema of version 5", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("rights")
      yield* restore(sql, readFileSync(new URL("dumps/version5.sql", import.meta.url), "utf8"))
      const [role, reader, stranger] = [yield* newRole(sql), yield* newRole(sql), yield* newRole(sql)]
      for (const statement of [
        `grant usage on schema hexfold to ${role}`,
        `grant select, insert, update, delete on all tables in schema hexfold to ${role}`,
        `grant usage, select on all sequences in schema hexfold to ${role}`,
        `grant select on all tables in schema hexfold to ${reader}`
      ]) {
        yield* sql.unsafe(statement)
      }
      yield* bring(sql, "hexfold", present)
      for (const open of [PgMigrations.verify(), PgMigrations.run()]) yield* as(sql, role, open)
      yield* as(
        sql,
        role,
        Effect.flatMap(storesOn(sql, { migrate: false }), (stores) => appendTo(stores, "1"))
      )
      for (const [of, rights] of [
        [role, "arwd"],
        [reader, "r"],
        [stranger, ""]
      ] as const) {
        assert.strictEqual((yield* rightsOf(sql, "hexfold", of))["snapshots"], rights)
      }
      const error = yield* Effect.flip(as(sql, stranger, PgMigrations.verify()))
      assert.include(error.message, "permission denied for schema hexfold")
      assert.include(error.message, "grant the rights again after a migration")
    })
  )

  it.live("cover what later migrations create", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("default_rights")
      const role = yield* newRole(sql)
      yield* bring(sql, "hexfold", present)
      for (const statement of PgMigrations.grants(role)) yield* sql.unsafe(statement)
      yield* bring(sql, "hexfold", next)
      assert.strictEqual((yield* rightsOf(sql, "hexfold", role))["next"], "arwd")
    })
  )
})

const migrate = (sql: PgClient.PgClient, options: PgMigrations.Options) =>
  Effect.provideService(PgMigrations.run(options), SqlClient.SqlClient, sql)

/** Runs an effect as a role, on one connection. */
const as = <A, E, R>(sql: PgClient.PgClient, role: string, effect: Effect.Effect<A, E, R>) =>
  sql
    .withTransaction(Effect.andThen(sql.unsafe(`set local role ${role}`), effect))
    .pipe(Effect.provideService(SqlClient.SqlClient, sql))
