import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgEventStore, PgStores } from "@hexfold/adapters-pg"
import { EventStore, type Query, Projection, StreamId, ViewStore } from "@hexfold/core"
import { Context, DateTime, Effect, Exit, Layer, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newDatabase, transacted } from "../support/database.ts"
import { event } from "../support/events.ts"
import { Positions } from "../support/inlineViews.ts"
import { present } from "../support/library.ts"
import { appendOne, type OneAppend } from "../support/appendOne.ts"

/** A client that keeps the text of every statement. */
const recording = <C extends SqlClient.SqlClient>(sql: C, texts: Set<string>): C =>
  new Proxy(sql, {
    get: (target, key) => {
      if (key === "withoutTransforms") return () => recording(target.withoutTransforms(), texts)
      if (key !== "unsafe") return Reflect.get(target, key) as unknown
      return (statement: string, binds: ReadonlyArray<unknown>) => {
        texts.add(statement)
        return target.unsafe(statement, binds)
      }
    }
  })

const streamOf = (name: string) => StreamId.make("Thing", name)

const path = ["n"] as const

const queries: ReadonlyArray<Query.Query | Query.Count> = [
  { _tag: "Records", view: Positions.name, orderBy: [{ path, direction: "desc" }], limit: 1 },
  {
    _tag: "Records",
    view: Positions.name,
    orderBy: [],
    where: {
      _tag: "Or",
      filters: [
        { _tag: "Compare", path, is: "gt", value: 1 },
        { _tag: "Compare", path, is: "eq", value: "x".repeat(100) },
        { _tag: "In", path, values: [1, "a", "b".repeat(100)] },
        { _tag: "Overlaps", path, values: [1] },
        { _tag: "Text", path, is: "contains", text: "a", ignoreCase: true },
        { _tag: "Text", path, is: "startsWith", text: "a", ignoreCase: false },
        { _tag: "Not", filter: { _tag: "IsNull", path } }
      ]
    }
  },
  { _tag: "Count", view: Positions.name }
]

/** Opens the stores, and does what a port can do. Returns what it has read. */
const work = (sql: PgClient.PgClient) =>
  Effect.gen(function* () {
    const stores = yield* Layer.build(
      PgStores.layer({ views: [Positions], commandRetention: "1 day", leftAfter: 0 }).pipe(
        Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
      )
    )
    const events = Context.get(stores, EventStore.EventStore)
    const records = Context.get(stores, ViewStore.ViewStore)
    const append = (names: ReadonlyArray<string>, more: Partial<OneAppend> = {}, given?: EventStore.Write["events"]) =>
      appendOne(events, {
        writes: names.map((name) => ({ streamId: streamOf(name), events: given ?? [event()] })),
        conditions: [],
        ...more
      })
    const on = <A, E>(effect: Effect.Effect<A, E, Projection.Stores>) => Effect.provideContext(effect, stores)
    const command = { id: crypto.randomUUID(), fingerprint: "f" }
    const isNew = { _tag: "Stream", streamId: streamOf("none"), expected: { _tag: "NoStream" } } as const
    yield* append(["a", "b"], { command, conditions: [isNew] })
    yield* append(["a"], { command })
    yield* append(["c"], {}, [{ ...event(), recordedAt: DateTime.makeUnsafe("2001-01-01T00:00:00Z") }])
    yield* Effect.exit(append(["a"], { conditions: [{ ...isNew, streamId: streamOf("a") }] }))
    yield* Effect.exit(append(["b"], {}, [{ ...event(), recordedAt: DateTime.makeUnsafe("2001-01-01T00:00:00Z") }]))
    yield* transacted(sql, append(["d", "e"]))
    const log = yield* Stream.runCollect(events.readAll({ aggregates: ["Thing"], types: ["Happened"] }))
    yield* Stream.runCollect(events.readAll({ direction: "backwards" }))
    for (const direction of ["forwards", "backwards"] as const) {
      yield* Stream.runCollect(events.readStream(streamOf("a"), { direction, types: ["Happened"] }))
    }
    const { appended } = yield* events.readStreams([{ streamId: streamOf("a") }, { streamId: streamOf("no") }], command)
    assert.strictEqual(appended?.streams.length, 3)
    yield* on(Projection.catchUp(Positions))
    yield* append(["a"])
    yield* on(Projection.rebuild(Positions))
    yield* on(Projection.catchUp({ ...Positions, consistency: "async", version: 2 }, { parts: 2 }))
    yield* on(Effect.exit(Projection.verify(Positions)))
    yield* append(["a"])
    // Version 1 has no owner, and version 2 had one after that: version 1 is left until it has caught up.
    const former = { ...Positions, consistency: "async", version: 4 } as const
    for (let i = 0; i < 2; i++) {
      yield* on(Projection.catchUp(former))
      yield* append(["a"])
      yield* on(Projection.catchUp({ ...former, version: 5 }))
    }
    assert.strictEqual((yield* Effect.flip(records.load({ view: former.name, version: 4 }, [])))._tag, "NotServing")
    yield* on(Projection.drop({ view: former, version: 4 }))
    yield* append(["poison"], {}, [{ ...event(), data: { n: 13 } }])
    const parking = { ...Positions, consistency: "async", version: 3, onPoison: "park" } as const
    yield* on(Effect.exit(Projection.catchUp(parking)))
    yield* on(Effect.exit(Stream.runCollect(Projection.deadLetters(parking))))
    yield* on(Effect.exit(Projection.retryParked(parking)))
    // The version that had an owner last is not left.
    const { name: view, version } = parking
    for (const query of queries) {
      yield* query._tag === "Count" ? records.query(query, version) : records.query(query, version)
    }
    yield* records.load({ view, version }, ["all", "x".repeat(100)])
    yield* records.status
    yield* Stream.runHead(events.horizons)
    yield* PgEventStore.sweepCommands({ olderThan: "1 day" }).pipe(Effect.provideService(SqlClient.SqlClient, sql))
    return log.length
  }).pipe(Effect.scoped)

/** What calls a function in the grammar of SQL, and a call that the grammar takes for Postgres' own. */
const grammar = new Set(["coalesce", "greatest", "least", "exists", "substring", "row", "values", "any", "all", "in"])

/** Plants functions and operators that a call without a schema may mean. */
const plant = (names: ReadonlyArray<string>, operators: ReadonlyArray<string>) => `
do $$
declare
  v_types text[] := '{text, int4, int8, float8, jsonb, oid, name, timestamptz, interval, bytea, tid, regclass, text[], int4[], int8[], jsonb[]}';
  v_name text;
  v_one text;
  v_two text;
  v_three text;
begin
  foreach v_name in array array[${names.map((name) => `'${name}'`).join(", ")}] loop
    foreach v_one in array v_types loop
      execute pg_catalog.format('create function public.%I(%s) returns text language plpgsql as %L', v_name, v_one, public.trap(v_name));
      foreach v_two in array v_types loop
        execute pg_catalog.format('create function public.%I(%s, %s) returns text language plpgsql as %L', v_name, v_one, v_two, public.trap(v_name));
      end loop;
    end loop;
    foreach v_one in array v_types[1:3] loop
      foreach v_two in array v_types[1:3] loop
        foreach v_three in array v_types[1:3] loop
          execute pg_catalog.format('create function public.%I(%s, %s, %s) returns text language plpgsql as %L', v_name, v_one, v_two, v_three, public.trap(v_name));
        end loop;
      end loop;
    end loop;
  end loop;
  foreach v_one in array v_types loop
    foreach v_two in array v_types loop
      execute pg_catalog.format('create function public.operand(%s, %s) returns bool language plpgsql as %L', v_one, v_two, public.trap('operator'));
      foreach v_name in array array[${operators.map((name) => `'${name}'`).join(", ")}] loop
        execute pg_catalog.format('create operator public.%s (function = public.operand, leftarg = %s, rightarg = %s)', v_name, v_one, v_two);
      end loop;
    end loop;
  end loop;
end $$`

describe("a role that may create objects in a schema of the search path", () => {
  it.live("cannot run anything as the application, whatever a store does", () =>
    Effect.gen(function* () {
      const texts = new Set<string>()
      const calm = yield* newDatabase("calm")
      const count = yield* work(recording(calm, texts))
      const [{ names }] = (yield* calm.unsafe(
        "select array_agg(distinct proname::text) as names from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
      )) as unknown as [{ readonly names: ReadonlyArray<string> }]
      const sources = (yield* calm.unsafe<{ readonly text: string }>(
        "select pg_get_functiondef(oid) as text from pg_proc where pronamespace = 'hexfold'::regnamespace"
      )).map(({ text }) => text)
      const known = new Set(names)
      const called = (text: string): ReadonlyArray<string> =>
        Array.from(text.replaceAll(/'[^']*'/g, "''").matchAll(/([.\w"]*?)\b([a-z_0-9]+)\s*\(/g))
          .filter(([, before, name]) => !before!.endsWith(".") && known.has(name!) && !grammar.has(name!))
          .map(([, , name]) => name!)

      // Migrations have a search path of their own while they run.
      const migrating = new Set(present.migrations.flatMap(({ statements }) => statements('"hexfold"')))
      // A call with several arguments is Postgres' own by the grammar, and only without a schema.
      const isGrammar = (text: string, name: string) => name === "unnest" && /unnest\([^()]*,[^()]*\)/.test(text)
      for (const text of texts) {
        if (migrating.has(text) || text.trimStart().startsWith("create or replace function")) continue
        const open = called(text).filter((name) => !isGrammar(text, name))
        assert.deepStrictEqual(open, [], `say pg_catalog in: ${text}`)
      }

      const all = [...texts, ...sources]
      const functions = new Set(
        all.flatMap((text) => Array.from(text.matchAll(/\b([a-z_0-9]+)\s*\(/g), ([, name]) => name!))
      )
      const operators = new Set(
        all.flatMap((text) =>
          Array.from(text.replaceAll(/'[^']*'/g, "''").matchAll(/[-+*/<>=~!@#%^&|]+/g), ([name]) => name!)
        )
      )
      const planted = (yield* calm.unsafe<{ readonly name: string }>(
        "select distinct oprname::text as name from pg_operator"
      )).flatMap(({ name }) => (operators.has(name) ? [name] : []))

      const sql = yield* newDatabase("hostile")
      yield* sql.unsafe("create table public.trapped (name text, role text)")
      yield* sql.unsafe("grant all on public.trapped to public")
      yield* sql.unsafe("grant create on schema public to public")
      yield* sql.unsafe(`create function public.trap(p_name text) returns text language sql as $$
        select pg_catalog.format('begin insert into public.trapped values (%L, current_user); return null; end', p_name) $$`)
      const evil = `evil_${crypto.randomUUID().replaceAll("-", "")}`
      yield* Effect.acquireRelease(sql.unsafe(`create role ${evil}`), () =>
        Effect.ignore(Effect.andThen(sql.unsafe(`drop owned by ${evil} cascade`), sql.unsafe(`drop role ${evil}`)))
      )
      const planting = plant(
        [...functions].filter((name) => known.has(name) && !grammar.has(name)),
        planted
      )
      yield* transacted(sql, Effect.andThen(sql.unsafe(`set local role ${evil}`), sql.unsafe(planting)))

      // The traps work: a careless statement falls into one.
      yield* Effect.exit(sql.unsafe("select cardinality(array[1])"))
      const careless = yield* sql.unsafe<{ readonly name: string }>("select name from public.trapped")
      assert.deepStrictEqual(careless, [{ name: "cardinality" }])
      yield* sql.unsafe("truncate public.trapped")

      const worked = yield* Effect.exit(work(sql))
      assert.deepStrictEqual(yield* sql.unsafe("select distinct name from public.trapped"), [])
      assert.isTrue(Exit.isSuccess(worked), String(worked))
      assert.isTrue(Exit.isSuccess(worked) && worked.value === count)
    }).pipe(Effect.scoped)
  )

  it.live("every function of the schema has its own search path, or a body that was parsed when it was created", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("paths")
      yield* work(sql)
      const open = yield* sql.unsafe(
        `select proname from pg_proc where pronamespace = 'hexfold'::regnamespace
         and prosqlbody is null and not coalesce('search_path=pg_catalog, pg_temp' = any (proconfig), false)`
      )
      assert.deepStrictEqual(open, [])
    }).pipe(Effect.scoped)
  )
})
