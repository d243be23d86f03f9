import { assert, it } from "@effect/vitest"
import { type EventStore, type EventStoreError, StreamId } from "@hexfold/core"
import { PgMigrations } from "@hexfold/adapters-pg"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newRole, newSchema, openStore } from "../support/database.ts"
import { event } from "../support/events.ts"

const one = StreamId.make("Account", "1")
const other = StreamId.make("Account", "2")
const command = { id: "c", fingerprint: "f" }
const why = "cannot be read: somebody has deleted them, or a policy of the table hides them from this role"

const write = (streamId: StreamId.StreamId, events: ReadonlyArray<EventStore.NewEvent>): EventStore.Append => ({
  conditions: [],
  parts: [{ writes: [{ streamId, events }] }]
})

/** A store of a role from which a policy hides events: two streams, of which the first has 40 events. */
const hiding = (policy: string, data: EventStore.NewEvent["data"] = { n: 1 }) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    const owner = yield* openStore({ schema })
    const events = Array.from({ length: 40 }, (_, i) => ({ ...event(i === 33 ? "Rare" : "Happened"), data }))
    yield* owner.store.append({ conditions: [], parts: [{ writes: [{ streamId: one, events }], command }] })
    yield* owner.store.append(write(other, [event(), event()]))
    const role = yield* newRole(owner.sql)
    yield* Effect.provideService(PgMigrations.run({ schema, grantTo: role }), SqlClient.SqlClient, owner.sql)
    yield* owner.sql.unsafe(`alter table ${schema}.events enable row level security`)
    yield* owner.sql.unsafe(`create policy seen on ${schema}.events for select to ${role} using (${policy})`)
    yield* owner.sql.unsafe(`create policy added on ${schema}.events for insert to ${role} with check (true)`)
    return yield* openStore({ schema, migrate: false }, { startupParameters: { role } })
  })

const read = ({ store }: { readonly store: EventStore.EventStore["Service"] }, after = 0) =>
  store.readStreams([{ streamId: one, after }])

/** The detail of an effect's failure, which must be `Corrupt`. */
const corruption = <A, E extends EventStoreError | { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) =>
    "reason" in error && error.reason._tag === "Corrupt" ? error.reason.detail : error
  )

describe("events that the server does not show", () => {
  for (const [what, policy, missing] of [
    ["all events of a stream", "stream_id <> 'Account-1'", 40],
    ["one event among others", "type <> 'Rare'", 1],
    ["the last events", "version < 39", 2]
  ] as const) {
    it.live(`are Corrupt, with the stream and how many are missing: ${what}`, () =>
      Effect.gen(function* () {
        const stores = yield* hiding(policy)
        const detail = `${missing} of the events of Account-1 up to version 40 ${why}`
        for (const reading of [read(stores), stores.transaction(read(stores))]) {
          assert.strictEqual(yield* corruption(reading), detail)
        }
        // A read that shares the call is not concerned.
        const [failed, well] = yield* Effect.all(
          [Effect.exit(read(stores)), stores.store.readStreams([{ streamId: other }])],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(failed._tag, "Failure")
        assert.strictEqual(well.streams[0]!.events.length, 2)
      })
    )
  }

  it.live("are Corrupt also where payloads are read one by one", () =>
    Effect.gen(function* () {
      const stores = yield* hiding("version <> 2", { text: "x".repeat(200_000) })
      const detail = yield* corruption(read(stores))
      assert.strictEqual(detail, `1 of the events of Account-1 up to version 40 ${why}`)
      // What comes after the hidden event is there.
      const { streams } = yield* read(stores, 2)
      assert.strictEqual(streams[0]!.events.length, 38)
    })
  )

  it.live("make the receipt of a repeated command Corrupt", () =>
    Effect.gen(function* () {
      const stores = yield* hiding("type <> 'Rare'")
      const detail = `1 of the 40 events of a command that was executed before ${why}`
      const append: EventStore.Append = { conditions: [], parts: [{ writes: [], command }] }
      assert.strictEqual(yield* corruption(stores.store.append(append)), detail)
      assert.strictEqual(yield* corruption(stores.store.readStreams([], command)), detail)
    })
  )
})
