import { PgStores } from "@hexfold/adapters-pg"
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { EventStore, Projection, ProjectionMonitor, StreamId } from "@hexfold/core"
import { Context, Deferred, Effect, Fiber, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { hostname } from "node:os"
import { describe } from "vitest"
import { client, newSchema, openStore, transacted } from "../support/database.ts"
import { append } from "../support/events.ts"
import { Positions } from "../support/inlineViews.ts"

// A view that only projections maintain.
const view = { ...Positions, consistency: "async" as const }

/** The stores of an application, with a client of its own. */
const opened = (schema: string, applicationName: string) =>
  Effect.gen(function* () {
    const sql = yield* client({ applicationName })
    return yield* Layer.build(
      PgStores.layer({ schema, pollInterval: "20 millis" }).pipe(
        Layer.provide([Layer.succeed(PgClient.PgClient, sql), Layer.succeed(SqlClient.SqlClient, sql)])
      )
    )
  })

const thing = StreamId.make("Thing", "a")

describe("the status of a view", () => {
  it.live("names its owner by application, host and process, as the server and the table do", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const [owning, watching] = yield* Effect.all([opened(schema, "billing worker"), opened(schema, "console")])
      yield* Effect.forkScoped(Effect.provide(Projection.run(view), owning))
      const status = Effect.map(Effect.provide(ProjectionMonitor.status([view]), watching), ([first]) => first!)
      const { owners, parts } = yield* Effect.repeat(status, {
        until: ({ state }) => state === "live",
        schedule: Schedule.spaced("20 millis")
      })
      const [name] = owners
      assert.deepStrictEqual(parts[0]!.owner, {
        name: name!,
        application: "billing worker",
        host: hostname(),
        pid: process.pid
      })
      const sql = yield* client()
      const rows = yield* sql.unsafe<{ readonly owner: string }>(`select owner from ${schema}.view_parts`)
      assert.deepStrictEqual(rows, [{ owner: name! }])
      assert.match(name!, new RegExp(`^billing worker@[^#]+:${process.pid}#[0-9a-f-]{36}$`))
    })
  )

  it.live("takes what the application says of its process", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* Effect.provideService(opened(schema, "billing"), Projection.Process, { host: "pod-7" })
      const { application, host, pid } = Context.get(stores, Projection.Process)
      assert.deepStrictEqual([application, host, pid], ["billing", "pod-7", process.pid])
    })
  )

  it.live("says who holds the view back while a transaction that has appended stays open", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* opened(schema, "billing")
      const events = Context.get(stores, EventStore.EventStore)
      yield* append(events, thing, 2)
      yield* Effect.provide(Projection.catchUp(view), stores)
      const importing = yield* openStore({ schema }, { applicationName: "nightly import" })
      const [appended, end] = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
      const transaction = yield* Effect.forkScoped(
        transacted(
          importing.sql,
          append(importing.store, StreamId.make("Other", "a"), 3).pipe(
            Effect.andThen(Deferred.succeed(appended, undefined)),
            Effect.andThen(Deferred.await(end))
          )
        )
      )
      yield* Effect.raceFirst(Deferred.await(appended), Fiber.join(transaction))
      yield* append(events, thing, 1)
      const status = Effect.map(Effect.provide(ProjectionMonitor.status([view]), stores), ([first]) => first!)
      const held = yield* status
      assert.deepInclude(held, { position: 2, horizon: 2, lag: 4, lagAtMost: 4 })
      assert.strictEqual(held.held?.holders[0]?.application, "nightly import")
      assert.isDefined(held.held?.holders[0]?.pid)
      const health = Effect.flip(
        Effect.provide(ProjectionMonitor.health([view], { grace: 0, maxLagTime: "1 hour" }), stores)
      )
      yield* Effect.repeat(health, {
        until: (error) => error.message.includes("held by an open transaction of nightly import, process "),
        schedule: Schedule.spaced("100 millis")
      })
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(transaction)
      const after = yield* Effect.repeat(status, {
        until: ({ held }) => held === undefined,
        schedule: Schedule.spaced("20 millis")
      })
      // The events of others do not count.
      assert.deepInclude(after, { position: 2, horizon: 6, lag: 1, lagAtMost: 1 })
    })
  )
})
