import { describe, expect, it } from "@effect/vitest"
import {
  Aggregate,
  EventStore,
  EventStoreError,
  Projection,
  ProjectionStore,
  Reason,
  View,
  ViewStoreError
} from "@hexfold/core"
import { CommitCheck } from "@hexfold/core/adapter"
import { Deferred, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { collecting } from "../../support/logged.ts"
import { ownClock, seenMeanwhile } from "../../support/ownClock.ts"
import { appendRaw, connection, eventually, reaches, statusOf, stores } from "../../support/projected.ts"

const Changed = Schema.TaggedStruct("Changed", { text: Schema.String })
const Tariff = Aggregate.make("Tariff", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Changed],
  errors: [],
  decide: {},
  evolve: { Changed: (n) => n + 1 }
})

/** What the fold of `Prices` does with each event, and how many records an event touches. */
const hands = { evolve: () => {}, keys: 1, folded: 0, state: (text: string) => text }

const mend = Effect.sync(() =>
  Object.assign(hands, { evolve: () => {}, keys: 1, folded: 0, state: (text: string) => text })
)

const Prices = View.make("Prices", {
  from: [Tariff],
  state: Schema.Struct({ text: Schema.String }),
  key: (_, { id }) => Array.from({ length: hands.keys }, (_, i) => `${id}/${i}`),
  evolve: {
    Changed: (_, { text }) => {
      hands.folded++
      hands.evolve()
      return { text: hands.state(text) }
    }
  }
})

const changed = (events: number, text = "") =>
  Effect.forEach(
    Array.from({ length: events }, (_, i) => i + 1),
    (i) => appendRaw(Tariff.streamId(`t${i}`), "Changed", { _tag: "Changed", text }),
    { discard: true }
  )

/** The stores, with the commits that they were given and the numbers of keys that were loaded. */
const watched = Effect.gen(function* () {
  const plain = yield* ProjectionStore.ProjectionStore
  const commits: Array<ProjectionStore.Commit> = []
  const loads: Array<number> = []
  const store: ProjectionStore.ProjectionStore["Service"] = {
    ...plain,
    load: (generation, keys) =>
      Effect.andThen(
        Effect.sync(() => loads.push(keys.length)),
        plain.load(generation, keys)
      ),
    commit: (commit) =>
      Effect.andThen(
        Effect.sync(() => commits.push(commit)),
        plain.commit(commit)
      )
  }
  return { plain, commits, loads, store, positions: () => commits.map(({ to }) => to) }
})

const on = (store: ProjectionStore.ProjectionStore["Service"]) =>
  Effect.provideService(ProjectionStore.ProjectionStore, store)

const isDone = (events: number) => Effect.map(statusOf(Prices), (status) => expect(status?.position).toBe(events))

const isolated = <A, E, R>(test: Effect.Effect<A, E, R>) => test.pipe(Effect.ensuring(mend), Effect.provide(stores))

describe("a batch ends before its next event", () => {
  it.effect("when a quarter of the lease is over, whatever the number of events", () =>
    Effect.gen(function* () {
      const { pass, within } = yield* ownClock
      const { positions, store } = yield* watched
      yield* changed(9)
      hands.evolve = () => pass(1_000)
      yield* Projection.catchUp(Prices, { lease: "10 seconds" }).pipe(within, on(store))
      expect(positions()).toEqual([3, 6, 9])
      hands.evolve = () => pass(60_000)
      yield* changed(3)
      yield* Projection.catchUp(Prices, { lease: "10 seconds" }).pipe(within, on(store))
      expect(positions()).toEqual([3, 6, 9, 10, 11, 12])
    }).pipe(isolated)
  )

  it.effect("when a correction of the wall clock takes it back, too", () =>
    Effect.gen(function* () {
      const { pass, within } = yield* ownClock
      const { positions, store } = yield* watched
      yield* TestClock.setTime(1_000_000_000)
      yield* changed(6)
      const fiber = yield* Effect.forkChild(Projection.catchUp(Prices).pipe(within, on(store)))
      hands.evolve = () => pass(1_000)
      yield* TestClock.setTime(0)
      yield* Fiber.join(fiber)
      expect(positions()).toEqual([3, 6])
    }).pipe(isolated)
  )

  it.effect("when it would touch more than 5,000 records; an event that touches more is a batch of its own", () =>
    Effect.gen(function* () {
      const { commits, loads, positions, store } = yield* watched
      yield* changed(20)
      hands.keys = 600
      yield* Projection.catchUp(Prices).pipe(on(store))
      expect(Math.max(...commits.map(({ records }) => records!.put.length))).toBe(4_800)
      expect(Math.max(...loads)).toBe(4_800)
      yield* isDone(20)
      hands.keys = 5_001
      yield* changed(2)
      yield* Projection.catchUp(Prices).pipe(on(store))
      expect(positions().slice(-2)).toEqual([21, 22])
    }).pipe(isolated)
  )

  it.effect("after 4 MiB of events", () =>
    Effect.gen(function* () {
      const { positions, store } = yield* watched
      yield* changed(10, "x".repeat(1 << 20))
      hands.state = () => ""
      yield* Projection.catchUp(Prices).pipe(on(store))
      expect(positions()).toEqual([4, 8, 10])
    }).pipe(isolated)
  )

  it.effect("after 4 MiB of records to write; what the same record had before does not count", () =>
    Effect.gen(function* () {
      const { positions, store } = yield* watched
      yield* changed(10)
      hands.state = () => "x".repeat(1 << 20)
      yield* Projection.catchUp(Prices).pipe(on(store))
      expect(positions()).toEqual([4, 8, 10])
      yield* Effect.forEach([1, 2, 3, 4, 5, 6], () =>
        appendRaw(Tariff.streamId("same"), "Changed", { _tag: "Changed", text: "" })
      )
      yield* Projection.catchUp(Prices).pipe(on(store))
      expect(positions().slice(3)).toEqual([16])
    }).pipe(isolated)
  )

  it.effect("and the events that only other parts apply do not end it", () =>
    Effect.gen(function* () {
      const { positions, store } = yield* watched
      yield* changed(40)
      yield* Projection.catchUp(Prices, { parts: 2, batch: 10 }).pipe(on(store))
      expect(new Set(positions())).toEqual(new Set([10, 20, 30, 40]))
    }).pipe(isolated)
  )
})

describe("the event loop goes on every 10 ms", () => {
  const slow = Effect.gen(function* () {
    const { pass, within } = yield* ownClock
    yield* changed(20)
    hands.evolve = () => pass(11)
    return within
  })
  /** Whether the event loop had a turn after each but the last of 20 steps. */
  const eachStep = (seen: ReadonlySet<number>) =>
    expect([...seen]).toEqual(expect.arrayContaining(Array.from({ length: 19 }, (_, i) => i + 1)))

  it.effect("while a batch is folded", () =>
    Effect.gen(function* () {
      const within = yield* slow
      eachStep(yield* seenMeanwhile(() => hands.folded, Projection.catchUp(Prices).pipe(within)))
    }).pipe(isolated)
  )

  it.effect("while one event is folded into many records", () =>
    Effect.gen(function* () {
      const within = yield* slow
      yield* Projection.catchUp(Prices)
      hands.keys = 20
      hands.folded = 0
      yield* changed(1)
      eachStep(yield* seenMeanwhile(() => hands.folded, Projection.catchUp(Prices).pipe(within)))
    }).pipe(isolated)
  )

  it.effect("while a view is rebuilt, and verified", () =>
    Effect.gen(function* () {
      const within = yield* slow
      yield* Projection.catchUp(Prices)
      hands.folded = 0
      eachStep(yield* seenMeanwhile(() => hands.folded, Projection.rebuild(Prices).pipe(within)))
      hands.folded = 0
      eachStep(yield* seenMeanwhile(() => hands.folded, Projection.verify(Prices).pipe(within)))
    }).pipe(isolated)
  )

  it.effect("while parked events are tried again", () =>
    Effect.gen(function* () {
      const { pass, within } = yield* ownClock
      const Parking = { ...Prices, onPoison: "park" as const }
      for (let i = 0; i < 20; i++) yield* appendRaw(Tariff.streamId("same"), "Changed", { _tag: "Changed", text: "" })
      hands.evolve = () => {
        throw new Error("broken")
      }
      yield* Projection.catchUp(Parking)
      hands.folded = 0
      hands.evolve = () => pass(11)
      const retrying = Projection.retryParked(Parking).pipe(within)
      eachStep(yield* seenMeanwhile(() => hands.folded, retrying))
    }).pipe(isolated)
  )
})

describe("a batch that takes too long is followed by a smaller one", () => {
  /** A store that never answers for more than some keys, in one of its operations. */
  const limited = (operation: "load" | "commit", most: () => number) =>
    Effect.map(watched, (all) => {
      const hangs = (keys: number) => (keys > most() ? Effect.never : Effect.void)
      const { store } = all
      const limited: ProjectionStore.ProjectionStore["Service"] = {
        ...store,
        load: (generation, keys) =>
          Effect.tap(store.load(generation, keys), operation === "load" ? hangs(keys.length) : Effect.void),
        commit: (commit) =>
          Effect.andThen(
            operation === "commit" ? hangs(commit.records?.put.length ?? 0) : Effect.void,
            store.commit(commit)
          )
      }
      return { ...all, store: limited }
    })

  it.effect("if the store does not load its records in time; the size grows again later", () =>
    Effect.gen(function* () {
      let most = 16
      const { into, lines } = collecting()
      const { loads, store } = yield* limited("load", () => most)
      yield* changed(200)
      const running = yield* Projection.run(Prices, { batch: 64 }).pipe(on(store), into, Effect.forkChild)
      yield* reaches(Prices, 200, "1 second")
      // A batch is as large as the one before it where its events were read ahead.
      expect(loads.slice(0, 13)).toEqual([64, 32, ...Array<number>(10).fill(16), 32])
      // It was tried once more at twice the size, and not each time.
      expect(loads.filter((keys) => keys > 16).length).toBe(3)
      most = 64
      yield* changed(2_000)
      yield* reaches(Prices, 2_200, "1 second")
      expect(loads.at(-2)).toBe(64)
      yield* Fiber.interrupt(running)
      expect(lines.filter((line) => line.startsWith("Warn"))).toEqual([
        "Warn Prices, version 1: goes on with smaller batches after one that took too long: load of Prices: no answer within 10s",
        expect.stringContaining("goes on with smaller batches after one that took too long")
      ])
    }).pipe(isolated)
  )

  it.effect("if the store does not commit it in time: it claims anew, and no event is applied twice", () =>
    Effect.gen(function* () {
      const { positions, store } = yield* limited("commit", () => 4)
      yield* changed(12)
      const done = yield* Projection.catchUp(Prices, { batch: 16 }).pipe(on(store), Effect.forkChild)
      yield* reaches(Prices, 12, "1 second")
      expect(yield* Fiber.join(done)).toMatchObject({ position: 12, events: 12 })
      expect(positions()).toEqual([4, 8, 12])
    }).pipe(isolated)
  )

  it.effect("if its commit has happened without an answer: it goes on after it, and no event is applied twice", () =>
    Effect.gen(function* () {
      const { plain, store } = yield* connection
      yield* changed(12)
      let isFirst = true
      const silent: ProjectionStore.ProjectionStore["Service"] = {
        ...store,
        commit: (commit) =>
          Effect.andThen(plain.commit(commit), isFirst ? ((isFirst = false), Effect.never) : Effect.void)
      }
      const done = yield* Projection.catchUp(Prices, { batch: 8 }).pipe(on(silent), Effect.forkChild)
      yield* reaches(Prices, 12, "1 second")
      expect(yield* Fiber.join(done)).toMatchObject({ position: 12, events: 4 })
    }).pipe(isolated)
  )

  it.effect("also if another view has read more events for it", () =>
    Effect.gen(function* () {
      yield* changed(12)
      const Counts = View.make("Counts", { from: [Tariff], state: Schema.Int, evolve: { Changed: (n = 0) => n + 1 } })
      const { plain, store } = yield* connection
      const limited: ProjectionStore.ProjectionStore["Service"] = {
        ...store,
        load: (generation, keys) =>
          generation.view === "Counts" && keys.length > 4 ? Effect.never : plain.load(generation, keys)
      }
      yield* Layer.build(Projection.layer([Prices, Counts], { batch: 16 })).pipe(on(limited))
      yield* reaches(Counts, 12, "1 second")
      yield* reaches(Prices, 12)
    }).pipe(Effect.scoped, isolated)
  )

  it.effect("and a batch of one event passes the failure on", () =>
    Effect.gen(function* () {
      const { loads, store } = yield* limited("load", () => 0)
      yield* changed(3)
      const failing = yield* Projection.catchUp(Prices, { batch: 2 }).pipe(on(store), Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(failing)).toMatchObject({ _tag: "ViewStoreError", reason: { _tag: "Timeout" } })
      expect(loads).toEqual([2, 1])
    }).pipe(isolated)
  )
})

describe("events that a store is slow to give", () => {
  const timeout = new EventStoreError({ operation: "readAll", reason: new Reason.Timeout({ detail: "too slow" }) })

  /** An event store whose reads are changed. */
  const reading = (
    change: (
      options: EventStore.AllReadOptions,
      events: ReturnType<EventStore.EventStore["Service"]["readAll"]>
    ) => typeof events
  ) =>
    Effect.map(EventStore.EventStore, (store) =>
      Effect.provideService(EventStore.EventStore, {
        ...store,
        readAll: (options = {}) => change(options, store.readAll(options))
      })
    )

  it.effect("make a batch with those that have come, if the rest does not come in time", () =>
    Effect.gen(function* () {
      yield* changed(10)
      const slow = yield* reading((_, events) => Stream.concat(Stream.take(events, 3), Stream.never))
      const { positions, store } = yield* watched
      const done = yield* Projection.catchUp(Prices).pipe(slow, on(store), Effect.forkChild)
      yield* reaches(Prices, 10, "1 second")
      expect((yield* Fiber.join(done)).events).toBe(10)
      expect(positions()).toEqual([3, 6, 9, 10])
    }).pipe(isolated)
  )

  it.effect("make a batch with those that have come before the server has ended the statement", () =>
    Effect.gen(function* () {
      yield* changed(10)
      const slow = yield* reading((_, events) => Stream.concat(Stream.take(events, 4), Stream.fail(timeout)))
      const { positions, store } = yield* watched
      yield* Projection.catchUp(Prices).pipe(slow, on(store))
      expect(positions()).toEqual([4, 8, 10])
    }).pipe(isolated)
  )

  it.effect("are read in smaller steps if nothing comes in time, for a view alone and for several views", () =>
    Effect.gen(function* () {
      yield* changed(10)
      const slow = yield* reading(({ limit = Infinity }, events) => (limit > 3 ? Stream.fail(timeout) : events))
      const { positions, store } = yield* watched
      yield* Projection.catchUp(Prices, { batch: 16 }).pipe(slow, on(store))
      expect(positions()).toEqual([2, 4, 6, 8, 10])
      const Others = View.make("Others", { from: [Tariff], state: Schema.Int, evolve: { Changed: (n = 0) => n + 1 } })
      const Counts = View.make("Counts", { from: [Tariff], state: Schema.Int, evolve: { Changed: (n = 0) => n + 1 } })
      yield* Layer.build(Projection.layer([Others, Counts], { batch: 16 })).pipe(slow)
      yield* reaches(Others, 10)
      yield* reaches(Counts, 10)
    }).pipe(Effect.scoped, isolated)
  )
})

describe("a lost lease", () => {
  it.effect("is logged once, with the view, the part, the owner and how long the batch has worked", () =>
    Effect.gen(function* () {
      const { into, lines } = collecting()
      const { plain, store } = yield* connection
      yield* changed(8)
      let claims = 0
      const held = { _tag: "Held", by: "p2" } as const
      // Another process has the first part, and takes the second one when it is renewed.
      const lost: ProjectionStore.ProjectionStore["Service"] = {
        ...store,
        claim: (claim) => (claim.part?.index === 0 || claims++ === 1 ? Effect.succeed(held) : plain.claim(claim)),
        load: (generation, keys) => (claims === 1 ? Effect.never : plain.load(generation, keys))
      }
      yield* Projection.run(Prices, { batch: 4, parts: 2, lease: "12 seconds" }).pipe(on(lost), into, Effect.forkChild)
      yield* eventually(Effect.map(statusOf(Prices), (status) => status?.parts[1]?.position === 8))
      expect(lines.filter((line) => line.startsWith("Warn"))).toEqual([
        expect.stringMatching(
          /^Warn Prices, version 1: a projection has lost its lease, and claims it again: part 2 of 2, owner [0-9a-f-]{36}, lease 12s: the projection p2 owns it now; its batch of at most 4 events after position 0 has worked for 4s and is lost; the next one has at most 2$/
        )
      ])
    }).pipe(isolated)
  )

  it.effect("is logged with the failure of the store that kept it from being renewed", () =>
    Effect.gen(function* () {
      const { into, lines } = collecting()
      const { plain, store } = yield* connection
      let isAway = false
      const down = new ViewStoreError({ operation: "claim", reason: new Reason.Unavailable({ detail: "down" }) })
      const lost = {
        ...store,
        claim: (claim: ProjectionStore.Claim) => (isAway ? Effect.fail(down) : plain.claim(claim))
      }
      yield* Projection.run(Prices).pipe(on(lost), into, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      isAway = true
      yield* TestClock.adjust("15 seconds")
      expect(lines[0]).toMatch(/: it could not renew the lease in time: claim: down; no batch was under way$/)
    }).pipe(isolated)
  )

  it.effect(
    "does not lose a batch if the process was only held up: it commits if no other projection has taken over",
    () =>
      Effect.gen(function* () {
        const { into, lines } = collecting()
        const { pass, within } = yield* ownClock
        const { loads, positions, store } = yield* watched
        yield* changed(2)
        const loaded = yield* Deferred.make<void>()
        const late: ProjectionStore.ProjectionStore["Service"] = {
          ...store,
          load: (generation, keys) => Effect.tap(store.load(generation, keys), Deferred.await(loaded))
        }
        yield* Projection.run(Prices, { lease: "12 seconds" }).pipe(on(late), within, into, Effect.forkChild)
        yield* TestClock.adjust("1 second")
        pass(15_000)
        yield* TestClock.adjust("4 seconds")
        yield* Deferred.succeed(loaded, undefined)
        yield* TestClock.adjust("1 millis")
        expect([positions(), loads, lines]).toEqual([[2], [2], []])
        yield* TestClock.adjust("4 seconds")
        expect(lines).toEqual([
          expect.stringMatching(
            /the process was busy, and its lease had ended 7s before it could renew it; no batch was under way$/
          )
        ])
        yield* changed(1)
        yield* reaches(Prices, 3)
      }).pipe(isolated)
  )

  it.effect("does not come from a correction of the process's wall clock", () =>
    Effect.gen(function* () {
      const { into, lines } = collecting()
      const { jump, outside, within } = yield* ownClock
      const { plain, store } = yield* watched
      // The store has a clock of its own.
      const apart = { ...store, claim: (claim: ProjectionStore.Claim) => outside(plain.claim(claim)) }
      yield* Projection.run(Prices).pipe(on(apart), within, into, Effect.forkChild)
      for (const millis of [3_600_000, -7_200_000, 3_600_000]) {
        yield* TestClock.adjust("1 second")
        jump(millis)
        yield* TestClock.adjust("20 seconds")
      }
      yield* changed(1)
      yield* reaches(Prices, 1)
      expect(lines).toEqual([])
    }).pipe(isolated)
  )

  it.effect("is logged if the store says that the lease had ended", () =>
    Effect.gen(function* () {
      const { into, lines } = collecting()
      const { plain, store } = yield* watched
      let claims = 0
      const ended: ProjectionStore.ProjectionStore["Service"] = {
        ...store,
        claim: (claim) =>
          Effect.map(plain.claim(claim), (claimed) =>
            claimed._tag === "Owned" && claims++ === 1 ? { ...claimed, epoch: claimed.epoch + 1 } : claimed
          )
      }
      yield* Projection.run(Prices).pipe(on(ended), into, Effect.forkChild)
      yield* TestClock.adjust("5 seconds")
      expect(lines).toEqual([
        expect.stringContaining("its lease had ended before it was renewed; no batch was under way")
      ])
    }).pipe(isolated)
  )

  it.effect("is logged if another projection has committed since", () =>
    Effect.gen(function* () {
      const { into, lines } = collecting()
      const { plain, store } = yield* connection
      yield* changed(2)
      let isFirst = true
      const lost: ProjectionStore.ProjectionStore["Service"] = {
        ...store,
        commit: (commit) =>
          isFirst
            ? Effect.suspend(
                () => (
                  (isFirst = false),
                  plain.commit({ ...commit, owner: { ...commit.owner, epoch: commit.owner.epoch - 1 } })
                )
              )
            : plain.commit(commit)
      }
      yield* Projection.run(Prices).pipe(on(lost), into, Effect.forkChild)
      yield* reaches(Prices, 2)
      expect(lines[0]).toMatch(
        /^Warn Prices, .* has lost its lease.*: another projection has owned it since; its batch/
      )
    }).pipe(isolated)
  )
})

it.effect("a failure of the store that lasts is logged at growing intervals, and says what is cut off", () =>
  Effect.gen(function* () {
    const { into, lines } = collecting()
    const { hooks, store } = yield* connection
    const down = new ViewStoreError({ operation: "commit", reason: new Reason.Unavailable({ detail: "down" }) })
    hooks.before = Effect.fail(down)
    yield* changed(1)
    yield* Projection.run(Prices).pipe(on(store), into, Effect.forkChild)
    yield* TestClock.adjust("10 minutes")
    expect(lines).toEqual([
      "Warn Prices, version 1: goes on after a failure of the store: commit: down",
      "Warn Prices, version 1: goes on after a failure of the store (for 1m, 61 failures; its records stand still meanwhile): commit: down",
      "Warn Prices, version 1: goes on after a failure of the store (for 3m, 181 failures; its records stand still meanwhile): commit: down",
      "Warn Prices, version 1: goes on after a failure of the store (for 7m, 421 failures; its records stand still meanwhile): commit: down"
    ])
  }).pipe(isolated)
)

it.effect("states that were folded are not copied again for the commit, and nobody can change them", () =>
  Effect.gen(function* () {
    const { commits, store } = yield* watched
    yield* changed(1, "x".repeat(2_000))
    yield* Projection.catchUp(Prices).pipe(on(store))
    const [commit] = commits
    const checked = CommitCheck.check(commit!)
    if ("reason" in checked) throw checked
    const { put } = checked.records!
    expect(put).toBe(commit!.records!.put)
    const [row] = put
    expect([put, row, row!.state].every((each) => Object.isFrozen(each))).toBe(true)
    // Somebody else may still change what a commit has.
    const state = { text: "y" }
    const other = CommitCheck.check({ ...commit!, records: { put: [{ key: "a", state }], remove: [] } })
    if ("reason" in other) throw other
    expect(other.records!.put[0]!.state).not.toBe(state)
  }).pipe(isolated)
)
