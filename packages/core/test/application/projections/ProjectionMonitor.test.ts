import { describe, expect, it } from "@effect/vitest"
import {
  EventStore,
  Projection,
  ProjectionMonitor,
  ProjectionStore,
  Unhealthy,
  View,
  ViewStore,
  ViewStoreError,
  Reason
} from "@hexfold/core"
import { DateTime, Duration, Effect, Layer, Metric, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Budget } from "../../support/budget.ts"
import { Activity, budget, deposited, eventually, stores } from "../../support/projected.ts"

const activity = Effect.map(ProjectionMonitor.status([Activity]), ([status]) => status!)
const nobody = {
  view: Activity.name,
  version: Activity.version,
  isDeclared: true,
  state: "waiting",
  serves: false,
  position: 0,
  lagTime: Duration.zero,
  percent: 100,
  timeLeft: Duration.zero,
  eventsPerSecond: 0,
  owners: [undefined],
  parts: [],
  failure: undefined,
  ended: undefined,
  parked: 0,
  skipped: 0,
  rekeyed: undefined,
  waits: { overdue: Duration.zero, parked: Duration.zero, unsent: Duration.zero },
  rebuild: undefined,
  faults: [expect.objectContaining({ reason: "unowned", unowned: { parts: [0], of: 1 } })]
}
const generation = { view: Activity.name, version: Activity.version }
const error = { step: "evolve", cause: "no" }
const failure = {
  position: 2,
  stream: "Account-a",
  streamVersion: 2,
  type: "MoneyDeposited",
  error,
  at: DateTime.makeUnsafe(0)
}

/** Which part of which generation commits, and what. By default it is the only part of the first generation. */
interface Said extends Partial<ProjectionStore.Commit> {
  readonly generation?: ProjectionStore.Generation
  readonly part?: number
  readonly of?: number
}

/** Owns a part and commits something, like a projection. */
const said = ({ generation: which = generation, of = 1, part: index = 0, ...rest }: Said = {}) =>
  Effect.gen(function* () {
    const { claim, commit } = yield* ProjectionStore.ProjectionStore
    const part = { index, of }
    const claimed = yield* claim({ generation: which, part, owner: `p${index}`, lease: Duration.hours(9) })
    if (claimed._tag !== "Owned") throw new Error(claimed._tag)
    const { epoch, position: from } = claimed
    yield* commit({ owner: { generation: which, part: index, epoch }, from, to: from, ...rest })
  })

/** A store that reports that appends maintain all views. */
const inline = Effect.provideServiceEffect(
  ViewStore.ViewStore,
  Effect.map(ViewStore.ViewStore, (store) => ({
    ...store,
    status: Effect.map(store.status, (all) => all.map((each) => ({ ...each, inline: true })))
  }))
)

describe("status", () => {
  it.effect("of a view that no projection has begun", () =>
    Effect.gen(function* () {
      expect(yield* activity).toEqual({ ...nobody, horizon: 0, lag: 0, lagAtMost: 0 })
      yield* deposited("a", 1)
      yield* deposited("a", 1)
      yield* TestClock.adjust("3 seconds")
      const late = { lag: 2, lagAtMost: 2, lagTime: Duration.seconds(3), percent: 0, timeLeft: undefined }
      expect(yield* activity).toEqual({ ...nobody, horizon: 2, ...late })
    }).pipe(Effect.provide(stores))
  )

  it.effect("reports the lag of a view in events and in time", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const parts = [expect.objectContaining({ position: 1, owner: undefined })]
      const done = { ...nobody, build: 1, position: 1, serves: true, parts }
      yield* TestClock.adjust("1 hour")
      expect(yield* activity).toEqual({ ...done, horizon: 1, lag: 0, lagAtMost: 0 })
      yield* deposited("a", 1)
      yield* TestClock.adjust("2 seconds")
      yield* deposited("b", 1)
      yield* TestClock.adjust("5 seconds")
      const late = { lag: 2, lagAtMost: 2, lagTime: Duration.seconds(7), percent: 33, timeLeft: undefined }
      expect(yield* activity).toEqual({ ...done, horizon: 3, ...late })
    }).pipe(Effect.provide(stores))
  )

  it.effect("of a view counts no lag for events that it does not follow", () =>
    Effect.gen(function* () {
      const Limits = View.make("Limits", {
        from: [Budget],
        state: Schema.Int,
        evolve: { BudgetSet: (_, { limit }) => limit }
      })
      const limits = Effect.map(ProjectionMonitor.status([Activity, Limits]), ([, status]) => [
        status!.lag,
        status!.lagAtMost
      ])
      yield* deposited("a", 1)
      expect(yield* limits).toEqual([0, 0])
      yield* budget(1, 5)
      yield* deposited("a", 1)
      expect(yield* limits).toEqual([1, 1])
    }).pipe(Effect.provide(stores))
  )

  it.effect("of other generations is left out on request, and else looks for the next event of each once", () =>
    Effect.gen(function* () {
      const log = yield* EventStore.EventStore
      let reads = 0
      const readAll: typeof log.readAll = (options) => Stream.suspend(() => (reads++, log.readAll(options)))
      const measured = (options?: ProjectionMonitor.StatusOptions) =>
        Effect.provideService(ProjectionMonitor.status([], options), EventStore.EventStore, { ...log, readAll })
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      expect(yield* measured({ others: false })).toEqual([])
      expect((yield* measured()).map(({ lagAtMost, view }) => [view, lagAtMost])).toEqual([["Activity", 0]])
      yield* deposited("a", 1)
      yield* TestClock.adjust("2 seconds")
      yield* deposited("a", 1)
      reads = 0
      const first = yield* measured()
      yield* TestClock.adjust("1 second")
      const [before, after] = [first[0]!.lagTime, (yield* measured())[0]!.lagTime]
      expect([before, after, reads]).toEqual([Duration.seconds(2), Duration.seconds(3), 1])
    }).pipe(Effect.provide(stores))
  )

  it.effect("of an inline view never has a lag", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      yield* TestClock.adjust("1 hour")
      const place = { build: 1, position: 1, horizon: 1, parts: [expect.objectContaining({ owner: undefined })] }
      const current = { ...nobody, ...place, state: "inline", serves: true, lag: 0, lagAtMost: 0, faults: [] }
      expect(yield* inline(activity)).toEqual(current)
    }).pipe(Effect.provide(stores))
  )

  it.effect("reports what a view is doing", () =>
    Effect.gen(function* () {
      const state = Effect.map(activity, ({ state }) => state)
      yield* deposited("a", 1)
      yield* said({ to: 1 })
      expect(yield* activity).toMatchObject({ state: "building", serves: false })
      yield* said({ asks: "serve" })
      expect(yield* state).toBe("live")
      yield* deposited("a", 1)
      yield* TestClock.adjust("5 seconds")
      expect(yield* state).toBe("live")
      yield* TestClock.adjust("1 second")
      expect(yield* state).toBe("catching up")
      yield* said({ progress: { failure } })
      expect(yield* activity).toMatchObject({ state: "failed", failure })
      yield* said({ to: 2 })
      expect(yield* activity).toMatchObject({ state: "live", failure: undefined })
      yield* said({ generation: { ...generation, version: 2 } })
      const [second] = yield* ProjectionMonitor.status([{ ...Activity, version: 2 }])
      expect(second).toMatchObject({ version: 2, state: "building", serves: false })
      yield* TestClock.adjust("10 hours")
      expect(yield* state).toBe("waiting")
    }).pipe(Effect.provide(stores))
  )

  it.effect("adds up the throughput of the parts, and estimates when the last of them has caught up", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 10; i++) yield* deposited("a", 1)
      yield* said({ part: 0, of: 2, to: 10, progress: { throughput: { events: 3, positions: 0 } } })
      expect(yield* activity).toMatchObject({ state: "waiting", owners: ["p0", undefined], timeLeft: undefined })
      yield* said({ part: 1, of: 2, to: 6, progress: { throughput: { events: 1, positions: 2 } } })
      expect(yield* activity).toMatchObject({
        owners: ["p0", "p1"],
        position: 6,
        percent: 60,
        eventsPerSecond: 4,
        timeLeft: Duration.seconds(2)
      })
      yield* TestClock.adjust("10 hours")
      expect(yield* activity).toMatchObject({ eventsPerSecond: 0, timeLeft: undefined })
    }).pipe(Effect.provide(stores))
  )

  it.effect("reports the progress of a rebuild", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 10; i++) yield* deposited("a", 1)
      yield* said({ to: 10, asks: "serve" })
      expect((yield* activity).rebuild).toBeUndefined()
      yield* said({
        generation: { ...generation, build: 2 },
        to: 4,
        progress: { throughput: { events: 3, positions: 2 } }
      })
      const rebuild = { build: 2, position: 4, percent: 40, timeLeft: Duration.seconds(3), eventsPerSecond: 3 }
      expect(yield* activity).toMatchObject({ serves: true, position: 10, percent: 100, rebuild })
      yield* TestClock.adjust("10 hours")
      expect((yield* activity).rebuild).toBeUndefined()
    }).pipe(Effect.provide(stores))
  )

  it.effect("counts parked keys and skipped events", () =>
    Effect.gen(function* () {
      const deadLetters = [
        { ...failure, history: 1, key: "a", parked: true },
        { ...failure, history: 1, key: "b", parked: false },
        { ...failure, history: 1, position: 3, key: "b", parked: false }
      ]
      yield* said({ deadLetters: { put: deadLetters, remove: [] } })
      expect(yield* activity).toMatchObject({ parked: 1, skipped: 2 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("names the owner of the view", () =>
    Effect.gen(function* () {
      yield* Effect.forkScoped(Projection.run(Activity), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect(yield* activity).toMatchObject({ state: "live", owners: [expect.any(String)] })
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})

const gauges = Effect.map(Metric.snapshot, (snapshot) =>
  Object.fromEntries(
    snapshot.flatMap(({ attributes, id, state, type }) =>
      type === "Gauge" && id.startsWith("hexfold_projection_")
        ? [[`${id.slice(19)} ${attributes?.["view"]} ${attributes?.["version"]}`, state.value]]
        : []
    )
  )
)

const down = new ViewStoreError({
  operation: "status",
  reason: new Reason.Unavailable({ detail: "down" })
})

describe("watch", () => {
  it.effect("publishes the status of each view again and again", () =>
    Effect.gen(function* () {
      const Other = { ...Activity, name: "Other", version: 3 }
      yield* Layer.build(ProjectionMonitor.layer([Activity, Other], { every: "30 seconds" }))
      yield* eventually(
        Effect.map(gauges, (all) => all["lag_events Other 3"] === 0),
        0
      )
      yield* deposited("a", 1)
      yield* deposited("a", 1)
      yield* said({ to: 1, asks: "serve", progress: { throughput: { events: 5, positions: 5 }, failure } })
      yield* TestClock.adjust("20 seconds")
      expect(yield* gauges).toMatchObject({ "lag_events Activity 1": 0 })
      yield* TestClock.adjust("10 seconds")
      yield* eventually(
        Effect.map(gauges, (all) => all["lag_events Other 3"] === 2),
        0
      )
      expect(yield* gauges).toMatchObject({
        "position Activity 1": 1,
        "lag_events Activity 1": 1,
        "lag_seconds Activity 1": 30,
        "failed Activity 1": 1,
        "serves Activity 1": 1,
        "owners Activity 1": 1,
        "events_per_second Activity 1": 5,
        "parked_keys Activity 1": 0,
        "skipped_dead_letters Activity 1": 0,
        "healthy Activity 1": 0,
        "lag_events_at_most Activity 1": 1,
        "unowned_parts Activity 1": 0,
        "unowned_parts Other 3": 1,
        "healthy Other 3": 1,
        "failed Other 3": 0,
        "serves Other 3": 0,
        "owners Other 3": 0
      })
    }).pipe(Effect.scoped, Effect.provide(stores), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("counts the times that the status could not be read, also without an answer, and goes on", () =>
    Effect.gen(function* () {
      const store = yield* ViewStore.ViewStore
      const answers = [Effect.fail(down), Effect.never, store.status]
      const status = Effect.suspend(() => answers.shift() ?? Effect.never)
      yield* ProjectionMonitor.watch([Activity]).pipe(
        Effect.provideService(ViewStore.ViewStore, { ...store, status }),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* eventually(Effect.sync(() => answers.length === 0))
      yield* eventually(Effect.map(gauges, (all) => all["lag_events Activity 1"] === 0))
      const failures = (yield* Metric.snapshot).find(({ id }) => id === "hexfold_projection_status_failures_total")
      expect(failures?.state).toMatchObject({ count: 2 })
    }).pipe(Effect.scoped, Effect.provide(stores), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("lets no gauge say that all is well while the status cannot be read", () =>
    Effect.gen(function* () {
      const store = yield* ViewStore.ViewStore
      let isDown = false
      const status = Effect.suspend(() => (isDown ? Effect.fail(down) : store.status))
      yield* said({ to: 0, asks: "serve" })
      yield* ProjectionMonitor.watch([Activity]).pipe(
        Effect.provideService(ViewStore.ViewStore, { ...store, status }),
        Effect.forkScoped({ startImmediately: true })
      )
      const isPublished = (values: Readonly<Record<string, number>>) =>
        eventually(
          Effect.map(gauges, (all) =>
            Object.entries(values).every(([name, value]) => all[`${name} Activity 1`] === value)
          ),
          0
        )
      yield* isPublished({ healthy: 1, lag_seconds: 0 })
      yield* TestClock.adjust("20 seconds")
      isDown = true
      yield* TestClock.adjust("40 seconds")
      yield* isPublished({ healthy: 1, lag_seconds: 40 })
      yield* TestClock.adjust("20 seconds")
      yield* isPublished({ healthy: 0, lag_seconds: 60 })
      const read = (yield* Metric.snapshot).find(({ id }) => id === "hexfold_projection_status_timestamp_seconds")
      expect(read?.state).toMatchObject({ value: 20 })
      isDown = false
      yield* TestClock.adjust("10 seconds")
      yield* isPublished({ healthy: 1, lag_seconds: 0 })
    }).pipe(Effect.scoped, Effect.provide(stores), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("health", () => {
  const health = ProjectionMonitor.health([Activity], { maxLagTime: "10 seconds" })

  it.effect("is the status while all views are healthy", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* TestClock.adjust("10 seconds")
      expect(yield* health).toEqual(yield* ProjectionMonitor.status([Activity]))
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails when an event waits for too long, also if no projection runs", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* TestClock.adjust("11 seconds")
      const late = { ...generation, reason: "late" as const, lag: 1, lagTime: Duration.seconds(11) }
      const unhealthy = yield* Effect.flip(health)
      expect(unhealthy).toEqual(new Unhealthy({ views: [late] }))
      expect(unhealthy.message).toBe("Activity, version 1: its lag is 1 event and 11s")
      expect(yield* ProjectionMonitor.health([Activity])).toHaveLength(1)
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails when an event has stopped a view", () =>
    Effect.gen(function* () {
      const error = { step: "evolve", cause: "Error: no" }
      yield* said({ progress: { failure: { ...failure, error } } })
      const unhealthy = yield* Effect.flip(health)
      expect(unhealthy).toMatchObject({ _tag: "Unhealthy", views: [{ reason: "failed", failure: { error } }] })
      expect(unhealthy.message).toBe(
        `Activity, version 1: stopped by event 2 of Account-a, a "MoneyDeposited" at position 2, evolve: Error: no`
      )
    }).pipe(Effect.provide(stores))
  )

  it.effect("succeeds while a projection builds a version, and fails when it has stopped building", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* said({ generation: { ...generation, version: 2 } })
      yield* TestClock.adjust("1 hour")
      const second = ProjectionMonitor.health([{ ...Activity, version: 2 }])
      expect(yield* second).toMatchObject([{ state: "building" }])
      yield* TestClock.adjust("9 hours")
      expect(yield* Effect.flip(second)).toMatchObject({
        views: [
          { version: 2, reason: "unowned", lasted: Duration.hours(1) },
          { version: 2, reason: "late" }
        ]
      })
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails when more keys are parked than allowed", () =>
    Effect.gen(function* () {
      yield* said({ deadLetters: { put: [{ ...failure, history: 1, key: "a", parked: true }], remove: [] } })
      expect(yield* ProjectionMonitor.health([Activity], { maxParked: 1 })).toHaveLength(1)
      const unhealthy = yield* Effect.flip(ProjectionMonitor.health([Activity]))
      expect(unhealthy).toMatchObject({ views: [{ reason: "parked", parked: 1 }] })
      expect(unhealthy.message).toBe("Activity, version 1: 1 key is parked")
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails when more events were skipped than allowed", () =>
    Effect.gen(function* () {
      const deadLetter = { ...failure, history: 1, parked: false }
      const put = [
        { ...deadLetter, key: "a" },
        { ...deadLetter, key: "b" }
      ]
      yield* said({ deadLetters: { put, remove: [] } })
      expect(yield* ProjectionMonitor.health([Activity], { maxSkipped: 2 })).toHaveLength(1)
      const unhealthy = yield* Effect.flip(ProjectionMonitor.health([Activity]))
      expect(unhealthy).toMatchObject({ views: [{ reason: "skipped", skipped: 2 }] })
      expect(unhealthy.message).toBe("Activity, version 1: 2 events were skipped")
    }).pipe(Effect.provide(stores))
  )

  it.effect("passes on the errors of the stores", () =>
    Effect.gen(function* () {
      const store = yield* ViewStore.ViewStore
      const away = Effect.provideService(health, ViewStore.ViewStore, { ...store, status: Effect.fail(down) })
      expect(yield* Effect.flip(away)).toBe(down)
    }).pipe(Effect.provide(stores))
  )
})
