import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import {
  type EventStore,
  EventStoreError,
  type ProjectionStore,
  SnapshotStoreError,
  StreamId,
  ViewStoreError
} from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Duration, Effect, Exit, type Scope, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newRole, newSchema, openStore, openStores, openViews } from "../support/database.ts"
import { event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const streamId = StreamId.make("Account", "a")
const command = { id: "known", fingerprint: "f" }
const generation = { view: "Things", version: 1 }
const withKey = { writes: [{ streamId, events: [event()] }], conditions: [], command }
const tables = ["streams", "events", "commands", "log", "histories", "life", "migrations", "revisions", "views"]
const tablesOfViews = ["view_parts", "view_letters", "inline_changes", "view_1"]

const types = [event().type]
const backwards = { direction: "backwards" } as const

const claimed = (projections: ProjectionStore.ProjectionStore["Service"]) =>
  projections.claim({ generation, owner: "test", lease: Duration.zero })

/** A log with events, a command id and a record, and a role that may do what an application does. */
const made = Effect.gen(function* () {
  const schema = yield* newSchema
  const owner = yield* openStores({ schema })
  yield* appendOne(owner.events, withKey)
  const first = yield* claimed(owner.projections)
  assert.ok(first._tag === "Owned")
  const record = { put: [{ key: "a", state: 1 }], remove: [] }
  const commit = { owner: { generation, epoch: first.epoch }, from: 0, to: 1, records: record }
  yield* owner.projections.commit({ ...commit, asks: "serve" })
  const role = yield* newRole(owner.sql)
  yield* PgMigrations.run({ schema, grantTo: role }).pipe(Effect.provideService(SqlClient.SqlClient, owner.sql))
  const hide = (table: string, policy = "using (false)") =>
    Effect.andThen(
      owner.sql.unsafe(`alter table ${schema}.${table} enable row level security`),
      owner.sql.unsafe(`create policy hides on ${schema}.${table} ${policy}`)
    )
  const show = (table: string) =>
    Effect.andThen(
      owner.sql.unsafe(`drop policy hides on ${schema}.${table}`),
      owner.sql.unsafe(`alter table ${schema}.${table} disable row level security`)
    )
  return { schema, owner, role, hide, show }
})

const portErrors = [EventStoreError, SnapshotStoreError, ViewStoreError]

/** Why the stores did not open. The stores open together: any of them may be the first to be refused. */
const reasonOf = <A, E>(exit: Exit.Exit<A, E>) => {
  const [reason] = Exit.isFailure(exit) ? exit.cause.reasons : []
  const error = reason?._tag === "Fail" ? reason.error : undefined
  for (const portError of portErrors) if (error instanceof portError) return error.reason
  return assert.fail(`not an error of a port: ${JSON.stringify(exit)}`)
}

const all = [...tables, ...tablesOfViews]

describe("a role from which row-level security hides rows", () => {
  it.live("is refused when a store opens, whichever table it is, and is told what to do", () =>
    Effect.gen(function* () {
      const { hide, role, schema, show } = yield* made
      const as = { startupParameters: { role } }
      for (const table of all) {
        yield* hide(table)
        for (const migrate of [true, false]) {
          const opening = [
            Effect.asVoid(openStore({ schema, migrate }, as)),
            Effect.asVoid(openViews({ schema, migrate }, as))
          ]
          for (const open of opening) {
            const reason = reasonOf(
              yield* Effect.exit<unknown, unknown, never>(Effect.scoped<unknown, unknown, Scope.Scope>(open))
            )
            assert.strictEqual(reason._tag, "Rejected")
            assert.include(reason.detail, `the table "${schema}"."${table}" from the role ${role}`)
            assert.include(reason.detail, "BYPASSRLS")
          }
        }
        yield* show(table)
      }
      yield* openStores({ schema }, as)
    })
  )

  it.live("may be the owner of the tables, and one that has BYPASSRLS sees all rows", () =>
    Effect.gen(function* () {
      const { hide, owner, role, schema } = yield* made
      yield* hide("events")
      yield* owner.sql.unsafe(`alter role ${role} bypassrls`)
      const app = yield* openStores({ schema }, { startupParameters: { role } })
      assert.isTrue((yield* appendOne(app.events, withKey)).repeated)
      yield* owner.sql.unsafe(`alter role ${role} nobypassrls`)
      yield* owner.sql.unsafe(`alter table ${schema}.events owner to ${role}`)
      yield* owner.sql.unsafe(`alter table ${schema}.events force row level security`)
      const refused = openStores({ schema }, { startupParameters: { role } })
      const reason = reasonOf(yield* Effect.exit<unknown, unknown, never>(Effect.scoped(refused)))
      assert.include(reason.detail, `the table "${schema}"."events" from the role ${role}`)
    })
  )

  it.live("and policies of the application's own tables in the schema do not count", () =>
    Effect.gen(function* () {
      const { hide, owner, role, schema } = yield* made
      yield* owner.sql.unsafe(`create table ${schema}.mine (n int)`)
      yield* hide("mine")
      yield* openStores({ schema }, { startupParameters: { role } })
    })
  )

  for (const [what, read] of [
    ["of the log", (events: EventStore.EventStore["Service"]) => events.readAll()],
    ["of a stream", (events: EventStore.EventStore["Service"]) => events.readStream(streamId)],
    ["of a stream, by types", (events: EventStore.EventStore["Service"]) => events.readStream(streamId, { types })],
    ["of a stream, backwards", (events: EventStore.EventStore["Service"]) => events.readStream(streamId, backwards)]
  ] as const) {
    for (const policy of ["using (version > 3)", "using (version < 3)", "using (false)"]) {
      it.live(`gets no later page ${what} when events are hidden while it reads: ${policy}`, () =>
        Effect.gen(function* () {
          const { hide, owner, role, schema } = yield* made
          for (let i = 0; i < 3; i++)
            yield* appendOne(owner.events, { writes: [{ streamId, events: [event()] }], conditions: [] })
          const app = yield* openStores({ schema, pageSize: 1 }, { startupParameters: { role } })
          let count = 0
          const reading = Stream.runForEach(read(app.events), () =>
            ++count === 2 ? Effect.orDie(hide("events", policy)) : Effect.void
          )
          const reason = reasonOf(yield* Effect.exit(reading))
          assert.strictEqual(reason._tag, "Rejected")
          assert.include(reason.detail, "row-level security")
          assert.strictEqual(count, 2)
        })
      )
    }
  }

  it.live("is told which of its operations was refused", () =>
    Effect.gen(function* () {
      const { hide, role, schema } = yield* made
      const { events } = yield* openStores({ schema }, { startupParameters: { role } })
      const { directory } = yield* openStore({ schema }, { startupParameters: { role } })
      yield* appendOne(events, withKey)
      yield* hide("events", "using (false) with check (true)")
      const operations = yield* Effect.forEach(
        [
          events.readStreams([{ streamId }]),
          Stream.runDrain(events.readStream(streamId)),
          Stream.runDrain(events.readAll()),
          directory.list({ aggregate: StreamId.aggregateOf(streamId) }),
          appendOne(events, withKey)
        ],
        (call) => Effect.flip(Effect.asVoid<unknown, EventStoreError | { readonly _tag: string }, never>(call))
      )
      assert.deepStrictEqual(
        operations.map((error) => (error instanceof EventStoreError ? error.operation : error)),
        ["readStreams", "readStream", "readAll", "list", "append"]
      )
    })
  )

  for (const table of ["views", "view_parts"]) {
    it.live(`is refused a claim if rows of ${table} are hidden`, () =>
      Effect.gen(function* () {
        const { hide, role, schema } = yield* made
        const { projections } = yield* openStores({ schema }, { startupParameters: { role } })
        yield* hide(table, "using (false) with check (true)")
        const error = yield* Effect.flip(claimed(projections))
        assert.deepStrictEqual([error.operation, error.view, error.reason._tag], ["claim", "Things", "Rejected"])
        assert.include(error.message, "row-level security may hide rows")
      })
    )
  }

  // A policy may hide rows and take new ones, or hide some rows only.
  const cases = [
    ...all.flatMap((table) => [[table, "using (false)"] as const, [table, "using (false) with check (true)"] as const]),
    ["events", "using (version > 1) with check (true)"] as const,
    ["events", "using (version < 2) with check (true)"] as const,
    ["streams", "using (version > 1) with check (true)"] as const,
    ["streams", "using (id > 1) with check (true)"] as const,
    ["commands", "using (fingerprint <> 'f') with check (true)"] as const
  ]
  for (const [table, policy] of cases) {
    it.live(
      `never gets a wrong answer, a defect or no answer if rows of ${table} are hidden while its process works: ${policy}`,
      () =>
        Effect.gen(function* () {
          const { hide, owner, role, schema } = yield* made
          const app = yield* openStores({ schema }, { startupParameters: { role } })
          const { locks } = yield* openStore({ schema }, { startupParameters: { role } })
          yield* appendOne(app.events, withKey)
          yield* Stream.runCollect(app.events.readAll())
          yield* hide(table)
          const { events, projections, records } = app
          const version = Effect.map(owner.events.readStreams([{ streamId }]), ({ streams }) => streams[0]!.version)
          const condition = (expected: Expectation.Expectation) => [{ _tag: "Stream" as const, streamId, expected }]
          const answer = <A, E>(call: Effect.Effect<A, E>, check: (answer: A) => void) =>
            Effect.map(Effect.exit(call), (exit) => {
              if (Exit.isSuccess(exit)) return check(exit.value)
              assert.include(["Rejected", "Corrupt"], reasonOf(exit)._tag)
            })
          // It is known that the stream exists, so these conditions must not hold.
          const other = StreamId.make("Account", "other")
          for (const writes of [[{ streamId, events: [event()] }], [{ streamId: other, events: [event()] }]]) {
            const wrong = appendOne(events, { writes, conditions: condition(Expectation.noStream) })
            const error = yield* Effect.flip(wrong)
            if (error._tag !== "ConcurrencyConflict")
              assert.include(["Rejected", "Corrupt"], reasonOf(Exit.fail(error))._tag)
          }
          const before = yield* version
          yield* answer(events.readStreams([{ streamId }], command), ({ appended, streams }) => {
            assert.deepStrictEqual([streams[0]!.version, streams[0]!.events.length], [before, before])
            assert.strictEqual(appended?.events.length, 1)
          })
          yield* answer(appendOne(events, withKey), ({ repeated }) => assert.isTrue(repeated))
          const next = { writes: [{ streamId, events: [event()] }], conditions: condition(Expectation.exactly(before)) }
          yield* answer(appendOne(events, next), ({ streams }) => assert.strictEqual(streams[0]!.version, before + 1))
          yield* answer(locks.hold([streamId], [], Effect.void), () => {})
          const log = yield* Stream.runCollect(owner.events.readAll())
          yield* answer(Stream.runCollect(events.readAll()), (read) =>
            assert.deepStrictEqual(
              read.map(({ position }) => position),
              log.map(({ position }) => position)
            )
          )
          for (const options of [{}, backwards, { types }]) {
            yield* answer(Stream.runCollect(events.readStream(streamId, options)), (read) =>
              assert.strictEqual(read.length, log.filter((each) => each.streamId === streamId).length)
            )
          }
          yield* answer(Stream.runHead(events.horizons), () => {})
          yield* answer(claimed(projections), (claimed) => assert.strictEqual(claimed._tag, "Owned"))
          yield* answer(projections.load(generation, ["a"]), () => {})
          yield* answer(records.load(generation, ["a"]), () => {})
          yield* answer(records.query({ _tag: "Count", view: generation.view }, 1), () => {})
          yield* answer(records.status, () => {})
        })
    )
  }
})
