import { assert, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { describe } from "vitest"
import { client, newSchema, openStore, storesOn } from "../support/database.ts"
import { append } from "../support/events.ts"

const thing = StreamId.make("Thing", "a")
const count = 12

describe("the connection that listens", () => {
  it.live("is one for all stores of a client; it is replaced when it is lost, and the last reader gives it back", () =>
    Effect.gen(function* () {
      const application = `tenants_${yield* newSchema}`
      const sql = yield* client({ applicationName: application, maxConnections: 3 })
      const observer = yield* client()
      const schemas = yield* Effect.forEach(Array.from({ length: count }), () => newSchema)
      const stores = yield* Effect.forEach(schemas, (schema) => storesOn(sql, { schema, pollInterval: "1 hour" }))
      const sessions = (where: string) =>
        Effect.map(
          observer.unsafe<{ readonly pid: number }>(
            `select pid from pg_stat_activity where application_name = $1 and ${where}`,
            [application]
          ),
          (rows) => rows.map(({ pid }) => pid)
        )
      const listening = sessions("query ilike 'listen%'")
      const seen = new Map<string, number>()
      const readers = yield* Effect.forEach(stores, ({ events }, i) =>
        Effect.forkChild(
          Stream.runForEach(events.horizons, ({ position }) => Effect.sync(() => seen.set(schemas[i]!, position))),
          { startImmediately: true }
        )
      )
      const until = <A>(asked: Effect.Effect<A>, holds: (value: A) => boolean) =>
        Effect.repeat(asked, { until: holds, schedule: Schedule.spaced("10 millis") })
      const isSeen = (position: number) =>
        until(
          Effect.sync(() => [...seen.values()]),
          (positions) => positions.length === count && positions.every((each) => each >= position)
        )
      yield* isSeen(0)
      yield* until(Effect.orDie(listening), ({ length }) => length === 1)
      // Written by other clients, so only a notification can wake the readers.
      const append1 = Effect.forEach(
        schemas,
        (schema) =>
          Effect.scoped(
            Effect.flatMap(openStore({ schema }), ({ store }) =>
              Effect.andThen(append(store, thing, 1), Effect.sleep("30 millis"))
            )
          ),
        { concurrency: 4, discard: true }
      )
      yield* append1
      yield* isSeen(1)
      const [before] = yield* listening
      yield* observer.unsafe("select pg_terminate_backend($1)", [before])
      yield* until(Effect.orDie(listening), ([pid]) => pid !== undefined && pid !== before)
      yield* append1
      yield* isSeen(2)
      yield* Effect.forEach(readers.slice(1), Fiber.interrupt, { concurrency: "unbounded" })
      assert.lengthOf(yield* listening, 1)
      yield* Fiber.interrupt(readers[0]!)
      yield* until(Effect.orDie(listening), ({ length }) => length === 0)
    })
  )
})
