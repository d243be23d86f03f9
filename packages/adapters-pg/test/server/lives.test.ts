import { assert, it } from "@effect/vitest"
import type { PgClient } from "@effect/sql-pg"
import { type EventStore, type EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Schedule, Stream } from "effect"
import { describe } from "vitest"
import { type OpenedStore, openStore } from "../support/database.ts"
import { append } from "../support/events.ts"
import { answering, clientOf, kill, type OwnServer, ownServer } from "../support/ownServer.ts"

type Store = EventStore.EventStore["Service"]

const thing = StreamId.make("Thing", "a")

const horizonOf = (store: Store) =>
  Effect.map(Stream.runHead(store.horizons), (head) =>
    head.pipe((some) => (some._tag === "Some" ? some.value : assert.fail()))
  )

const positionsOf = (store: Store, after?: number | EventStore.Position) =>
  Effect.map(Stream.runCollect(store.readAll(after === undefined ? {} : { after })), (events) =>
    events.map(({ position }) => position)
  )

/** Repeats while the store is away. */
const patiently = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.retry(effect, {
    schedule: Schedule.spaced("50 millis"),
    times: 200,
    while: (error) => "isRetryable" in error && error.isRetryable === true
  })

/** Keeps the sequence from the disk: the store notes nothing, and the server writes its log only for commits. */
const withoutWrites = (sql: PgClient.PgClient) =>
  Effect.gen(function* () {
    const connection = yield* sql.reserve
    yield* connection.execute(`select pg_advisory_lock(hashtext('hexfold noted "hexfold"'), 0)::text`, [], undefined)
    const [writer] = yield* sql.unsafe<{ readonly pid: number }>(
      "select pid from pg_stat_activity where backend_type = 'walwriter'"
    )
    process.kill(writer!.pid, "SIGSTOP")
  })

/** An append of many events that rolls back, so that the sequence is far ahead of what is on disk. */
const rolledBack = ({ store, transaction }: OpenedStore, count: number) =>
  Effect.exit(
    transaction(Effect.andThen(append(store, StreamId.make("Thing", "b"), count), Effect.fail("rolled back")))
  )

/** Follows the log as a subscription does. Where its position is refused, it goes on from where that history ended. */
const following = (store: Store) =>
  Effect.gen(function* () {
    const seen: Array<number> = []
    const told: Array<EventStoreError> = []
    let at: EventStore.Position = { history: 1, position: 0 }
    const step = ({ history, position }: EventStore.Horizon): Effect.Effect<void, EventStoreError> =>
      store.readAll({ after: at, upTo: position }).pipe(
        Stream.runForEach((event) => Effect.sync(() => seen.push(event.position))),
        Effect.andThen(Effect.sync(() => (at = { history, position: Math.max(position, at.position) }))),
        Effect.catchIf(
          ({ reason }) => reason._tag === "PositionFromAnotherHistory",
          (error) =>
            Effect.suspend(() => {
              told.push(error)
              at = { history: at.history, position: endOf(error)[2]! }
              return step({ history, position, drawn: position, holders: [] })
            })
        )
      )
    yield* Stream.runForEach(store.horizons, (horizon) => patiently(step(horizon))).pipe(
      Effect.forkChild({ startImmediately: true })
    )
    const until = (holds: () => boolean) =>
      Effect.sync(holds).pipe(Effect.repeat({ until: (held) => held, schedule: Schedule.spaced("10 millis") }))
    return { seen, told, until }
  })

/** The facts of a refusal: history, position, end, present history. */
const endOf = (error: EventStoreError): ReadonlyArray<number | undefined> =>
  error.reason._tag === "PositionFromAnotherHistory"
    ? [error.reason.history, error.reason.position, error.reason.endedAt, error.reason.current]
    : assert.fail(String(error))

const open = (server: OwnServer) => openStore({}, { url: server.url })

describe("a server that is started again", () => {
  it.live("begins another history, in which positions of the one before stay valid", () =>
    Effect.gen(function* () {
      const server = yield* ownServer()
      const { sql, store } = yield* open(server)
      yield* append(store, thing, 3)
      const before = yield* horizonOf(store)
      assert.deepStrictEqual([before.history, before.position, before.drawn], [1, 3, 3])
      yield* server.restart
      yield* answering(sql)
      yield* patiently(append(store, thing, 2))
      const after = yield* patiently(horizonOf(store))
      assert.isAbove(after.history, 1)
      assert.deepStrictEqual([after.position, after.drawn], [5, 5])
      assert.deepStrictEqual(yield* positionsOf(store, { history: 1, position: 3 }), [4, 5])
      assert.deepStrictEqual(yield* positionsOf(store, { history: after.history, position: 4 }), [5])
      const refused = yield* Effect.flip(positionsOf(store, { history: 1, position: 4 }))
      assert.deepStrictEqual(endOf(refused), [1, 4, 3, after.history])
      const later = yield* Effect.flip(positionsOf(store, { history: after.history + 1, position: 1 }))
      assert.strictEqual(later.reason._tag, "PositionFromAnotherHistory")
      const unknown = yield* Effect.flip(positionsOf(store, { history: 2, position: 1 }))
      assert.deepStrictEqual(endOf(unknown), [2, 1, 0, after.history])
    })
  )

  it.live("a reader of the process that lives on sees what takes the positions again that a crash took back", () =>
    Effect.gen(function* () {
      const server = yield* ownServer({ autovacuum: "off", bgwriter_lru_maxpages: 0 })
      const opened = yield* open(server)
      const { sql, store } = opened
      yield* append(store, thing, 1)
      yield* sql.unsafe("checkpoint")
      yield* withoutWrites(sql)
      yield* rolledBack(opened, 40)
      const { seen, told, until } = yield* following(store)
      const before = yield* horizonOf(store)
      assert.deepStrictEqual([before.position, before.history], [41, 1])
      yield* until(() => seen.length === 1)
      yield* server.crash
      yield* answering(sql)
      yield* patiently(append(store, thing, 1))
      const first = (yield* positionsOf(store)).at(-1)!
      assert.isBelow(first, 41, "the crash has taken the sequence back")
      for (let i = 0; i < 9; i++) yield* append(store, thing, 1)
      yield* until(() => seen.length >= 11)
      assert.deepStrictEqual(seen, yield* positionsOf(store))
      assert.deepStrictEqual(endOf(told[0]!).slice(0, 3), [1, 41, first - 1])
      const refused = yield* Effect.flip(positionsOf(store, { history: 1, position: 41 }))
      assert.deepStrictEqual(endOf(refused).slice(0, 3), [1, 41, first - 1])
    })
  )

  it.live("after a crash that lost answered appends, the log is read on from where it is", () =>
    Effect.gen(function* () {
      const server = yield* ownServer({
        synchronous_commit: "off",
        wal_writer_delay: "10s",
        bgwriter_lru_maxpages: 0,
        autovacuum: "off"
      })
      const { sql, store } = yield* open(server)
      yield* append(store, thing, 1)
      yield* sql.unsafe("checkpoint")
      for (let i = 0; i < 60; i++) yield* append(store, StreamId.make("Thing", `lost ${i}`), 1)
      const { seen, until } = yield* following(store)
      yield* until(() => seen.length === 61)
      const before = yield* horizonOf(store)
      yield* server.crash
      yield* answering(sql)
      const kept = yield* patiently(positionsOf(store))
      assert.isBelow(kept.length, 61, "the crash has lost events")
      seen.length = 0
      for (let i = 0; i < 80; i++) yield* append(store, StreamId.make("Thing", `new ${i}`), 1)
      yield* until(() => seen.length >= 80)
      assert.deepStrictEqual(seen, (yield* positionsOf(store)).slice(kept.length))
      const refused = yield* Effect.flip(positionsOf(store, before))
      assert.strictEqual(endOf(refused)[0], 1)
    })
  )

  it.live("a crash of one process of the server ends a history too, though the server has not been started again", () =>
    Effect.gen(function* () {
      const server = yield* ownServer({ autovacuum: "off", bgwriter_lru_maxpages: 0 })
      const opened = yield* open(server)
      const { sql, store } = opened
      yield* append(store, thing, 1)
      yield* sql.unsafe("checkpoint")
      yield* withoutWrites(sql)
      yield* rolledBack(opened, 40)
      const before = yield* horizonOf(store)
      const [started] = yield* sql.unsafe("select pg_postmaster_start_time()::text as at")
      const victim = yield* clientOf(server)
      const [{ pid }] = (yield* victim.unsafe("select pg_backend_pid() as pid")) as unknown as [
        { readonly pid: number }
      ]
      kill(pid)
      yield* Effect.exit(sql.unsafe("select pg_sleep(1)"))
      yield* answering(sql)
      assert.deepStrictEqual((yield* sql.unsafe("select pg_postmaster_start_time()::text as at"))[0], started)
      yield* patiently(append(store, thing, 1))
      const after = yield* patiently(horizonOf(store))
      assert.isAbove(after.history, before.history)
      const refused = yield* Effect.flip(positionsOf(store, { history: 1, position: 41 }))
      assert.deepStrictEqual(endOf(refused), [1, 41, after.position - 1, after.history])
    })
  )
})
