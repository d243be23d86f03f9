import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Decision, Executor, Reason, Snapshots, SnapshotStoreError } from "@hexfold/core"
import { Deferred, Effect, Fiber, Schema, SchemaGetter } from "effect"
import { TestClock } from "effect/testing"
import { collecting } from "../../../support/logged.ts"
import { counted, ownMetrics, watchedSnapshots } from "../../../support/snapshots.ts"
import { add, Tally } from "../../../support/tally.ts"

const addTo = (id: string, by = 1) => Executor.execute(Tally, id, add(by))
const load = (id: string) => Executor.load(Tally, id)
const of = [Tally]
const versionsOf = (saves: ReadonlyArray<ReadonlyArray<{ readonly streamId: string; readonly version: number }>>) =>
  saves.map((snapshots) => snapshots.map(({ streamId, version }) => `${streamId} ${version}`))

const down = (operation: "load" | "save") =>
  new SnapshotStoreError({ operation, reason: new Reason.Unavailable({ detail: "the store is down" }) })

describe("a snapshot", () => {
  it.effect("is due after so many events, counted from the last one", () =>
    Effect.gen(function* () {
      const { keeping, saves } = yield* watchedSnapshots
      // Each process knows of snapshots only what it has loaded.
      for (let i = 0; i < 7; i++) yield* keeping({ of, every: 3 })(addTo("a"))
      expect(versionsOf(saves)).toEqual([["Tally-a 3"], ["Tally-a 6"]])
    })
  )

  it.effect("is due by a rule, which is asked about committed states", () =>
    Effect.gen(function* () {
      const { keeping, saves } = yield* watchedSnapshots
      const asked: Array<Snapshots.Asked<number>> = []
      const rule = Snapshots.when(Tally, (each) => {
        asked.push(each)
        return each.state % 10 === 0
      })
      const process = keeping({ of: [rule], every: 1 })
      for (const by of [4, 6, 5]) yield* process(addTo("a", by))
      expect(versionsOf(saves)).toEqual([["Tally-a 2"]])
      expect(asked.filter(({ version }) => version === 3)).toEqual([{ state: 15, version: 3, sinceSnapshot: 1 }])
    })
  )

  it.effect("is saved after the command, which does not wait for it", () =>
    Effect.gen(function* () {
      const { hooks, keeping, saves } = yield* watchedSnapshots
      const gate = yield* Deferred.make<void>()
      hooks.save = Deferred.await(gate)
      yield* keeping({ of, every: 1 })(
        Effect.gen(function* () {
          for (let i = 0; i < 5; i++) yield* addTo("a")
          while (saves.length === 0) yield* Effect.yieldNow
          // While one is saved, the later ones wait together, and only the last of them is saved.
          for (let i = 0; i < 5; i++) yield* addTo("a")
          yield* Deferred.succeed(gate, undefined)
        })
      )
      expect(versionsOf(saves).at(-1)).toEqual(["Tally-a 10"])
      expect(saves.length).toBeLessThanOrEqual(2)
      expect(saves.at(-1)?.[0]?.state).toBe(10)
    })
  )

  it.effect("is not saved where too many wait: the one that has waited longest goes", () =>
    Effect.gen(function* () {
      const { hooks, keeping, saves } = yield* watchedSnapshots
      const gate = yield* Deferred.make<void>()
      hooks.save = Deferred.await(gate)
      yield* keeping({ of, every: 1, capacity: 2 })(
        Effect.gen(function* () {
          yield* addTo("a")
          while (saves.length === 0) yield* Effect.yieldNow
          for (const id of ["b", "c", "b", "d"]) yield* addTo(id)
          yield* Deferred.succeed(gate, undefined)
        })
      )
      expect(versionsOf(saves)).toEqual([["Tally-a 1"], ["Tally-c 1", "Tally-d 1"]])
      expect(yield* counted).toEqual({ saved: 3, "dropped full": 1 })
    }).pipe(ownMetrics)
  )

  it.effect("waits at the end of the layer for a few seconds at most", () =>
    Effect.gen(function* () {
      const { hooks, keeping, saves } = yield* watchedSnapshots
      hooks.save = Effect.never
      const running = yield* Effect.forkChild(keeping({ of, every: 1 })(addTo("a")))
      while (saves.length === 0) yield* Effect.yieldNow
      yield* TestClock.adjust("4900 millis")
      expect(running.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("100 millis")
      expect(yield* Fiber.join(running)).toMatchObject({ version: 1 })
    })
  )

  it.effect(
    "that cannot be saved is reported once, then at growing intervals, and saved when the store is back",
    () => {
      const { into, lines } = collecting()
      return Effect.gen(function* () {
        const { hooks, keeping, plain, saves } = yield* watchedSnapshots
        hooks.save = Effect.fail(down("save"))
        yield* keeping({ of, every: 1 })(
          Effect.gen(function* () {
            for (let i = 1; i <= 5; i++) {
              if (i === 5) yield* TestClock.adjust("1 minute")
              yield* addTo("a")
              while (saves.length < i) yield* Effect.yieldNow
            }
            yield* TestClock.adjust("10 seconds")
            hooks.save = Effect.void
            yield* addTo("a")
          })
        )
        const request = { streamId: Tally.streamId("a"), fingerprint: Snapshots.fingerprint(Tally) }
        expect((yield* plain.load([request]))[0]).toMatchObject({ version: 6, state: 6 })
        expect(lines.map((line) => line.replace(/\d+ failures/, "n failures"))).toEqual([
          "Warn snapshots cannot be saved, so streams are read from earlier ones on, or as a whole: save of snapshots: the store is down",
          "Warn snapshots cannot be saved, so streams are read from earlier ones on, or as a whole (for 1m, n failures): save of snapshots: the store is down",
          "Info snapshots are saved again"
        ])
        expect((yield* counted)["dropped store"]).toBeGreaterThanOrEqual(5)
      }).pipe(into, ownMetrics)
    }
  )
})

describe("a store that fails for a while", () => {
  it.effect("is not asked by each command, and what it has missed is due when it works again", () =>
    Effect.gen(function* () {
      const { hooks, keeping, plain, saves } = yield* watchedSnapshots
      const saved = (count: number) =>
        Effect.gen(function* () {
          while (saves.length < count) yield* Effect.yieldNow
          for (let i = 0; i < 20; i++) yield* Effect.yieldNow
        })
      hooks.save = Effect.fail(down("save"))
      yield* keeping({ of, every: 3 })(
        Effect.gen(function* () {
          yield* Effect.all([addTo("a"), addTo("a"), addTo("a")])
          yield* saved(1)
          yield* Effect.all([addTo("a"), addTo("a")])
          hooks.save = Effect.void
          yield* Effect.all([addTo("b"), addTo("b"), addTo("b")])
          yield* saved(2)
          expect(versionsOf(saves)).toEqual([["Tally-a 3"], ["Tally-b 3"]])
          yield* load("a")
        })
      )
      expect(versionsOf(saves).slice(2)).toEqual([["Tally-a 5"]])
      const request = { streamId: Tally.streamId("a"), fingerprint: Snapshots.fingerprint(Tally) }
      expect((yield* plain.load([request]))[0]?.version).toBe(5)
    })
  )

  it.effect("by throwing does not end the work in the background", () =>
    Effect.gen(function* () {
      const { keeping, saves } = yield* watchedSnapshots
      let thrown = 0
      const push = saves.push.bind(saves)
      saves.push = (...given) => {
        if (thrown++ === 0) throw new Error("a mistake in the store")
        return push(...given)
      }
      yield* keeping({ of, every: 1 })(
        Effect.gen(function* () {
          yield* addTo("a")
          while (thrown === 0) yield* Effect.yieldNow
          yield* addTo("b")
          while (saves.length === 0) yield* Effect.yieldNow
        })
      )
      expect(versionsOf(saves)).toContainEqual(["Tally-b 1"])
    })
  )
})

const Note = Schema.TaggedStruct("Note", { text: Schema.String })
const Noted = Schema.TaggedStruct("Noted", { text: Schema.String })

const notes = <State>(state: Schema.Codec<State, unknown>, initial: NoInfer<State>, next: (text: string) => State) =>
  Aggregate.make("Notes", {
    id: Schema.String,
    state,
    initial,
    commands: [Note],
    events: [Noted],
    decide: { Note: ({ text }) => Decision.accept(Noted.make({ text })) },
    evolve: { Noted: (_, { text }) => next(text) as never }
  })

describe("a state that cannot be kept", () => {
  // It is read back as another text.
  const lowered = Schema.String.pipe(
    Schema.decode({
      decode: SchemaGetter.transform((text: string) => text.toLowerCase()),
      encode: SchemaGetter.passthrough()
    })
  )
  for (const [name, aggregate, detail] of [
    ["would be changed", notes(lowered, "", (text) => text), "would be changed"],
    ["breaks its schema", notes(Schema.Literals(["a"]), "a", () => "b" as "a"), "breaks its schema"],
    ["has NUL", notes(Schema.String, "", () => "a\0"), "NUL"],
    [
      "cannot be folded",
      notes(Schema.String, "", () => {
        throw new Error("a mistake in evolve")
      }),
      "a mistake in evolve"
    ]
  ] as const) {
    it.effect(`is not saved: it ${name}; the command has happened`, () => {
      const { into, lines } = collecting()
      return Effect.gen(function* () {
        const { keeping, saves } = yield* watchedSnapshots
        const receipt = yield* keeping({ of: [aggregate], every: 1 })(
          Executor.execute(aggregate, "a", { _tag: "Note", text: "Bad" }, { expectedVersion: 0 })
        )
        expect(receipt.version).toBe(1)
        expect(saves).toEqual([])
        expect(lines).toHaveLength(1)
        expect(lines[0]).toContain("Warn a state cannot be kept as a snapshot: ")
        expect(lines[0]).toContain(detail)
        expect(yield* counted).toMatchObject({ "dropped state": 1 })
      }).pipe(into, ownMetrics)
    })
  }

  it.effect("is saved if it is one that comes back as it was", () =>
    Effect.gen(function* () {
      const { keeping, saves } = yield* watchedSnapshots
      const aggregate = notes(lowered, "", (text) => text)
      yield* keeping({ of: [aggregate], every: 1 })(Executor.execute(aggregate, "a", { _tag: "Note", text: "good" }))
      expect(saves[0]?.[0]?.state).toBe("good")
    })
  )

  it.effect("is not saved where its rule fails", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      const { keeping, saves } = yield* watchedSnapshots
      const rule = Snapshots.when(Tally, () => {
        throw new Error("a mistake in the rule")
      })
      expect(yield* keeping({ of: [rule] })(addTo("a"))).toMatchObject({ version: 1 })
      expect(saves).toEqual([])
      expect(lines[0]).toContain("a mistake in the rule")
    }).pipe(into)
  })
})

describe("a store of snapshots that does not work", () => {
  for (const [name, load] of [
    ["fails", Effect.fail(down("load"))],
    ["dies", Effect.die(new Error("a mistake in the store"))],
    ["is interrupted", Effect.interrupt]
  ] as const) {
    it.effect(`costs a read of the whole stream, and no command fails: it ${name}`, () => {
      const { into, lines } = collecting()
      return Effect.gen(function* () {
        const { behind, hooks, keeping, reads } = yield* watchedSnapshots
        yield* behind(addTo("a", 5))
        yield* keeping({ of, every: 1 })(addTo("a"))
        reads.length = 0
        hooks.load = load
        yield* keeping({ of })(Effect.all([addTo("a"), addTo("a"), addTo("a")]))
        expect(reads).toEqual(Array.from({ length: 3 }, () => [{ streamId: Tally.streamId("a") }]))
        expect((yield* behind(Executor.load(Tally, "a"))).state).toBe(9)
        expect(lines).toHaveLength(1)
        expect(lines[0]).toContain("Warn snapshots cannot be loaded, so streams are read as a whole")
        expect(yield* counted).toMatchObject({ "ignored store": 3 })
      }).pipe(into, ownMetrics)
    })
  }

  it.effect("only sometimes is not reported each time", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      const { hooks, keeping } = yield* watchedSnapshots
      let asked = 0
      hooks.load = Effect.suspend(() => (asked++ % 2 === 0 ? Effect.fail(down("load")) : Effect.void))
      yield* keeping({ of })(
        Effect.gen(function* () {
          for (let i = 0; i < 20; i++) yield* load("a")
          yield* TestClock.adjust("10 seconds")
          asked = 1
          yield* load("a")
        })
      )
      expect(lines).toEqual([
        "Warn snapshots cannot be loaded, so streams are read as a whole: load of snapshots: the store is down",
        "Info snapshots are loaded again"
      ])
    }).pipe(into)
  })

  it.effect("is not waited for longer than its limit", () =>
    Effect.gen(function* () {
      const { hooks, keeping, loads } = yield* watchedSnapshots
      hooks.load = Effect.never
      const running = yield* Effect.forkChild(keeping({ of, timeout: "300 millis" })(addTo("a")))
      while (loads.length === 0) yield* Effect.yieldNow
      yield* TestClock.adjust("299 millis")
      expect(running.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      expect(yield* Fiber.join(running)).toMatchObject({ version: 1 })
    })
  )

  it.effect("that is full of rubbish costs time only, and the rubbish is replaced", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      const { behind, keeping, plain, removes } = yield* watchedSnapshots
      const fingerprint = Snapshots.fingerprint(Tally)
      const ids = ["a", "b", "c", "d"]
      for (const id of ids) yield* behind(Effect.all([addTo(id), addTo(id)]))
      const spoilt = ids.map((id) => ({ streamId: Tally.streamId(id), fingerprint, history: 1, position: 1 }))
      yield* plain.save([
        { ...spoilt[0]!, version: 1, state: "no number" },
        { ...spoilt[1]!, version: 3, state: 1 },
        { ...spoilt[2]!, version: 1, history: 5, state: 7 },
        { ...spoilt[3]!, version: 1, state: 1 }
      ])
      const loaded = yield* keeping({ of, every: 2 })(Effect.forEach(ids, load))
      expect(loaded).toEqual(ids.map(() => ({ state: 2, version: 2 })))
      expect(removes).toHaveLength(3)
      expect((yield* plain.load(spoilt)).map((each) => each?.version)).toEqual([2, 2, 2, 1])
      expect(yield* counted).toMatchObject({ "ignored undecodable": 1, "ignored ahead": 1, "ignored history": 1 })
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain("Warn a snapshot is ignored and replaced: the snapshot of Tally-a cannot be decoded")
    }).pipe(into, ownMetrics)
  })
})
