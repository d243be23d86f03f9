import { assert, it } from "@effect/vitest"
import { type EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Option, Schedule, Stream } from "effect"
import { describe } from "vitest"
import { openStore, transacted } from "../support/database.ts"
import { append } from "../support/events.ts"
import { isInstalled, replication } from "./standby.ts"

if (!isInstalled) console.warn("SKIPPED: no Postgres is installed, so nothing is tested on a standby")

const thing = StreamId.make("Thing", "a")

describe.skipIf(!isInstalled)("a standby", () => {
  it.live("reads single streams; appends and horizons are refused until it is promoted", () =>
    Effect.gen(function* () {
      const servers = yield* replication
      const primary = yield* openStore({}, { url: servers.primary })
      yield* append(primary.store, thing, 3)
      const before = Option.getOrThrow(yield* Stream.runHead(primary.store.horizons))
      const { sql, store } = yield* Effect.retry(openStore({}, { url: servers.standby }), {
        schedule: Schedule.spaced("50 millis"),
        times: 200
      })
      const missing = yield* Effect.flip(openStore({ schema: "missing" }, { url: servers.standby }))
      assert.strictEqual(missing.reason._tag, "Rejected")
      assert.include(missing.message, "the schema missing must be migrated, and the server is a standby")
      const versions = Effect.map(store.readStreams([{ streamId: thing }]), ({ streams }) => streams[0]!.version)
      yield* Effect.repeat(versions, { until: (version) => version === 3, schedule: Schedule.spaced("20 millis") })
      assert.strictEqual(yield* Stream.runCount(store.readStream(thing)), 3)
      for (const refused of [
        append(store, thing, 1),
        transacted(sql, append(store, thing, 1)),
        Stream.runCollect(store.readAll()),
        Stream.runCollect(store.horizons)
      ]) {
        const error = yield* Effect.flip(refused as Effect.Effect<unknown, EventStoreError>)
        assert.strictEqual(error.reason._tag, "Rejected", String(error))
        assert.include(error.message, "the server is a standby")
        assert.include(error.message, "Connect to the primary")
      }
      yield* servers.lose
      yield* servers.promote
      yield* append(store, thing, 2)
      const after = Option.getOrThrow(yield* Stream.runHead(store.horizons))
      assert.notStrictEqual(after.history, before.history)
      const positions = yield* Stream.runCollect(
        Stream.map(store.readAll({ after: before }), ({ position }) => position)
      )
      assert.lengthOf(positions, 2)
      const beyond = yield* Effect.flip(
        Stream.runCollect(store.readAll({ after: { history: 1, position: after.position } }))
      )
      assert.strictEqual(beyond.reason._tag, "PositionFromAnotherHistory")
    }).pipe(Effect.scoped)
  )
})
