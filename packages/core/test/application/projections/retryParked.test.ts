import { beforeEach, describe, expect, it } from "@effect/vitest"
import { EventStore, CommitConflict, Projection, ProjectionStore, Reason } from "@hexfold/core"
import { Deferred, Duration, Effect, Fiber, Stream } from "effect"
import { boxes, breakAll, hands, law, deadLetters, mend, pairs, put, records } from "../../support/poisoned.ts"
import { connection, eventually, reaches, statusOf, stores } from "../../support/projected.ts"

const view = boxes("park")

beforeEach(() => {
  Effect.runSync(breakAll)
  hands.everyFourth = false
})

const puts = (events: ReadonlyArray<readonly [box: string, n: number]>) =>
  Effect.forEach(events, ([box, n]) => put(box, n), { discard: true })

/** Lets time pass until a fiber has ended. */
const joined = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  Effect.andThen(
    eventually(
      Effect.sync(() => fiber.pollUnsafe() !== undefined),
      "5 millis"
    ),
    Fiber.join(fiber)
  )

/** The first call waits, and signals that it was made. */
const gated = Effect.gen(function* () {
  const [gate, arrived] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const before = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.flatMap(Deferred.succeed(arrived, undefined), (first) =>
      first ? Effect.andThen(Deferred.await(gate), effect) : effect
    )
  return { before, arrived: Deferred.await(arrived), open: Deferred.succeed(gate, undefined) }
})

const withStore =
  (store: ProjectionStore.ProjectionStore["Service"]) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.provideService(effect, ProjectionStore.ProjectionStore, store)

describe("retryParked", () => {
  it.effect("applies the parked events of each key up to the event that fails now", () =>
    Effect.gen(function* () {
      yield* puts([
        ["a", 7],
        ["a", 1],
        ["a", 8],
        ["a", 2],
        ["b", 7],
        ["b", 1],
        ["c", 8],
        ["d", 1]
      ])
      yield* Projection.catchUp(view)
      expect(yield* Projection.retryParked(view)).toMatchObject({
        applied: 0,
        parked: [
          { position: 1, key: "a" },
          { position: 5, key: "b" },
          { position: 7, key: "c" }
        ]
      })
      hands.broken.delete(7)
      const parked = [
        { key: "a", position: 3, stream: "Box-a", streamVersion: 3, parked: true, error: { step: "encode" } },
        { key: "c", position: 7 }
      ]
      expect(yield* Projection.retryParked(view)).toMatchObject({ applied: 4, parked })
      expect(yield* deadLetters(view)).toMatchObject([parked[0], { key: "a", position: 4 }, parked[1]])
      expect((yield* records(view))["a"]).toEqual({ ns: [7, 1], sum: 8 })
      yield* mend
      expect(yield* Projection.retryParked(view, { keys: ["c", "d", "none"] })).toEqual({ applied: 1, parked: [] })
      expect(yield* Projection.retryParked(view)).toEqual({ applied: 2, parked: [] })
      expect(yield* records(view)).toEqual(yield* law(view))
      expect(yield* statusOf(view)).toMatchObject({ parked: 0, position: 8 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("has nothing to do if nothing is parked, or if there is no view", () =>
    Effect.gen(function* () {
      expect(yield* Projection.retryParked(view, { keys: ["a"] })).toEqual({ applied: 0, parked: [] })
      yield* puts([["a", 1]])
      yield* Projection.catchUp(view)
      expect(yield* Projection.retryParked(view)).toEqual({ applied: 0, parked: [] })
    }).pipe(Effect.provide(stores))
  )

  it.effect("applies more events than are in memory at once", () =>
    Effect.gen(function* () {
      yield* puts([["a", 7], ...Array.from({ length: 2_500 }, () => ["a", 1] as const)])
      yield* Projection.catchUp(view)
      expect(yield* Effect.map(Stream.runCount(Projection.deadLetters(view)), Number)).toBe(2_501)
      yield* mend
      expect(yield* Projection.retryParked(view)).toEqual({ applied: 2_501, parked: [] })
      expect(yield* records(view)).toEqual(yield* law(view))
    }).pipe(Effect.provide(stores))
  )

  it.effect("leaves out an event that does not belong to the key any more", () =>
    Effect.gen(function* () {
      yield* puts([
        ["a", 7],
        ["a", 1]
      ])
      yield* Projection.catchUp(pairs("park"))
      yield* mend
      const other = { ...pairs("park"), keysOf: view.keysOf }
      expect(yield* Projection.retryParked(other)).toEqual({ applied: 4, parked: [] })
      expect(yield* records(other)).toEqual({ a: { ns: [7, 1], sum: 8 } })
    }).pipe(Effect.provide(stores))
  )

  it.effect("commits to the part of the key", () =>
    Effect.gen(function* () {
      const boxes = Array.from({ length: 8 }, (_, i) => `${i}`)
      yield* puts(boxes.map((box) => [box, 7]))
      yield* Projection.catchUp(view)
      const store = yield* ProjectionStore.ProjectionStore
      const generation = { view: view.name, version: 1 }
      for (const index of [0, 1]) {
        const claim = { generation, part: { index, of: 2 }, owner: "other", lease: Duration.seconds(5) }
        const { epoch } = (yield* store.claim(claim)) as Extract<ProjectionStore.Claimed, { _tag: "Owned" }>
        const to = 10 + index
        yield* store.commit({ owner: { generation, part: index, epoch }, from: 8, to })
      }
      yield* mend
      const commits: Array<ProjectionStore.Commit> = []
      const commit: typeof store.commit = (commit) => (commits.push(commit), store.commit(commit))
      yield* withStore({ ...store, commit })(Projection.retryParked(view))
      expect(yield* records(view)).toEqual(yield* law(view))
      expect(new Set(commits.map(({ from, owner, to }) => `${owner.part} ${from} ${to}`))).toEqual(
        new Set(["0 10 10", "1 11 11"])
      )
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails if the store does not have a parked event", () =>
    Effect.gen(function* () {
      yield* puts([["a", 7]])
      yield* Projection.catchUp(view)
      const store = yield* EventStore.EventStore
      const failed = yield* Projection.retryParked(view).pipe(
        Effect.provideService(EventStore.EventStore, { ...store, readStream: () => Stream.empty }),
        Effect.flip
      )
      expect(failed).toMatchObject({ _tag: "EventStoreError", reason: expect.any(Reason.Corrupt) })
    }).pipe(Effect.provide(stores))
  )

  it.effect("gives up if every try meets another commit", () =>
    Effect.gen(function* () {
      yield* puts([["a", 7]])
      yield* Projection.catchUp(view)
      yield* mend
      const store = yield* ProjectionStore.ProjectionStore
      let tries = 0
      const commit: typeof store.commit = (commit) => (
        tries++,
        store.commit({ ...commit, owner: { ...commit.owner, epoch: 0 } })
      )
      const retrying = withStore({ ...store, commit })(Projection.retryParked(view))
      const failed = yield* Effect.flip(joined(yield* Effect.forkChild(retrying)))
      expect(failed).toBeInstanceOf(CommitConflict)
      expect(tries).toBe(20)
      expect(yield* records(view)).toEqual({})
    }).pipe(Effect.provide(stores))
  )
})

it("a conflict over dead letters says so", () => {
  const at = { epoch: 1, position: 5 }
  const conflict = new CommitConflict({ view: "Boxes", version: 1, expected: at, actual: at })
  expect(conflict.message).toBe("Boxes, version 1: other events are parked than those expected")
})

describe("beside an owner", () => {
  it.effect("refuses a commit of the owner that still expects the key to be parked", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      yield* puts([["a", 7]])
      yield* Projection.catchUp(view)
      const { arrived, before, open } = yield* gated
      const store: typeof plain = { ...plain, commit: (commit) => before(plain.commit(commit)) }
      yield* puts([
        ["a", 1],
        ["b", 1]
      ])
      yield* Effect.forkChild(withStore(store)(Projection.run(view)))
      yield* arrived
      yield* mend
      expect(yield* Projection.retryParked(view)).toEqual({ applied: 1, parked: [] })
      yield* open
      yield* reaches(view, 3)
      expect(yield* deadLetters(view)).toEqual([])
      expect(yield* records(view)).toEqual(yield* law(view))
    }).pipe(Effect.provide(stores))
  )

  it.effect("begins a key again after a commit of the owner, with the events that wait now", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      yield* puts([["a", 7]])
      yield* Projection.catchUp(view)
      yield* mend
      const { arrived, before, open } = yield* gated
      const store: typeof plain = { ...plain, commit: (commit) => before(plain.commit(commit)) }
      const retrying = yield* Effect.forkChild(withStore(store)(Projection.retryParked(view)))
      yield* arrived
      yield* puts([
        ["a", 1],
        ["b", 1]
      ])
      yield* Projection.catchUp(view)
      yield* open
      expect(yield* joined(retrying)).toEqual({ applied: 2, parked: [] })
      expect(yield* deadLetters(view)).toEqual([])
      expect(yield* records(view)).toEqual(yield* law(view))
    }).pipe(Effect.provide(stores))
  )

  it.effect("releases the keys while the owner works", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const busy = pairs("park")
      const late = <A, E>(effect: Effect.Effect<A, E>) => Effect.andThen(Effect.yieldNow, effect)
      const store: typeof plain = {
        ...plain,
        commit: (commit) => late(plain.commit(commit)),
        load: (generation, keys) => late(plain.load(generation, keys)),
        deadLetters: ((generation: ProjectionStore.Generation, what: never) =>
          late(plain.deadLetters(generation, what))) as typeof plain.deadLetters
      }
      yield* puts([
        ["a", 7],
        ["b", 1],
        ["b", 8],
        ["c", 7]
      ])
      const running = Projection.run(busy, { batch: 3, pause: "10 millis" })
      yield* Effect.forkChild(withStore(store)(running))
      yield* reaches(busy, 4)
      yield* mend
      const some = Effect.forEach(["a", "b", "c", "d"], (box) => Effect.andThen(Effect.yieldNow, put(box, 1)))
      const appending = yield* Effect.forkChild(Effect.repeat(some, { times: 99 }))
      const retrying = Effect.forkChild(withStore(store)(Projection.retryParked(busy)))
      const retried = [yield* joined(yield* retrying), yield* joined(yield* retrying)]
      expect(retried.flatMap(({ parked }) => parked)).toEqual([])
      yield* Fiber.join(appending)
      yield* reaches(busy, 404)
      expect(yield* deadLetters(busy)).toEqual([])
      expect(yield* records(busy)).toEqual(yield* law(busy))
    }).pipe(Effect.provide(stores))
  )
})

describe("beside another retryParked", () => {
  it.effect("applies each event once", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const late = <A, E>(effect: Effect.Effect<A, E>) => Effect.andThen(Effect.yieldNow, effect)
      const store: typeof plain = {
        ...plain,
        commit: (commit) => late(plain.commit(commit)),
        load: (generation, keys) => late(plain.load(generation, keys))
      }
      const events = Array.from({ length: 30 }, (_, i) => [`${i % 3}`, i < 3 ? 7 : 1] as const)
      yield* puts(events)
      yield* Projection.catchUp(view)
      yield* mend
      const retrying = withStore(store)(Projection.retryParked(view))
      const both = yield* Effect.forkChild(Effect.all([retrying, retrying, retrying], { concurrency: "unbounded" }))
      const retried = yield* joined(both)
      expect(retried.reduce((sum, { applied }) => sum + applied, 0)).toBe(30)
      expect(yield* records(view)).toEqual(yield* law(view))
      expect(yield* deadLetters(view)).toEqual([])
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not undo the work of a process with a better correction", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      yield* puts([
        ["a", 7],
        ["a", 8],
        ["b", 1]
      ])
      yield* Projection.catchUp(view)
      const { arrived, before, open } = yield* gated
      const store: typeof plain = { ...plain, commit: (commit) => before(plain.commit(commit)) }
      hands.broken.delete(7)
      const half = yield* Effect.forkChild(withStore(store)(Projection.retryParked(view)))
      yield* arrived
      yield* mend
      expect(yield* Projection.retryParked(view)).toEqual({ applied: 2, parked: [] })
      yield* open
      expect(yield* joined(half)).toEqual({ applied: 0, parked: [] })
      expect(yield* deadLetters(view)).toEqual([])
      expect(yield* records(view)).toEqual(yield* law(view))
    }).pipe(Effect.provide(stores))
  )

  it.effect("parks nothing again if it could apply nothing", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      yield* puts([
        ["a", 7],
        ["a", 1]
      ])
      yield* Projection.catchUp(view)
      const { arrived, before, open } = yield* gated
      const store: typeof plain = { ...plain, load: (generation, keys) => before(plain.load(generation, keys)) }
      const useless = yield* Effect.forkChild(withStore(store)(Projection.retryParked(view)))
      yield* arrived
      yield* mend
      expect(yield* Projection.retryParked(view)).toEqual({ applied: 2, parked: [] })
      hands.broken.add(7)
      yield* open
      expect(yield* joined(useless)).toMatchObject({ applied: 0, parked: [{ position: 1 }] })
      expect(yield* deadLetters(view)).toEqual([])
      expect(yield* records(view)).toEqual({ a: { ns: [7, 1], sum: 8 } })
    }).pipe(Effect.provide(stores))
  )

  it.effect("uses no record that is older or newer than the dead letters", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      yield* puts([
        ["a", 7],
        ["a", 8],
        ["a", 1]
      ])
      yield* Projection.catchUp(view)
      const { arrived, before, open } = yield* gated
      // Between the two reads the other process takes its first step.
      let reads = 0
      const second = <A, E>(effect: Effect.Effect<A, E>) => (++reads === 2 ? before(effect) : effect)
      const store: typeof plain = {
        ...plain,
        load: (generation, keys) => second(plain.load(generation, keys)),
        deadLetters: ((generation: ProjectionStore.Generation, what: never) =>
          second(plain.deadLetters(generation, what))) as typeof plain.deadLetters
      }
      yield* mend
      const whole = yield* Effect.forkChild(withStore(store)(Projection.retryParked(view, { keys: ["a"] })))
      yield* arrived
      hands.broken.add(8)
      expect(yield* Projection.retryParked(view)).toMatchObject({ applied: 1, parked: [{ position: 2 }] })
      yield* mend
      yield* open
      expect(yield* joined(whole)).toEqual({ applied: 2, parked: [] })
      expect(yield* records(view)).toEqual(yield* law(view))
    }).pipe(Effect.provide(stores))
  )
})
