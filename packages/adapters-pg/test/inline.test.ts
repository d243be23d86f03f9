import { assert, it } from "@effect/vitest"
import {
  Aggregate,
  Decision,
  EventStore,
  EventStoreError,
  Projection,
  Query,
  Records,
  StreamId,
  View,
  ViewStore
} from "@hexfold/core"
import type { InlineContract } from "@hexfold/testing/contracts"
import { Effect, Fiber, Schedule, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newSchema, openStores } from "./database.ts"
import { event } from "./events.ts"

const Happened = Schema.TaggedStruct("Happened", { n: Schema.Int })

const Thing = Aggregate.make("Thing", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Schema.TaggedStruct("Do", {})],
  events: [Happened],
  errors: [],
  decide: { Do: () => Decision.accept(Happened.make({ n: 1 })) },
  evolve: { Happened: (count) => count + 1 }
})

// The positions that were applied; the number 13 cannot be.
const Positions = View.make("Positions", {
  from: [Thing],
  consistency: "inline",
  state: Schema.Array(Schema.Int),
  key: () => "all",
  evolve: {
    Happened: (positions: ReadonlyArray<number> = [], { n }, { position }) => {
      if (n === 13) throw new Error("13")
      return [...positions, position]
    }
  }
})

const opened = (count: number, views: ReadonlyArray<View.Any> = [Positions]) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    const instances = yield* Effect.forEach(Array.from({ length: count }), () => openStores({ schema, views }))
    yield* catchUp(instances[0]!)
    return { schema, instances }
  })

const on = <A, E>(
  { events, records }: InlineContract.Instance,
  effect: Effect.Effect<A, E, EventStore.EventStore | ViewStore.ViewStore>
) =>
  effect.pipe(Effect.provideService(EventStore.EventStore, events), Effect.provideService(ViewStore.ViewStore, records))

const catchUp = (instance: InlineContract.Instance) =>
  on(instance, Projection.catchUp(Positions, { pause: "10 millis" }))

const isInline = ({ records }: InlineContract.Instance) =>
  Effect.map(records.status, (all) => all.some((each) => each.inline))

const eventually = <E>(holds: Effect.Effect<boolean, E>) =>
  Effect.repeat(holds, { until: (done) => done, schedule: Schedule.spaced("10 millis") })

const appendTo = (instance: InlineContract.Instance, name: string, n = 1) =>
  instance.events.append({
    writes: [{ streamId: StreamId.make("Thing", name), events: [{ ...event(), data: { n } }] }],
    conditions: []
  })

const assertLaw = (instance: InlineContract.Instance) =>
  Effect.gen(function* () {
    const log = yield* Stream.runCollect(instance.events.readAll())
    const { rows } = yield* on(instance, Records.query(Positions, Query.from(Positions)))
    assert.deepStrictEqual(
      rows[0]?.state ?? [],
      log.map(({ position }) => position)
    )
  })

describe("inline views", () => {
  it.live("connections that are cut in the middle lose nothing and double nothing", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(3)
      const [killer, ...workers] = instances as [(typeof instances)[0], ...typeof instances]
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
           where pid <> pg_backend_pid() and state <> 'idle' and (query like $1 or query like 'COMMIT%') limit 1`,
          [`%"${schema}".%`]
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

  it.live("inside a transaction, an append that cannot maintain a view is undone alone and says so", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(1)
      const [one] = instances as [(typeof instances)[0]]
      const stranger = yield* openStores({ schema })
      yield* one.transaction!(
        Effect.gen(function* () {
          yield* appendTo(one, "a")
          const error = yield* Effect.flip(appendTo(one, "b", 13))
          assert.ok(error instanceof EventStoreError.EventStoreError && error.isRetryable)
          assert.include(error.message, "repeat the transaction")
        })
      )
      assert.strictEqual((yield* Stream.runCollect(one.events.readAll())).length, 1)
      yield* eventually(Effect.map(isInline(one), (inline) => !inline))
      yield* catchUp(one)
      const transaction = stranger.transaction!(appendTo(stranger, "a"))
      const error = yield* Effect.flip(transaction)
      assert.ok(error instanceof EventStoreError.EventStoreError && error.isRetryable)
      yield* eventually(Effect.map(isInline(one), (inline) => !inline))
      yield* transaction
      yield* catchUp(one)
      yield* assertLaw(one)
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
      // What it sees of the flags is older than the promotion.
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
