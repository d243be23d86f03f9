import { assert, it } from "@effect/vitest"
import { type EventStore, StreamId } from "@hexfold/core"
import { Deferred, Effect, Fiber, Logger, Metric, Option, Schedule, Stream } from "effect"
import { describe } from "vitest"
import { client, newSchema, openStore, transacted } from "../support/database.ts"
import { append } from "../support/events.ts"
import { ownServer } from "../support/ownServer.ts"

type Store = EventStore.EventStore["Service"]

const streamOf = (name: string) => StreamId.make("Thing", name)

const horizonOf = (store: Store) => Effect.map(Stream.runHead(store.horizons), Option.getOrThrow)

/** Appends inside a transaction of a client with a name, and keeps it open until it is told to end. */
const openAppend = (schema: string, application: string) =>
  Effect.gen(function* () {
    const writer = yield* openStore({ schema }, { applicationName: application })
    const appended = yield* Deferred.make<void>()
    const end = yield* Deferred.make<void>()
    // It ends before the pool is closed, which waits for its connection.
    const fiber = yield* Effect.forkScoped(
      transacted(
        writer.sql,
        append(writer.store, streamOf(application), 1).pipe(
          Effect.andThen(Deferred.succeed(appended, undefined)),
          Effect.andThen(Deferred.await(end))
        )
      ),
      { startImmediately: true }
    )
    yield* Effect.raceFirst(Deferred.await(appended), Fiber.join(fiber))
    return Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber))
  })

describe("an append that stays open", () => {
  it.live("is named by the horizon, by process and application, until it ends", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema, pollInterval: "20 millis" })
      yield* append(store, streamOf("a"), 2)
      const settled = yield* horizonOf(store)
      assert.deepStrictEqual(
        [settled.position, settled.drawn, settled.heldSince, settled.holders],
        [2, 2, undefined, []]
      )
      const end = yield* openAppend(schema, `holder_${schema}`)
      yield* append(store, streamOf("a"), 3)
      const held = yield* horizonOf(store)
      assert.deepStrictEqual([held.position, held.drawn], [2, 6])
      const [row] = yield* sql.unsafe<{ readonly pid: number; readonly since: Date }>(
        "select pid, xact_start as since from pg_stat_activity where application_name = $1 and xact_start is not null",
        [`holder_${schema}`]
      )
      assert.deepStrictEqual(
        held.holders.map(({ application, isPrepared, pid, since }) => [
          pid,
          application,
          since?.epochMilliseconds,
          isPrepared
        ]),
        [[row!.pid, `holder_${schema}`, row!.since.getTime(), false]]
      )
      assert.isTrue(held.heldSince!.epochMilliseconds >= row!.since.getTime())
      const seen: Array<readonly [number, number]> = []
      const following = yield* store.horizons.pipe(
        Stream.tap(({ holders, position }) => Effect.sync(() => seen.push([position, holders.length]))),
        Stream.takeUntil(({ position }) => position >= 6),
        Stream.runLast,
        Effect.forkScoped({ startImmediately: true })
      )
      yield* Effect.sync(() => seen.length).pipe(
        Effect.repeat({ until: (count) => count > 0, schedule: Schedule.spaced("5 millis") })
      )
      yield* end
      const last = Option.getOrThrow(yield* Fiber.join(following))
      assert.deepStrictEqual([last.position, last.drawn, last.heldSince, last.holders], [6, 6, undefined, []])
      assert.deepStrictEqual(seen, [
        [2, 1],
        [6, 0]
      ])
    })
  )

  it.live("is named in a warning after the time of an option, with a gauge, and once more when it is over", () => {
    const lines: Array<string> = []
    // The loop that serves all readers logs where the store was opened, and a reader's first question where it reads.
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`))
    return Effect.gen(function* () {
      const schema = yield* newSchema
      const { store } = yield* openStore({ schema, warnHeldAfter: "30 millis", pollInterval: "5 millis" })
      const end = yield* openAppend(schema, `slow_${schema}`)
      const until = (holds: () => boolean) =>
        Effect.sync(holds).pipe(Effect.repeat({ until: (held) => held, schedule: Schedule.spaced("5 millis") }))
      const following = yield* Effect.forkScoped(Stream.runDrain(store.horizons), { startImmediately: true })
      const warnings = () => lines.filter((line) => line.startsWith("Warn") && line.includes(schema))
      yield* until(() => warnings().length > 0)
      assert.match(
        warnings()[0]!,
        new RegExp(
          `the readers and views of ${schema} have stood at position 0 for \\d+ s, .* process \\d+ of "slow_${schema}"`
        )
      )
      const gauge = Metric.snapshot.pipe(
        Effect.map((states) =>
          states.find(
            ({ attributes, id }) => id === "hexfold_horizon_held_seconds" && attributes?.["schema"] === schema
          )
        )
      )
      const state = yield* gauge
      assert.isTrue(state?.type === "Gauge" && Number(state.state.value) >= 0.03)
      yield* end
      yield* until(() => lines.some((line) => line.includes(`the readers of ${schema} go on`)))
      assert.lengthOf(warnings(), 1)
      const after = yield* gauge
      assert.isTrue(after?.type === "Gauge" && Number(after.state.value) === 0)
      yield* Fiber.interrupt(following)
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.live("a prepared transaction, and a lock that somebody else has taken, are named too", () =>
    Effect.gen(function* () {
      const server = yield* ownServer({ max_prepared_transactions: 5 })
      const { sql, store } = yield* openStore({}, { url: server.url })
      yield* append(store, streamOf("a"), 1)
      const writer = yield* openStore({}, { url: server.url })
      const refused = yield* Effect.exit(
        transacted(
          writer.sql,
          Effect.andThen(
            append(writer.store, streamOf("b"), 1),
            Effect.orDie(writer.sql.unsafe("prepare transaction 'left'"))
          )
        )
      )
      assert.isDefined(refused)
      yield* append(store, streamOf("a"), 1)
      const held = yield* horizonOf(store)
      assert.deepStrictEqual([held.position, held.drawn], [1, 3])
      const [row] = yield* sql.unsafe<{ readonly prepared: Date }>("select prepared from pg_prepared_xacts")
      assert.deepStrictEqual(
        held.holders.map(({ isPrepared, pid, since }) => [pid, isPrepared, since?.epochMilliseconds]),
        [[undefined, true, row!.prepared.getTime()]]
      )
      yield* sql.unsafe("commit prepared 'left'")
      assert.strictEqual((yield* horizonOf(store)).position, 3)
      const stranger = yield* client({ url: server.url, applicationName: "stranger" })
      const connection = yield* stranger.reserve
      yield* connection.execute(
        "select pg_advisory_lock((select lock_namespace from hexfold.revisions)::bigint << 48)::text",
        [],
        undefined
      )
      yield* append(store, streamOf("a"), 1)
      const strange = yield* openStore({}, { url: server.url }).pipe(Effect.flatMap(({ store }) => horizonOf(store)))
      assert.deepStrictEqual(
        [strange.position, strange.holders.map(({ application }) => application)],
        [0, ["stranger"]]
      )
    })
  )
})
