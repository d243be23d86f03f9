import { describe, expect, it } from "@effect/vitest"
import { EventStore, Projection, ProjectionMonitor } from "@hexfold/core"
import { DateTime, Duration, Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Activity, deposited, stores } from "../../support/projected.ts"

/** A store whose horizon is held back: two more positions were drawn than can be read. */
const held = (heldSince: DateTime.Utc, isPrepared: boolean) =>
  Effect.map(EventStore.EventStore, (store): EventStore.EventStore["Service"] => ({
    ...store,
    horizons: Stream.map(store.horizons, (horizon) => ({
      ...horizon,
      drawn: horizon.drawn + 2,
      heldSince,
      holders: [isPrepared ? { isPrepared } : { pid: 7, application: "import", since: heldSince, isPrepared }]
    }))
  }))

describe("while a transaction that has appended holds the horizon back", () => {
  it.effect("the status says so, the lag grows, and health fails", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* Effect.forkChild(Projection.run(Activity), { startImmediately: true })
      const since = yield* DateTime.now
      yield* TestClock.adjust("30 seconds")
      const on = (isPrepared: boolean) =>
        Effect.flatMap(held(since, isPrepared), (store) =>
          Effect.provideService(
            Effect.all([
              ProjectionMonitor.status([Activity]),
              Effect.result(ProjectionMonitor.health([Activity], { maxLagTime: "1 minute" }))
            ]),
            EventStore.EventStore,
            store
          )
        )
      const [[status], health] = yield* on(false)
      expect(status).toMatchObject({
        state: "held",
        horizon: 1,
        lag: 2,
        lagAtMost: 2,
        lagTime: Duration.seconds(30),
        held: { drawn: 3, heldSince: since }
      })
      expect(health._tag).toBe("Success")
      yield* TestClock.adjust("31 seconds")
      const [, unhealthy] = yield* on(false)
      expect(unhealthy).toMatchObject({
        _tag: "Failure",
        failure: {
          message:
            "Activity, version 1: its lag is 2 events and 1m 1s; an open transaction of import, process 7 holds it back"
        }
      })
      // Its own limit says how long a lag may be. How long it is held back is another matter.
      const patient = Effect.flatMap(held(since, false), (store) =>
        ProjectionMonitor.health([Activity], { maxLagTime: "1 hour", grace: "1 minute" }).pipe(
          Effect.flip,
          Effect.provideService(EventStore.EventStore, store)
        )
      )
      const message = "held by an open transaction of import, process 7 since 1970-01-01T00:00:00.000Z, for 1m 1s"
      expect(yield* patient).toMatchObject({
        views: [{ reason: "held", heldSince: since, holders: [{ application: "import", pid: 7 }] }],
        message: `Activity, version 1: ${message}`
      })
      const [, prepared] = yield* on(true)
      expect(prepared).toMatchObject({
        failure: { message: "Activity, version 1: its lag is 2 events and 1m 1s; a prepared transaction holds it back" }
      })
      // It has ended.
      const [after] = yield* ProjectionMonitor.health([Activity])
      expect(after).toMatchObject({ lag: 0, lagTime: Duration.zero, held: undefined })
    }).pipe(Effect.provide(stores))
  )
})
