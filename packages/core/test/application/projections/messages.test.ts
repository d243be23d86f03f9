import { describe, expect, it } from "@effect/vitest"
import {
  DropRefused,
  NotServing,
  Projection,
  ProjectionMonitor,
  ProjectionStore,
  RebuildOvertaken,
  ViewStore
} from "@hexfold/core"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { collecting } from "../../support/logged.ts"
import { boxes, breakAll, hands, mend, put } from "../../support/poisoned.ts"
import { Activity, away, connection, deposited, eventually, reaches, stores } from "../../support/projected.ts"

describe("a projection warns", () => {
  it.effect("of each event that it skips, with the message of the error", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      hands.broken = new Set([6, 7])
      yield* put("a", 7)
      yield* put("a", 1)
      yield* put("b", 6)
      yield* Projection.catchUp(boxes("skip")).pipe(into)
      expect(lines).toEqual([
        'Warn Boxes, version 1: skipped, for the key "a", event 1 of Box-a, a "Put" at position 1: evolve failed: Error: seven',
        expect.stringMatching(
          /^Warn Boxes, version 1: skipped event 1 of Box-b, a "Put" at position 3: decode failed: EventDecodeError: event 1/
        )
      ])
    }).pipe(Effect.ensuring(mend), Effect.provide(stores))
  })

  it.effect("of each key that it parks, and not of the events that only wait", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      hands.broken = new Set([7])
      yield* put("a", 7)
      yield* put("a", 1)
      yield* Projection.catchUp(boxes("park")).pipe(into)
      expect(lines).toEqual([
        'Warn Boxes, version 1: parked the key "a" at event 1 of Box-a, a "Put" at position 1: evolve failed: Error: seven'
      ])
    }).pipe(Effect.ensuring(mend), Effect.provide(stores))
  })

  it.effect("of a failure of the store, with its message, and goes on", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      const { hooks, store } = yield* connection
      yield* deposited("a", 1)
      hooks.before = Effect.suspend(() => {
        hooks.before = Effect.void
        return Effect.fail(away())
      })
      const running = Effect.provideService(Projection.run(Activity), ProjectionStore.ProjectionStore, store)
      yield* Effect.forkChild(into(running))
      yield* reaches(Activity, 1)
      expect(lines).toEqual(["Warn Activity, version 1: goes on after a failure of the store: commit: down"])
    }).pipe(Effect.provide(stores))
  })
})

it.effect("a projection that stops says why, and what to do", () => {
  const { into, lines } = collecting()
  return Effect.gen(function* () {
    yield* breakAll
    yield* put("a", 7)
    yield* Layer.build(Projection.layer(boxes("stop"))).pipe(into)
    yield* eventually(Effect.sync(() => lines.length > 0))
    expect(lines).toEqual([
      'Error Boxes, version 1: the projection has stopped: Boxes, version 1: evolve failed for event 1 of Box-a, a "Put" at position 1: Error: seven. ' +
        'Correct the view or its events and restart the process, or let the view go on with `onPoison: "skip"` or "park".'
    ])
  }).pipe(Effect.ensuring(mend), Effect.scoped, Effect.provide(stores))
})

it.effect("a job that an event stops warns of it with the message of the error, and fails with it", () => {
  const { into, lines } = collecting()
  return Effect.gen(function* () {
    yield* breakAll
    yield* put("a", 7)
    const view = boxes("stop")
    const warning =
      'Warn Boxes, version 1: the projection has stopped: Boxes, version 1: evolve failed for event 1 of Box-a, a "Put" at position 1: Error: seven'
    const jobs: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }, Projection.Stores>> = [
      Projection.catchUp(view),
      Projection.build(view),
      Projection.run(view),
      Projection.rebuild(view)
    ]
    for (const job of jobs) {
      lines.length = 0
      expect((yield* Effect.flip(into(job)))._tag).toBe("ProjectionFailed")
      expect(lines).toEqual([warning])
    }
  }).pipe(Effect.ensuring(mend), Effect.provide(stores))
})

it.effect("a retry that parks a key at a later event warns of that event", () => {
  const { into, lines } = collecting()
  return Effect.gen(function* () {
    hands.broken = new Set([6, 7])
    yield* put("a", 7)
    yield* put("a", 6)
    yield* Projection.catchUp(boxes("park"))
    hands.broken = new Set([6])
    yield* into(Projection.retryParked(boxes("park")))
    expect(lines).toEqual([
      expect.stringMatching(/^Warn Boxes, version 1: parked the key "a" at event 2 of Box-a, a "Put" at position 2: /)
    ])
  }).pipe(Effect.ensuring(mend), Effect.provide(stores))
})

it.effect("a status that cannot be read is logged with the message of the error", () => {
  const { into, lines } = collecting()
  return Effect.gen(function* () {
    const store = yield* ViewStore.ViewStore
    yield* ProjectionMonitor.watch([Activity]).pipe(
      into,
      Effect.provideService(ViewStore.ViewStore, { ...store, status: Effect.fail(away()) }),
      Effect.forkChild
    )
    yield* TestClock.adjust("1 second")
    expect(lines).toEqual(["Warn the status of the views could not be read: commit: down"])
  }).pipe(Effect.provide(stores))
})

it("errors name the version, and the build if there are several", () => {
  const courses = { view: "Courses", version: 2, build: 1 }
  const serving = { version: 2, build: 6 }
  expect([
    new DropRefused({ ...courses, reason: "Serves" }).message,
    new DropRefused({ ...courses, build: 4, reason: "Owned", owner: "p1" }).message,
    new RebuildOvertaken({ ...courses, build: 5, serving }).message,
    new NotServing({ view: "Courses", version: 2, reason: "unbuilt" }).message,
    new NotServing({ ...courses, reason: "building", position: 5, lag: 3 }).message,
    new NotServing({ ...courses, build: 4, reason: "replaced" }).message,
    new NotServing({ view: "Courses", version: 2, reason: "left", position: 5 }).message
  ]).toEqual([
    "Courses, version 2 is not dropped: it answers the queries, and nothing would answer them without it",
    "Courses, version 2, build 4 is not dropped: the projection p1 owns it; stop the projections of this version first",
    "Courses, version 2, build 5 cannot take over: version 2, build 6 answers the queries",
    "Courses, version 2 does not answer: no projection has begun to build this version. Is Projection.layer([Courses]) running?",
    "Courses, version 2 does not answer: it is being built, and has not caught up with the events yet. It has reached position 5, 3 before the last one",
    "Courses, version 2, build 4 does not answer: another build of this version answers now.",
    "Courses, version 2 does not answer: no projection works on this version any more, and another version is used. Is Projection.layer([Courses]) running? It has reached position 5"
  ])
})
