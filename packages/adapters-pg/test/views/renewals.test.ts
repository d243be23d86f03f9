/** What the renewals of leases cost the server, and what they wait for. */
import { assert, it } from "@effect/vitest"
import { PgViewStore } from "@hexfold/adapters-pg"
import { Deferred, Duration, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { newSchema, openViews, viewsOf } from "../support/database.ts"

const together = { concurrency: "unbounded" } as const
const lease = Duration.minutes(1)

/** A client that notes its statements. */
const noting = (sql: SqlClient.SqlClient, statements: Array<string>): SqlClient.SqlClient =>
  new Proxy(sql, {
    get: (sql, name) => {
      if (name === "withoutTransforms") return () => noting(sql.withoutTransforms(), statements)
      if (name !== "unsafe") return Reflect.get(sql, name) as unknown
      return (...statement: Parameters<typeof sql.unsafe>) => {
        statements.push(statement[0])
        return sql.unsafe(...statement)
      }
    }
  })

const opened = Effect.gen(function* () {
  const schema = yield* newSchema
  const plain = yield* openViews({ schema })
  const statements: Array<string> = []
  const store = viewsOf(
    yield* Effect.provideService(
      PgViewStore.make({ schema, migrate: false }),
      SqlClient.SqlClient,
      noting(plain.sql, statements)
    )
  )
  const generations = Array.from({ length: 40 }, (_, i) => ({ view: `Things${i}`, version: 1 }))
  const owners = yield* Effect.forEach(generations, (generation) =>
    Effect.map(store.claim({ generation, owner: "one", lease }), (claimed) => {
      assert.ok(claimed._tag === "Owned")
      return { generation, epoch: claimed.epoch }
    })
  )
  const renew = ({ epoch, generation }: (typeof owners)[number], to: number) =>
    store.claim({ generation, owner: "one", lease, renews: { epoch, passed: { from: 0, to, history: 1 } } })
  return { schema, sql: plain.sql, store, owners, renew, statements }
})

it.live("the leases of many views are renewed with one statement, and with their positions", () =>
  Effect.gen(function* () {
    const { owners, renew, statements, store } = yield* opened
    statements.length = 0
    const renewed = yield* Effect.forEach(owners, (owner, i) => renew(owner, i), together)
    assert.deepStrictEqual(
      renewed.map((each) => each._tag === "Owned" && [each.epoch, each.position]),
      owners.map(({ epoch }, i) => [epoch, i])
    )
    assert.strictEqual(statements.length, 1)
    const all = yield* store.views.status
    for (const [i, { generation }] of owners.entries()) {
      assert.strictEqual(all.find(({ view }) => view === generation.view)?.position, i)
    }
  })
)

it.live("a part that another transaction has locked holds up no other lease", () =>
  Effect.gen(function* () {
    const { owners, renew, schema, sql } = yield* opened
    const [locked, free] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const holding = yield* Effect.forkChild(
      sql.withTransaction(
        sql
          .unsafe(`select from ${schema}.view_parts where generation = 1 for update`)
          .pipe(Effect.andThen(Deferred.succeed(locked, undefined)), Effect.andThen(Deferred.await(free)))
      )
    )
    yield* Deferred.await(locked)
    const [first, ...others] = yield* Effect.forEach(owners, (owner) => Effect.forkChild(renew(owner, 7)))
    const renewed = yield* Effect.forEach(others, Fiber.join)
    assert.isTrue(renewed.every((each) => each._tag === "Owned" && each.position === 7))
    assert.isUndefined(first!.pollUnsafe())
    yield* Deferred.succeed(free, undefined)
    yield* Fiber.join(holding)
    assert.deepInclude(yield* Fiber.join(first!), { _tag: "Owned", position: 7, epoch: owners[0]!.epoch })
  })
)
