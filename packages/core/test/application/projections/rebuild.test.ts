import { describe, expect, it } from "@effect/vitest"
import { Projection, ProjectionStore, Query, Records, View, ViewStore } from "@hexfold/core"
import { Deferred, Duration, Effect, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account } from "../../support/account.ts"
import {
  Activity,
  away,
  budget,
  connection,
  deposited,
  eventually,
  law,
  records,
  stores
} from "../../support/projected.ts"

const builds = Effect.flatMap(ViewStore.ViewStore, ({ status }) => status)
const served = Effect.map(builds, (all) => all.find(({ serves }) => serves))
const places = Effect.map(builds, (all) => all.map(({ build, serves }) => (serves ? `${build} serves` : `${build}`)))

const deposits = (n: number) => Effect.forEach(Array.from({ length: n }), (_, i) => deposited(`${i % 3}`, 1))

/** Runs an effect whose commits go through a function. */
const commitsThrough = (through: (given: ProjectionStore.Commit) => Effect.Effect<unknown>) => {
  type Store = ProjectionStore.ProjectionStore["Service"]
  const changed = (store: Store): Store => ({
    ...store,
    commit: (given) => Effect.suspend(() => Effect.andThen(through(given), store.commit(given)))
  })
  return <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.updateService(effect, ProjectionStore.ProjectionStore, changed)
}

/** Writes a state without the owner of the view. */
const tampered = Effect.gen(function* () {
  const { claim, commit } = yield* ProjectionStore.ProjectionStore
  const generation = { view: Activity.name, version: 1 }
  const owned = yield* claim({ generation, owner: "tamperer", lease: Duration.zero })
  if (owned._tag !== "Owned") throw new Error("a projection owns the view")
  const { epoch, position } = owned
  yield* commit({ owner: { generation, epoch }, from: position, to: position, records: { put: [], remove: ["all"] } })
})

describe("rebuild", () => {
  it.effect("builds the records anew, lets them answer, and reports what it did", () =>
    Effect.gen(function* () {
      yield* deposits(5)
      yield* Projection.catchUp(Activity)
      yield* tampered
      expect(yield* records).not.toEqual(yield* law())
      const report = yield* Projection.rebuild(Activity, { batch: 2 })
      expect(report).toEqual({ events: 5, commits: 3, position: 5, build: 2, replaced: { version: 1, build: 1 } })
      expect(yield* records).toEqual(yield* law())
      expect(yield* places).toEqual(["1", "2 serves"])
      yield* deposits(1)
      expect(yield* Projection.catchUp(Activity)).toEqual({ events: 1, commits: 1, position: 6 })
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("ends also if it cannot see the switch, while the running projection takes over", () =>
    Effect.gen(function* () {
      yield* deposits(5)
      yield* Effect.forkChild(Projection.run(Activity))
      yield* eventually(Effect.map(served, (now) => now?.position === 5))
      const { plain } = yield* connection
      const runs = eventually(
        Effect.map(
          served,
          (now) => now?.build === 2 && now.parts[0]?.owner !== undefined && !mine.has(now.parts[0].owner)
        )
      )
      const mine = new Set<string>()
      let switched = false
      const store: typeof plain = {
        ...plain,
        claim: (claim) => (mine.add(claim.owner), plain.claim(claim)),
        commit: (given) =>
          Effect.tap(plain.commit(given), () => Effect.sync(() => (switched ||= given.asks !== undefined)))
      }
      const view = yield* ViewStore.ViewStore
      const status = Effect.suspend(() => {
        if (!switched) return view.status
        switched = false
        return Effect.fail(away())
      })
      const rebuilding = yield* Projection.rebuild(Activity, { pause: "5 seconds" }).pipe(
        Effect.provideService(ProjectionStore.ProjectionStore, store),
        Effect.provideService(ViewStore.ViewStore, { ...view, status }),
        Effect.forkChild
      )
      yield* runs
      yield* eventually(Effect.sync(() => rebuilding.pollUnsafe() !== undefined))
      expect(yield* Fiber.join(rebuilding)).toMatchObject({ build: 2, replaced: { version: 1, build: 1 } })
    }).pipe(Effect.provide(stores))
  )

  it.effect("builds a view that was never built, also from an empty log", () =>
    Effect.gen(function* () {
      const report = { events: 0, commits: 1, position: 0, build: 1, replaced: undefined }
      expect(yield* Projection.rebuild(Activity)).toEqual(report)
      const next = { ...report, build: 2, replaced: { version: 1, build: 1 } }
      expect(yield* Projection.rebuild(Activity)).toEqual(next)
    }).pipe(Effect.provide(stores))
  )

  it.effect("has only the events after a position, which must be one of the log", () =>
    Effect.gen(function* () {
      yield* deposits(5)
      yield* Projection.catchUp(Activity)
      expect(yield* Projection.rebuild(Activity, { after: 3 })).toMatchObject({ events: 2, position: 5 })
      expect((yield* records)["all"]).toMatchObject({ positions: [4, 5] })
      for (const after of [-1, 1.5, 6]) {
        const exit = yield* Effect.exit(Projection.rebuild(Activity, { after }))
        expect(String(exit)).toContain(`${after} is not a position`)
      }
    }).pipe(Effect.provide(stores))
  )

  for (const running of [true, false]) {
    it.effect(`switches under load without a gap, ${running ? "with" : "without"} a projection that runs`, () =>
      Effect.gen(function* () {
        yield* deposits(20)
        yield* Projection.catchUp(Activity)
        const seen: Array<number> = []
        const look = Effect.map(Records.get(Activity, "all"), (found) =>
          Option.match(found, { onNone: () => 0, onSome: ({ positions }) => positions.length })
        )
        const context = yield* Effect.context<ViewStore.ViewStore>()
        const watched = commitsThrough(() =>
          Effect.orDie(Effect.provide(look, context)).pipe(
            Effect.map((n) => seen.push(n)),
            Effect.andThen(Effect.yieldNow)
          )
        )
        if (running) {
          yield* Effect.forkScoped(watched(Projection.run(Activity, { batch: 3, pause: "10 millis" })))
        }
        const writing = Effect.forEach(Array.from({ length: 100 }), () =>
          Effect.andThen(deposited("a", 1), Effect.yieldNow)
        )
        const load = yield* Effect.forkScoped(writing)
        const rebuilding = yield* Effect.forkScoped(watched(Projection.rebuild(Activity, { batch: 3 })))
        yield* eventually(
          Effect.sync(() => rebuilding.pollUnsafe() !== undefined),
          "10 millis"
        )
        expect(yield* Fiber.join(rebuilding)).toMatchObject({ build: 2, replaced: { build: 1 } })
        yield* Fiber.join(load)
        yield* deposited("b", 1)
        if (running) yield* eventually(Effect.map(served, (found) => found?.position === 121))
        else yield* Projection.catchUp(Activity)
        expect(yield* records).toEqual(yield* law())
        expect(yield* places).toEqual(["1", "2 serves"])
        expect(seen).toEqual([...seen].sort((a, b) => a - b))
      }).pipe(Effect.scoped, Effect.provide(stores))
    )
  }

  it.effect("moves the running projection to the new build, also without a new event", () =>
    Effect.gen(function* () {
      yield* deposits(2)
      const written: Array<number | undefined> = []
      const noted = commitsThrough(({ owner }) => Effect.sync(() => written.push(owner.generation.build)))
      yield* Effect.forkScoped(noted(Projection.run(Activity)))
      yield* eventually(Effect.map(served, (found) => found?.position === 2))
      yield* Projection.rebuild(Activity)
      yield* eventually(Effect.map(served, (found) => found?.build === 2 && found.parts[0]?.owner !== undefined))
      const [old] = yield* builds
      expect(old).toMatchObject({ build: 1, replaced: true, parts: [{ owner: undefined }] })
      yield* deposits(1)
      yield* eventually(Effect.map(served, (found) => found?.position === 3))
      expect(written).toEqual([1, 2])
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("is overtaken by a later build that answers first, but not by a later version", () =>
    Effect.gen(function* () {
      yield* deposits(4)
      yield* Projection.catchUp(Activity)
      const [sent, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const slow = commitsThrough(() => Effect.andThen(Deferred.succeed(sent, undefined), Deferred.await(gate)))
      const first = yield* Effect.forkScoped(Effect.flip(slow(Projection.rebuild(Activity))))
      yield* Deferred.await(sent)
      expect(yield* Projection.rebuild(Activity)).toMatchObject({ build: 3, replaced: { build: 1 } })
      yield* Deferred.succeed(gate, undefined)
      yield* eventually(Effect.sync(() => first.pollUnsafe() !== undefined))
      const serving = { version: 1, build: 3 }
      expect(yield* Fiber.join(first)).toMatchObject({ _tag: "RebuildOvertaken", build: 2, serving })
      expect(yield* places).toEqual(["1", "2", "3 serves"])
      expect(yield* records).toEqual(yield* law())
      yield* Projection.catchUp({ ...Activity, version: 2 })
      expect(yield* Projection.rebuild(Activity)).toMatchObject({ build: 4, replaced: { version: 1, build: 3 } })
      expect(yield* places).toEqual(["1", "2", "3", "4 serves", "1 serves"])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("of one version leaves what another version answers", () =>
    Effect.gen(function* () {
      yield* deposits(2)
      yield* Projection.catchUp(Activity)
      yield* Projection.catchUp({ ...Activity, version: 2 })
      expect(yield* Projection.rebuild(Activity)).toMatchObject({ build: 2, replaced: { version: 1, build: 1 } })
      expect(yield* places).toEqual(["1", "2 serves", "1 serves"])
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("that begins at the same moment as another gets a number of its own", () =>
    Effect.gen(function* () {
      yield* deposits(9)
      yield* Projection.catchUp(Activity)
      const gates = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const rebuilding = (gate: number) =>
        Effect.forkScoped(commitsThrough(() => Deferred.await(gates[gate]!))(Projection.rebuild(Activity)))
      const both = [yield* rebuilding(0), yield* rebuilding(1)]
      yield* eventually(Effect.map(places, (all) => all.length === 3))
      expect(yield* places).toEqual(["1 serves", "2", "3"])
      for (const gate of [0, 1]) {
        yield* Deferred.succeed(gates[gate]!, undefined)
        expect(yield* Fiber.join(both[gate]!)).toMatchObject({ build: 2 + gate, events: 9 })
      }
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("does not report a build as its own that another rebuild has finished", () =>
    Effect.gen(function* () {
      yield* deposits(4)
      yield* Projection.catchUp(Activity)
      const context = yield* Effect.context<Projection.Stores>()
      const plain = yield* ProjectionStore.ProjectionStore
      let claims = 0
      const overtaken: typeof plain = {
        ...plain,
        claim: (claim) =>
          Effect.andThen(
            claims++ === 0 ? Effect.orDie(Effect.provide(Projection.rebuild(Activity), context)) : Effect.void,
            plain.claim(claim)
          )
      }
      const report = yield* Effect.provideService(
        Projection.rebuild(Activity, { after: 2 }),
        ProjectionStore.ProjectionStore,
        overtaken
      )
      expect(report).toMatchObject({ build: 3, events: 2 })
      expect((yield* records)["all"]).toMatchObject({ positions: [3, 4] })
    }).pipe(Effect.provide(stores))
  )

  it.effect("leaves an unused build when it is interrupted, and the next rebuild drops it", () =>
    Effect.gen(function* () {
      yield* deposits(6)
      yield* Projection.catchUp(Activity)
      const reached = yield* Deferred.make<void>()
      const halfway = commitsThrough(({ from }) =>
        from === 4 ? Effect.andThen(Deferred.succeed(reached, undefined), Effect.never) : Effect.void
      )
      const rebuilding = yield* Effect.forkScoped(halfway(Projection.rebuild(Activity, { batch: 2 })))
      yield* Deferred.await(reached)
      const stopping = yield* Effect.forkScoped(Fiber.interrupt(rebuilding))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(stopping)
      expect(yield* builds).toMatchObject([
        { build: 1, serves: true, position: 6 },
        { build: 2, serves: false, position: 4, parts: [{ owner: undefined }] }
      ])
      yield* deposits(1)
      expect(yield* Projection.catchUp(Activity)).toMatchObject({ events: 1 })
      expect(yield* Projection.rebuild(Activity)).toMatchObject({ build: 3, events: 7, replaced: { build: 1 } })
      expect(yield* places).toEqual(["1", "3 serves"])
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("fails at an event that cannot be applied, while the old records still answer", () =>
    Effect.gen(function* () {
      let broken = false
      const Totals = View.make("Totals", {
        from: [Account],
        state: Schema.Int,
        evolve: {
          MoneyDeposited: (total = 0, { amount }) => {
            if (broken && amount === 2) throw new Error("no")
            return total + amount
          }
        }
      })
      for (const amount of [1, 2, 3]) yield* deposited("a", amount)
      yield* Projection.catchUp(Totals)
      broken = true
      const failed = yield* Effect.flip(Projection.rebuild(Totals))
      expect(failed).toMatchObject({ _tag: "ProjectionFailed", position: 2, step: "evolve" })
      expect(yield* builds).toMatchObject([
        { build: 1, serves: true, position: 3 },
        { build: 2, serves: false, position: 1, parts: [{ owner: undefined }] }
      ])
      yield* deposited("a", 4)
      yield* Projection.catchUp(Totals)
      expect(yield* Records.get(Totals, "a")).toEqual(Option.some(10))
    }).pipe(Effect.provide(stores))
  )

  it.effect("goes on from the position of its records after a store was unavailable", () =>
    Effect.gen(function* () {
      yield* deposits(6)
      yield* Projection.catchUp(Activity)
      const { hooks, store } = yield* connection
      hooks.before = Effect.suspend(() => (hooks.commits === 2 ? Effect.fail(away()) : Effect.void))
      const rebuilding = Effect.provideService(
        Projection.rebuild(Activity, { batch: 2, lease: "1 second" }),
        ProjectionStore.ProjectionStore,
        store
      )
      const fiber = yield* Effect.forkScoped(rebuilding)
      yield* TestClock.adjust("10 seconds")
      expect(fiber.pollUnsafe()).toBeUndefined()
      hooks.before = Effect.void
      yield* eventually(Effect.sync(() => fiber.pollUnsafe() !== undefined))
      expect(yield* Fiber.join(fiber)).toMatchObject({ build: 2, events: 6, position: 6 })
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})

describe("drop", () => {
  it.effect("deletes a build that does not answer, or a whole version", () =>
    Effect.gen(function* () {
      yield* budget(1, 5)
      for (let i = 0; i < 4; i++) yield* Projection.rebuild(Activity)
      const drop = (build?: number) =>
        Projection.drop({ view: Activity, version: 1, ...(build === undefined ? {} : { build }) })
      expect(yield* drop(2)).toEqual([{ view: "Activity", version: 1, build: 2 }])
      expect(yield* places).toEqual(["1", "3", "4 serves"])
      const refused = { _tag: "DropRefused", reason: "Serves", build: 4 }
      expect(yield* Effect.flip(drop())).toMatchObject(refused)
      expect(yield* Effect.flip(drop(4))).toMatchObject(refused)
      expect(yield* places).toEqual(["1", "3", "4 serves"])
      const next = { ...Activity, version: 2 }
      yield* Projection.catchUp(next)
      expect((yield* drop()).map(({ build }) => build)).toEqual([1, 3, 4])
      expect(yield* drop()).toEqual([])
      expect(yield* builds).toMatchObject([{ version: 2, serves: true }])
      const { rows } = yield* Records.query(next, Query.from(next))
      expect(Object.fromEntries(rows.map(({ key, state }) => [key, state]))).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("is refused while a projection owns a part, and releases the other parts", () =>
    Effect.gen(function* () {
      const { claim } = yield* ProjectionStore.ProjectionStore
      for (let i = 0; i < 2; i++) yield* Projection.rebuild(Activity)
      const generation = { view: "Activity", version: 1, build: 1 }
      const held = { generation, part: { index: 1, of: 2 }, owner: "other", lease: Duration.minutes(1) }
      yield* claim(held)
      const drop = Projection.drop({ view: Activity, version: 1, build: 1 })
      expect(yield* Effect.flip(drop)).toMatchObject({ reason: "Owned", owner: "other", build: 1 })
      expect((yield* builds)[0]?.parts.map(({ owner }) => owner)).toEqual([undefined, "other"])
      yield* claim({ ...held, lease: Duration.zero })
      expect(yield* drop).toEqual([generation])
      expect(yield* places).toEqual(["2 serves"])
    }).pipe(Effect.provide(stores))
  )
})
