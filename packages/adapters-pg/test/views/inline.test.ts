import { assert, it } from "@effect/vitest"
import { EventStoreError, Projection } from "@hexfold/core"
import { Effect, Fiber, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { openStores } from "../support/database.ts"
import {
  Again,
  appendTo,
  assertLaw,
  catchUp,
  eventually,
  isInline,
  on,
  opened,
  Positions
} from "../support/inlineViews.ts"

describe("inline views", () => {
  it.live("connections that are cut in the middle lose nothing and double nothing", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(1)
      const [killer] = instances as [(typeof instances)[0]]
      const applicationName = `workers_${schema}`
      const open = openStores({ schema, views: [Positions] }, { applicationName })
      const workers = [yield* open, yield* open]
      let stopped = false
      const loading = yield* Effect.forEach(
        workers.flatMap((worker) => ["a", "b", "c", "d"].map((name) => ({ worker, name }))),
        ({ name, worker }) =>
          Effect.forkChild(
            Effect.whileLoop({
              while: () => !stopped,
              body: () => Effect.exit(appendTo(worker, name)),
              step: () => {}
            })
          )
      )
      for (let killed = 0; killed < 20;) {
        const rows = yield* killer.sql.unsafe(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = $1 and state <> 'idle' and (query like $2 or query like 'COMMIT%') limit 1`,
          [applicationName, `%"${schema}".%`]
        )
        killed += rows.length
        yield* Effect.yieldNow
      }
      stopped = true
      yield* Effect.forEach(loading, Fiber.join)
      yield* catchUp(killer)
      yield* assertLaw(killer)
    })
  )

  it.live("a promotion never gets the number of one that the database has lost", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(1)
      const [one] = instances as [(typeof instances)[0]]
      const promotion = Effect.map(
        one.sql.unsafe<{ readonly promotion: bigint }>(`select promotion from ${schema}.views where inline`),
        ([row]) => row!.promotion
      )
      const lost = yield* promotion
      // As after a restore: the database knows nothing of the promotion.
      yield* one.sql.unsafe(`update ${schema}.inline_changes set count = count - 1`)
      yield* one.sql.unsafe(`update ${schema}.views set inline = false, promotion = 0`)
      yield* catchUp(one)
      assert.notStrictEqual(yield* promotion, lost)
      yield* appendTo(one, "a")
      yield* assertLaw(one)
    })
  )

  it.live("a view whose records cannot be written does not fail a command", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(1)
      const [one] = instances as [(typeof instances)[0]]
      const [table] = yield* one.sql.unsafe<{ name: string }>(
        "select tablename as name from pg_tables where schemaname = $1 and tablename ~ '^view_[0-9]+$'",
        [schema]
      )
      yield* appendTo(one, "a")
      yield* one.sql.unsafe(`alter table ${schema}.${table!.name} rename to gone`)
      yield* appendTo(one, "a")
      assert.isFalse(yield* isInline(one))
      yield* one.sql.unsafe(`alter table ${schema}.gone rename to ${table!.name}`)
      yield* catchUp(one)
      assert.isTrue(yield* isInline(one))
      yield* assertLaw(one)
    })
  )

  it.live("one of two views whose records cannot be read does not fail a command, and the other one is right", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(1, [Positions, Again])
      const [one] = instances as [(typeof instances)[0]]
      yield* catchUp(one, Again)
      const [table] = yield* one.sql.unsafe<{ name: string }>(
        `select 'view_' || id as name from ${schema}.views where view = 'Again' and inline`
      )
      yield* appendTo(one, "a")
      yield* one.sql.unsafe(`alter table ${schema}.${table!.name} rename to gone`)
      yield* appendTo(one, "a")
      yield* catchUp(one)
      yield* assertLaw(one)
      yield* one.sql.unsafe(`alter table ${schema}.gone rename to ${table!.name}`)
      yield* catchUp(one, Again)
      yield* appendTo(one, "a")
      yield* assertLaw(one)
      yield* assertLaw(one, Again)
      assert.deepStrictEqual(
        (yield* one.records.status).map(({ inline }) => inline),
        [true, true]
      )
    })
  )

  it.live("a view whose records are locked does not fail a command", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(1)
      const [one] = instances as [(typeof instances)[0]]
      const impatient = { startupParameters: { lock_timeout: "100ms" } }
      const other = yield* openStores({ schema, views: [Positions] }, impatient)
      const [table] = yield* one.sql.unsafe<{ name: string }>(
        "select tablename as name from pg_tables where schemaname = $1 and tablename ~ '^view_[0-9]+$'",
        [schema]
      )
      yield* appendTo(other, "a")
      yield* one.transaction!(
        Effect.andThen(one.sql.unsafe(`lock table ${schema}.${table!.name} in share mode`), appendTo(other, "a"))
      )
      assert.isFalse(yield* isInline(one))
      yield* catchUp(one)
      yield* assertLaw(one)
    })
  )

  it.live(
    "inside a transaction, an append that cannot maintain a view is undone alone, and its error names the reason",
    () =>
      Effect.gen(function* () {
        const { instances, schema } = yield* opened(1)
        const [one] = instances as [(typeof instances)[0]]
        const stranger = yield* openStores({ schema })
        yield* one.transaction!(
          Effect.gen(function* () {
            yield* appendTo(one, "a")
            const error = yield* Effect.flip(appendTo(one, "b", 13))
            assert.ok(error instanceof EventStoreError && error.isRetryable)
            assert.include(error.message, "repeat the transaction")
          })
        )
        assert.strictEqual((yield* Stream.runCollect(one.events.readAll())).length, 1)
        yield* eventually(Effect.map(isInline(one), (inline) => !inline))
        yield* catchUp(one)
        const transaction = stranger.transaction!(appendTo(stranger, "a"))
        const error = yield* Effect.flip(transaction)
        assert.ok(error instanceof EventStoreError && error.isRetryable)
        yield* eventually(Effect.map(isInline(one), (inline) => !inline))
        yield* transaction
        yield* catchUp(one)
        yield* assertLaw(one)
      })
  )

  it.live(
    "a process older than inline views goes on appending, and appends stop maintaining the views that it touches",
    () =>
      Effect.gen(function* () {
        const { instances, schema } = yield* opened(1)
        const [one] = instances as [(typeof instances)[0]]
        yield* appendTo(one, "a")
        const appendAs = (stream: string, type: string) =>
          one.sql.unsafe(
            `select o_positions from ${schema}.append(array['${stream}'], null, array[-1], array[1], array[0], array[1],
           array[1], array[gen_random_uuid()], array['${type}'], array['{"n":1}'::jsonb], array['{}'::jsonb],
           '{}', '{}', '{}', false)`
          )
        yield* appendAs("Other-a", "Happened")
        assert.isTrue(yield* isInline(one))
        yield* Effect.all([appendAs("Thing-a", "Happened"), appendAs("Thing-b", "Happened"), appendTo(one, "a")], {
          concurrency: "unbounded"
        })
        assert.isFalse(yield* isInline(one))
        yield* catchUp(one)
        const [row] = (yield* one.records.query({ _tag: "Records", view: "Positions", orderBy: [] }, 1)).rows
        const log = yield* Stream.runCollect(one.events.readAll())
        const positions = log.flatMap(({ position, streamId }) => (streamId === "Other-a" ? [] : [position]))
        assert.lengthOf(positions, 4)
        assert.deepStrictEqual(row?.state, positions)
      })
  )

  it.live("a stricter transaction does not append beside a view that it cannot maintain", () =>
    Effect.gen(function* () {
      const { instances } = yield* opened(2)
      const [one, other] = instances as [(typeof instances)[0], (typeof instances)[0]]
      const strict = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.provideService(
          one.sql.withTransaction(effect),
          SqlClient.BeginTransaction,
          "BEGIN ISOLATION LEVEL REPEATABLE READ"
        )
      const refused = yield* Effect.flip(strict(appendTo(one, "a")))
      assert.ok(refused._tag === "EventStoreError" && refused.reason._tag === "Rejected")
      assert.include(refused.message, "READ COMMITTED")
      // The flags that it sees are older than the promotion.
      yield* on(one, Projection.catchUp({ ...Positions, consistency: "async" }))
      const late = yield* Effect.flip(
        strict(
          Effect.gen(function* () {
            yield* one.sql.unsafe("select 1")
            yield* catchUp(other)
            return yield* appendTo(one, "a")
          })
        )
      )
      assert.ok(late._tag === "EventStoreError" && late.isRetryable)
      yield* assertLaw(one)
    })
  )
})
