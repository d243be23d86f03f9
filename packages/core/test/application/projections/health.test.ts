import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import {
  EventStore,
  Projection,
  ProjectionMonitor,
  ProjectionStore,
  Reason,
  View,
  ViewStore,
  ViewStoreError
} from "@hexfold/core"
import { DateTime, Duration, Effect, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Budget } from "../../support/budget.ts"
import { boxes, breakAll, mend, put } from "../../support/poisoned.ts"
import { Activity, budget, deposited, eventually, opened, reaches, stores } from "../../support/projected.ts"

const generation = { view: Activity.name, version: Activity.version }

/** What health says of a view. */
const saidOf = (view: View.Any, options?: ProjectionMonitor.HealthOptions) =>
  ProjectionMonitor.health([view], options).pipe(
    Effect.as("healthy"),
    Effect.catchTag("Unhealthy", ({ message }) => Effect.succeed(message))
  )

/** Owns a part for a time, and commits a position that it has reached. */
const owned = (
  lease: Duration.Input,
  {
    asks,
    build,
    of = 1,
    part = 0,
    to = 0
  }: {
    readonly part?: number
    readonly of?: number
    readonly build?: number
    readonly to?: number
    readonly asks?: "serve"
  } = {}
) =>
  Effect.gen(function* () {
    const { claim, commit } = yield* ProjectionStore.ProjectionStore
    const which = { ...generation, ...(build === undefined ? {} : { build }) }
    const owner = `p${part}`
    const claimed = yield* claim({
      generation: which,
      part: { index: part, of },
      owner,
      lease: Duration.fromInputUnsafe(lease)
    })
    if (claimed._tag !== "Owned") throw new Error(claimed._tag)
    const { epoch, position: from } = claimed
    const asked = asks === undefined ? {} : { asks }
    yield* commit({ owner: { generation: which, part, epoch }, from, to: Math.max(from, to), ...asked })
  })

describe("health fails when no projection works on a view", () => {
  it.effect("for longer than the grace time since its last owner, as the store knows", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      yield* TestClock.adjust("59 seconds")
      expect(yield* saidOf(Activity)).toBe("healthy")
      yield* TestClock.adjust("1 second")
      const unowned = "Activity, version 1: nobody has worked on it for 1m: is Projection.layer([Activity]) running?"
      expect(yield* saidOf(Activity)).toBe(unowned)
      expect(yield* saidOf(Activity, { grace: "2 minutes" })).toBe("healthy")
      yield* Effect.forkChild(Projection.run(Activity))
      yield* TestClock.adjust("1 second")
      expect(yield* saidOf(Activity)).toBe("healthy")
    }).pipe(Effect.provide(stores))
  )

  it.effect("that nobody has ever begun, since the first check", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      expect(yield* saidOf(Activity)).toBe("healthy")
      yield* TestClock.adjust("59 seconds")
      expect(yield* saidOf(Activity)).toBe("healthy")
      yield* TestClock.adjust("1 second")
      expect(yield* saidOf(Activity)).toContain("nobody has worked on it for 1m")
    }).pipe(Effect.provide(stores))
  )

  it.effect("but not if it only comes and goes", () =>
    Effect.gen(function* () {
      yield* owned("50 seconds", { asks: "serve" })
      for (let i = 0; i < 10; i++) {
        yield* TestClock.adjust("50 seconds")
        expect(yield* saidOf(Activity)).toBe("healthy")
        yield* TestClock.adjust("30 seconds")
        expect(yield* saidOf(Activity)).toBe("healthy")
        yield* owned("50 seconds")
        expect(yield* saidOf(Activity)).toBe("healthy")
      }
    }).pipe(Effect.provide(stores))
  )

  it.effect("or on one of its parts, which it names", () =>
    Effect.gen(function* () {
      for (const part of [0, 2]) yield* owned("9 hours", { part, of: 3, asks: "serve" })
      yield* owned("10 seconds", { part: 1, of: 3, asks: "serve" })
      expect(yield* saidOf(Activity)).toBe("healthy")
      yield* TestClock.adjust("10 minutes")
      const [status] = yield* ProjectionMonitor.status([Activity])
      expect(status).toMatchObject({ state: "waiting", owners: ["p0", undefined, "p2"] })
      expect(status!.parts[1]).toMatchObject({ owner: undefined, unownedFor: Duration.seconds(590) })
      expect(status!.faults.map(ProjectionMonitor.describe)).toEqual([
        "Activity, version 1: nobody works on part 2 of 3: is Projection.layer([Activity]) running?"
      ])
      expect(yield* saidOf(Activity)).toContain("nobody has worked on part 2 of 3 for 9m 50s")
    }).pipe(Effect.provide(stores))
  )

  it.effect("but not on a part where that only comes and goes, while nobody works on another one", () =>
    Effect.gen(function* () {
      for (const part of [0, 1]) yield* owned("50 seconds", { part, of: 2, asks: "serve" })
      for (let i = 0; i < 10; i++) {
        yield* TestClock.adjust("50 seconds")
        yield* saidOf(Activity)
        yield* TestClock.adjust("30 seconds")
        if (i > 0) expect(yield* saidOf(Activity)).toContain("nobody has worked on part 1 of 2 for")
        yield* owned("50 seconds", { part: 1, of: 2 })
        yield* saidOf(Activity)
      }
    }).pipe(Effect.provide(stores))
  )

  it.effect("but not while appends maintain it", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      const store = yield* ViewStore.ViewStore
      const status = Effect.map(store.status, (all) => all.map((each) => ({ ...each, inline: true })))
      yield* TestClock.adjust("1 hour")
      const said = Effect.provideService(saidOf(Activity), ViewStore.ViewStore, { ...store, status })
      expect(yield* said).toBe("healthy")
    }).pipe(Effect.provide(stores))
  )

  it.effect("at once if the projection of this process has ended by an error, until it runs again", () =>
    Effect.gen(function* () {
      const store = yield* ProjectionStore.ProjectionStore
      const refusing = ProjectionStore.ProjectionStore.of({
        ...store,
        claim: () =>
          Effect.fail(
            new ViewStoreError({
              operation: "claim",
              view: "Activity",
              reason: new Reason.Rejected({ detail: "permission denied" })
            })
          )
      })
      const running = Projection.run(Activity)
      yield* Effect.flip(Effect.provideService(running, ProjectionStore.ProjectionStore, refusing))
      expect(yield* saidOf(Activity)).toBe(
        "Activity, version 1: nobody works on it: the projection of this process has ended: claim of Activity: permission denied"
      )
      // Another process works on it.
      yield* owned("1 minute", { asks: "serve" })
      expect(yield* saidOf(Activity)).toBe("healthy")
      yield* TestClock.adjust("61 seconds")
      expect(yield* saidOf(Activity)).toContain("permission denied")
      yield* Effect.forkChild(running, { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect(yield* saidOf(Activity)).toBe("healthy")
    }).pipe(Effect.provide(stores))
  )
})

describe("a view that is being built", () => {
  it.effect("is healthy as long as it makes progress", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) yield* deposited("a", 1)
      yield* owned("9 hours", { to: 1 })
      for (const to of [2, 3, 4]) {
        expect(yield* saidOf(Activity)).toBe("healthy")
        yield* TestClock.adjust("59 seconds")
        yield* owned("9 hours", { to })
      }
      expect(yield* saidOf(Activity)).toBe("healthy")
      yield* TestClock.adjust("1 minute")
      expect(yield* saidOf(Activity)).toBe("Activity, version 1: it is being built, but has stood at position 4 for 1m")
      yield* owned("9 hours", { to: 5, asks: "serve" })
      expect(yield* saidOf(Activity)).toBe("healthy")
    }).pipe(Effect.provide(stores))
  )
})

describe("a view that an event has stopped", () => {
  it.effect("is healthy again once it was rebuilt with a corrected view", () =>
    Effect.gen(function* () {
      const view = boxes("stop")
      yield* put("a", 1)
      yield* Projection.catchUp(view)
      yield* breakAll
      yield* put("a", 7)
      yield* Effect.flip(Projection.catchUp(view))
      expect(yield* saidOf(view)).toMatch(
        /^Boxes, version 1: stopped by event 2 of Box-a, a "Put" at position 2, evolve: /
      )
      yield* mend
      expect(yield* saidOf(view)).toContain("stopped by event 2")
      yield* Projection.rebuild(view)
      expect(yield* saidOf(view)).toBe("healthy")
      const [now, before] = yield* ProjectionMonitor.status([view])
      expect(now).toMatchObject({ build: 2, isDeclared: true, serves: true, failure: undefined })
      expect(before).toMatchObject({ build: 1, isDeclared: false, state: "replaced", serves: false, faults: [] })
    }).pipe(Effect.ensuring(mend), Effect.provide(stores))
  )
})

describe("status lists every generation in the store", () => {
  it.effect("also those of other versions and of views that the process does not know", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp({ ...Activity, name: "Unknown", version: 7 })
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      yield* TestClock.adjust("1 hour")
      const Next = { ...Activity, version: 2 }
      yield* Effect.forkChild(Projection.run(Next))
      yield* reaches({ name: "Activity" }, 1)
      yield* eventually(
        Effect.map(ProjectionMonitor.status([Next]), ([next]) => next!.serves),
        "1 second"
      )
      const all = yield* ProjectionMonitor.status([Next])
      expect(
        all.map(({ isDeclared, lagAtMost, position, state, version, view }) => [
          view,
          version,
          isDeclared,
          state,
          position,
          lagAtMost
        ])
      ).toEqual([
        ["Activity", 2, true, "live", 2, 0],
        ["Activity", 1, false, "waiting", 1, 1],
        ["Unknown", 7, false, "waiting", 1, 1]
      ])
      expect(all[2]).toMatchObject({ build: 1, serves: true, owners: [undefined], parked: 0 })
      // Only the declared views are judged.
      expect(yield* saidOf(Next)).toBe("healthy")
      // Without any view it lists them all the same.
      expect(yield* ProjectionMonitor.status([])).toHaveLength(3)
    }).pipe(Effect.provide(stores))
  )
})

describe("a view beyond the log", () => {
  it.effect("is refused, not live, also after other events have taken the positions of a log that was emptied", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const emptied = yield* Layer.build(MemoryEventStore.layer())
      const onEmptied = Effect.provide(emptied)
      const wrong = Effect.gen(function* () {
        const [status] = yield* ProjectionMonitor.status([Activity])
        // The records have to be made anew, so no event of the log counts as applied.
        const { horizon: lag } = status!
        expect(status).toMatchObject({ state: "failed", faults: [{ reason: "refused" }], position: 5, lag })
        expect(status!.refusal).toBeDefined()
        expect(yield* saidOf(Activity)).toBe(`Activity, version 1: ${status!.refusal!.detail}`)
      })
      yield* onEmptied(wrong)
      yield* onEmptied(deposited("b", 1))
      yield* onEmptied(wrong)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("below the last position drawn is held, while nobody can say more", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) yield* deposited("a", 1)
      yield* owned("9 hours", { to: 5, asks: "serve" })
      const store = yield* EventStore.EventStore
      const horizons = Stream.map(store.horizons, (horizon) => ({
        ...horizon,
        position: 3,
        drawn: 6,
        holders: [{ pid: 7, isPrepared: false }]
      }))
      const held = Effect.provideService(EventStore.EventStore, { ...store, horizons })
      const [status] = yield* held(ProjectionMonitor.status([Activity]))
      expect(status).toMatchObject({ position: 5, horizon: 3, lag: 1, lagAtMost: 1, held: { drawn: 6 } })
      expect(yield* held(saidOf(Activity))).toBe("healthy")
      yield* TestClock.adjust("1 minute")
      // Nothing says since when the transaction holds it: so it lasts since the first check.
      expect(yield* held(saidOf(Activity))).toBe(
        "Activity, version 1: held by an open transaction of process 7, for 1m"
      )
    }).pipe(Effect.provide(stores))
  )
})

describe("the lag", () => {
  const Limits = View.make("Limits", {
    from: [Budget],
    state: Schema.Int,
    evolve: { BudgetSet: (_, { limit }) => limit }
  })
  const limits = Effect.map(ProjectionMonitor.status([Limits]), ([status]) => status!)

  it.effect("is exact up to 1,000 events, and a lower bound beyond", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 999; i++) yield* budget(i, 1)
      yield* deposited("a", 1)
      expect(yield* limits).toMatchObject({ lag: 999, lagAtMost: 999 })
      for (let i = 0; i < 10; i++) yield* budget(i, 1)
      expect(yield* limits).toMatchObject({ lag: 1_000, lagAtMost: 1_010 })
      yield* TestClock.adjust("2 minutes")
      expect(yield* saidOf(Limits)).toBe("Limits, version 1: its lag is 1000 to 1010 events and 2m")
    }).pipe(Effect.provide(stores))
  )

  it.effect("is exact up to a megabyte of events, and a lower bound beyond", () =>
    Effect.gen(function* () {
      const lag = Effect.map(ProjectionMonitor.status([Activity]), ([status]) => status!)
      const large = "x".repeat(400_000)
      for (const id of ["a", "b"]) yield* opened(id, large)
      expect(yield* lag).toMatchObject({ lag: 2, lagAtMost: 2 })
      for (const id of ["c", "d", "e"]) yield* opened(id, large)
      expect(yield* lag).toMatchObject({ lag: 3, lagAtMost: 5 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("costs a bounded search, whose end bounds the age of the first event", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* TestClock.adjust("1 minute")
      const foreign = yield* deposited("a", 1)
      yield* TestClock.adjust("3 seconds")
      const store = yield* EventStore.EventStore
      const reads: Array<EventStore.AllReadOptions> = []
      const far: EventStore.EventStore["Service"] = {
        ...store,
        horizons: Stream.map(store.horizons, (horizon) => ({ ...horizon, position: 1_000_000, drawn: 1_000_000 })),
        readAll: (options = {}) => {
          reads.push(options)
          return options.aggregates === undefined ? Stream.make({ ...foreign, position: 250_000 }) : Stream.empty
        }
      }
      const status = yield* Effect.provideService(limits, EventStore.EventStore, far)
      expect(reads).toMatchObject([
        { after: 0, upTo: 100_000, limit: 1_000 },
        { after: 100_000, upTo: 1_000_000, limit: 1 }
      ])
      expect(status).toMatchObject({ lag: 0, lagAtMost: 750_001, lagTime: Duration.seconds(3), percent: 0 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("of a view that stands still is not ascribed to an append of the moment", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* owned("9 hours", { asks: "serve" })
      yield* TestClock.adjust("1 hour")
      const store = yield* EventStore.EventStore
      const heldSince = yield* DateTime.now
      const horizons = Stream.map(store.horizons, (horizon) => ({
        ...horizon,
        drawn: horizon.position + 1,
        heldSince,
        holders: [{ pid: 7, isPrepared: false }]
      }))
      const said = Effect.provideService(saidOf(Activity), EventStore.EventStore, { ...store, horizons })
      expect(yield* said).toBe("Activity, version 1: its lag is 2 events and 1h")
    }).pipe(Effect.provide(stores))
  )

  it.effect("reads nothing of the log for a view at its end", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const store = yield* EventStore.EventStore
      const readAll = () => {
        throw new Error("read")
      }
      const [status] = yield* Effect.provideService(ProjectionMonitor.status([Activity]), EventStore.EventStore, {
        ...store,
        readAll
      })
      expect(status).toMatchObject({ lag: 0, lagAtMost: 0, percent: 100 })
    }).pipe(Effect.provide(stores))
  )

  it.effect(
    "of an owner whose written position is behind only by events of others is nothing, and the view is live",
    () =>
      Effect.gen(function* () {
        yield* budget(1, 1)
        yield* owned("9 hours", { to: 1, asks: "serve" })
        for (let i = 0; i < 5; i++) yield* budget(3, 3)
        const Named = View.make("Activity", {
          from: [Budget],
          state: Schema.Int,
          key: ({ limit }) => (limit === 3 ? [] : ["all"]),
          evolve: { BudgetSet: (_, { limit }) => limit }
        })
        const Deposits = { ...Activity, follows: { aggregates: ["Account"], except: {} } }
        yield* TestClock.adjust("1 hour")
        const [others] = yield* ProjectionMonitor.status([Deposits])
        expect(others).toMatchObject({ state: "live", position: 1, lag: 0, lagTime: Duration.zero, percent: 100 })
        // An event that the view handles counts, even if it touches no record.
        const [own] = yield* ProjectionMonitor.status([Named])
        expect(own).toMatchObject({ state: "catching up", lag: 5, lagTime: Duration.hours(1) })
      }).pipe(Effect.provide(stores))
  )
})

describe("an owner", () => {
  it.effect("is named by application, host and process, and the status has them apart", () =>
    Effect.gen(function* () {
      const here = { host: "web-1.example", pid: 4711, application: "billing: main@2" }
      yield* Effect.forkChild(Effect.provideService(Projection.run(Activity), Projection.Process, here))
      yield* TestClock.adjust("1 second")
      const [status] = yield* ProjectionMonitor.status([Activity])
      expect(status!.owners).toEqual([expect.stringMatching(/^billing%3A main%402@web-1\.example:4711#[0-9a-f-]{36}$/)])
      expect(status!.parts[0]!.owner).toEqual({ name: status!.owners[0], ...here })
    }).pipe(Effect.provide(stores))
  )

  it.effect("of which less is known is named by what there is", () =>
    Effect.gen(function* () {
      const named = (process: Projection.Process) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Effect.provideService(Projection.run(Activity), Projection.Process, process)
          )
          yield* TestClock.adjust("1 second")
          const [status] = yield* ProjectionMonitor.status([Activity])
          yield* Effect.sync(() => fiber.interruptUnsafe())
          yield* TestClock.adjust("1 second")
          const { name, ...rest } = status!.parts[0]!.owner!
          return [name.replace(/[0-9a-f-]{36}$/, "id"), rest]
        })
      expect(yield* named({})).toEqual(["id", {}])
      expect(yield* named({ pid: 1 })).toEqual([":1#id", { pid: 1 }])
      expect(yield* named({ host: "[::1]" })).toEqual(["[%3A%3A1]#id", { host: "[::1]" }])
      expect(yield* named({ application: "100%" })).toEqual(["100%25@#id", { application: "100%" }])
      expect(yield* named({ application: "half\ud800\0" })).toEqual([
        "half\ufffd\ufffd@#id",
        { application: "half\ufffd\ufffd" }
      ])
    }).pipe(Effect.provide(stores))
  )

  it.effect("of another program has any name", () =>
    Effect.gen(function* () {
      yield* owned("1 minute")
      const [status] = yield* ProjectionMonitor.status([Activity])
      expect(status!.parts[0]!.owner).toEqual({ name: "p0" })
    }).pipe(Effect.provide(stores))
  )
})
