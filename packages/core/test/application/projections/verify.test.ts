import { describe, expect, it } from "@effect/vitest"
import { EventStore, Projection, ProjectionStore, View, ViewStore } from "@hexfold/core"
import { DateTime, Duration, Effect, Fiber, Schema } from "effect"
import { Account } from "../../support/account.ts"
import { deposited, eventually, opened, stores } from "../../support/projected.ts"

type Store = ProjectionStore.ProjectionStore["Service"]

const hooks = { poison: 0, evolved: 0 }
const Totals = View.make("Totals", {
  from: [Account],
  state: Schema.Struct({ owner: Schema.String, total: Schema.Int }),
  evolve: {
    AccountOpened: (state = { owner: "", total: 0 }, { owner }) => ({ ...state, owner }),
    MoneyDeposited: (state = { owner: "", total: 0 }, { amount }) => {
      hooks.evolved++
      if (amount === hooks.poison) throw new Error("poison")
      return amount === 13 ? undefined : { ...state, total: state.total + amount }
    }
  }
})
const state = (total: number, owner = "") => ({ owner, total })
const generation = { view: "Totals", version: 1 }

// In the order of code points. By code units the third key would come before the second.
const keys = ["A", "\uffee", "😀", "😀a"]

/** Writes without the owner of the view. */
const tamper = (change: Partial<ProjectionStore.Commit>) =>
  Effect.gen(function* () {
    const { commit } = yield* ProjectionStore.ProjectionStore
    const { status } = yield* ViewStore.ViewStore
    const { epoch, position } = (yield* status).find(({ serves }) => serves)!.parts[0]!
    yield* commit({ owner: { generation, epoch }, from: position, to: position, ...change })
  })

/** Runs an effect with a changed store of projections. */
const changed =
  (change: (store: Store) => Partial<Store>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.updateService(effect, ProjectionStore.ProjectionStore, (store) => ({ ...store, ...change(store) }))

const sound = { different: 0, differences: [], unjudged: 0 }

/** The part of a key, as every store has it. */
const partOf = (key: string, of: bigint) => {
  let hash = 0x811c9dc5n
  for (const byte of Buffer.from(key, "utf16le")) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn
  return Number(hash % of)
}

describe("verify", () => {
  for (const keysPerPass of [1, 2, 3, 100]) {
    it.effect(`finds what was changed, lost or added, ${keysPerPass} keys at a time, and nothing else`, () =>
      Effect.gen(function* () {
        for (const key of [...keys].reverse()) yield* deposited(key, 1)
        // So many that the next events are in another batch.
        for (let i = 0; i < 1_000; i++) yield* deposited("A", 1)
        for (const key of keys) yield* deposited(key, 2)
        for (const amount of [4, 13, 5]) yield* deposited("again", amount)
        for (const amount of [4, 13]) yield* deposited("gone", amount)
        yield* Projection.catchUp(Totals)
        const verify = Projection.verify(Totals, { keysPerPass })
        const at = { version: 1, build: 1, from: 1_013, to: 1_013 }
        expect(yield* verify).toEqual({ ...at, ...sound, compared: 5 })
        const put = [
          { key: "A", state: { total: 1_003, owner: "" } },
          { key: "\uffee", state: state(4) },
          { key: "0", state: state(1) },
          { key: "\u{10ffff}", state: state(2) }
        ]
        yield* tamper({ records: { put, remove: ["😀", "again"] } })
        const found = yield* verify
        expect(found).toMatchObject({ ...at, compared: 7, different: 5, unjudged: 0 })
        expect([...found.differences].sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
          { key: "0", stored: state(1), expected: undefined },
          { key: "again", stored: undefined, expected: state(5) },
          { key: "😀", stored: undefined, expected: state(3) },
          { key: "\u{10ffff}", stored: state(2), expected: undefined },
          { key: "\uffee", stored: state(4), expected: state(3) }
        ])
        const some = yield* Projection.verify(Totals, { keysPerPass, limit: 2 })
        expect([some.different, some.differences.length]).toEqual([5, 2])
      }).pipe(Effect.provide(stores))
    )
  }

  it.effect("reads the events once for `keysPerPass` keys, and keeps about as many in memory", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5_000; i++) yield* deposited(`${10_000 + i}`, 1)
      yield* Projection.catchUp(Totals)
      const evolved: Array<number> = []
      const loaded: Array<number> = []
      const counted = Effect.updateService(EventStore.EventStore, (store: EventStore.EventStore["Service"]) => ({
        ...store,
        readAll: (options?: EventStore.AllReadOptions) => {
          evolved.push(hooks.evolved)
          return store.readAll(options)
        }
      }))
      const noted = changed(({ load }) => ({ load: (from, keys) => (loaded.push(keys.length), load(from, keys)) }))
      const report = yield* counted(noted(Projection.verify(Totals, { keysPerPass: 500 })))
      expect(report).toMatchObject({ ...sound, compared: 5_000 })
      expect(evolved).toHaveLength(10)
      // A pass keeps no key that it leaves to the next one: of 5,000 keys at most 2,000.
      const passes = evolved.map((before, pass) => (evolved[pass + 1] ?? hooks.evolved) - before)
      expect(Math.max(...passes)).toBeLessThanOrEqual(2_000)
      expect(Math.max(...loaded)).toBeLessThanOrEqual(1_000)
      const refused = yield* Effect.exit(Projection.verify(Totals, { keysPerPass: 0 }))
      expect(String(refused)).toContain("0 is not a valid number of keys")
    }).pipe(Effect.provide(stores))
  )

  it.effect("reports no difference while a projection works", () =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 20 }, (_, i) => `${i}`)
      for (const id of ids) yield* opened(id)
      yield* Projection.catchUp(Totals)
      yield* Effect.forkScoped(Projection.run(Totals, { batch: 3 }))
      // Writes on until the projection has advanced during a comparison.
      let hasAdvanced = false
      const writing = Effect.gen(function* () {
        let i = 0
        for (; i < 300 || !hasAdvanced; i++) {
          yield* deposited(`${(i * 7) % 23}`, 1 + (i % 13))
          yield* Effect.yieldNow
        }
        return i
      })
      const load = yield* Effect.forkScoped(writing)
      const loading = changed(({ load }) => ({
        load: (from, keys) => Effect.andThen(Effect.yieldNow, load(from, keys))
      }))
      const asking = Effect.updateService(ViewStore.ViewStore, (store: ViewStore.ViewStore["Service"]) => ({
        ...store,
        query: ((query: never, version: number) =>
          Effect.andThen(Effect.yieldNow, store.query(query, version))) as typeof store.query
      }))
      while (load.pollUnsafe() === undefined) {
        const report = yield* loading(asking(Projection.verify(Totals, { keysPerPass: 4 })))
        expect(report).toMatchObject(sound)
        hasAdvanced ||= report.to > report.from
        yield* Effect.yieldNow
      }
      const written = yield* Fiber.join(load)
      yield* eventually(
        Effect.map(
          Effect.flatMap(ViewStore.ViewStore, ({ status }) => status),
          ([only]) => only?.position === ids.length + written
        )
      )
      yield* tamper({ records: { put: [{ key: "3", state: state(-1) }], remove: [] } })
      expect(yield* Projection.verify(Totals)).toMatchObject({ different: 1, differences: [{ key: "3" }] })
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("compares each key at the position of its part, also when the parts change", () =>
    Effect.gen(function* () {
      const store = yield* ProjectionStore.ProjectionStore
      const { status } = yield* ViewStore.ViewStore
      const ids = Array.from({ length: 12 }, (_, i) => `account ${i}`)
      for (const amount of [1, 2]) for (const id of ids) yield* deposited(id, amount)
      yield* Projection.catchUp(Totals)
      let lost = ""
      const divided = (of: number, positions: ReadonlyArray<number>) =>
        Effect.forEach(positions, (to, index) =>
          Effect.gen(function* () {
            const lease = Duration.minutes(1)
            const claim = { generation, part: { index, of }, owner: "parts", lease }
            const owned = yield* store.claim(claim)
            if (owned._tag !== "Owned") throw new Error("not owned")
            const rounds = (to - 24) / 12
            const put = ids
              .filter((id) => id !== lost && partOf(id, BigInt(of)) === index)
              .map((key) => ({ key, state: state(3 + rounds) }))
            const { epoch, position } = owned
            yield* store.commit({
              owner: { generation, part: index, epoch },
              from: position,
              to,
              records: { put, remove: [] }
            })
            return yield* store.claim({ ...claim, lease: Duration.zero })
          })
        )
      for (let round = 0; round < 3; round++) for (const id of ids) yield* deposited(id, 1)
      yield* divided(3, [60, 36, 48])
      const verify = Projection.verify(Totals)
      expect(yield* verify).toMatchObject({ ...sound, compared: 12, from: 36, to: 60 })
      // A lost record is compared last, when the parts have changed and advanced.
      lost = ids.find((id) => partOf(id, 3n) === 1)!
      const { epoch, position } = (yield* status)[0]!.parts[1]!
      yield* store.commit({
        owner: { generation, part: 1, epoch },
        from: position,
        to: position,
        records: { put: [], remove: [lost] }
      })
      for (const id of ids) yield* deposited(id, 1)
      let loads = 0
      const dividedAnew = changed(({ load }) => ({
        load: (from, keys) =>
          Effect.andThen(
            loads++ === 1 ? Effect.orDie(Effect.andThen(divided(3, [60, 60, 60]), divided(2, [60, 72]))) : Effect.void,
            load(from, keys)
          )
      }))
      const expected = state(partOf(lost, 2n) === 0 ? 6 : 7)
      expect(yield* dividedAnew(verify)).toMatchObject({
        compared: 12,
        different: 1,
        differences: [{ key: lost, stored: undefined, expected }],
        from: 36
      })
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not judge keys whose events were not applied, or cannot be applied now", () =>
    Effect.gen(function* () {
      for (const key of ["a", "b", "c", "d"]) for (const amount of [1, 2]) yield* deposited(key, amount)
      yield* deposited("d", 7)
      yield* Projection.catchUp(Totals)
      const error = { step: "evolve", cause: "no" }
      const deadLetter = {
        position: 2,
        stream: "Account-a",
        streamVersion: 2,
        type: "MoneyDeposited",
        error,
        at: DateTime.makeUnsafe(0)
      }
      const deadLetters = {
        put: [
          { ...deadLetter, history: 1, key: "a", parked: false },
          { ...deadLetter, history: 1, position: 4, key: "b", parked: true }
        ],
        remove: []
      }
      const put = ["a", "b", "c"].map((key) => ({ key, state: state(1) }))
      yield* tamper({ records: { put, remove: [] }, deadLetters })
      const retried = { put: [], remove: [{ position: 4, key: "b" }] }
      const context = yield* Effect.context<ProjectionStore.ProjectionStore | ViewStore.ViewStore>()
      const retriedMeanwhile = changed(({ load }) => ({
        load: (from, keys) =>
          Effect.tap(load(from, keys), Effect.ignore(Effect.provide(tamper({ deadLetters: retried }), context)))
      }))
      hooks.poison = 7
      const report = yield* Effect.ensuring(
        retriedMeanwhile(Projection.verify(Totals)),
        Effect.sync(() => void (hooks.poison = 0))
      )
      const differences = [{ key: "c", stored: state(1), expected: state(3) }]
      expect(report).toMatchObject({ compared: 1, different: 1, differences, unjudged: 3 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("begins at the position where the records begin", () =>
    Effect.gen(function* () {
      for (const amount of [1, 2, 4]) yield* deposited("a", amount)
      yield* Projection.rebuild(Totals, { after: 2 })
      expect(yield* Projection.verify(Totals, { after: 2 })).toMatchObject({ ...sound, compared: 1 })
      const differences = [{ key: "a", stored: state(4), expected: state(7) }]
      expect(yield* Projection.verify(Totals)).toMatchObject({ different: 1, differences })
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails unless the same records answer from beginning to end", () =>
    Effect.gen(function* () {
      const refused = Effect.flip(Projection.verify(Totals))
      expect(yield* refused).toMatchObject({ _tag: "NotServing", view: "Totals", version: 1, reason: "unbuilt" })
      yield* deposited("a", 1)
      yield* Projection.catchUp(Totals)
      const context = yield* Effect.context<Projection.Stores>()
      const before = (meanwhile: Effect.Effect<unknown, unknown, Projection.Stores>) =>
        changed(({ load }) => ({
          load: (from, keys) => Effect.andThen(Effect.orDie(Effect.provide(meanwhile, context)), load(from, keys))
        }))
      const rebuilt = Projection.rebuild(Totals)
      expect(yield* before(rebuilt)(refused)).toMatchObject({ reason: "replaced", build: 1 })
      const dropped = Effect.flatMap(rebuilt, () => Projection.drop({ view: Totals, version: 1, build: 2 }))
      expect(yield* before(dropped)(refused)).toMatchObject({ reason: "replaced", build: 2 })
      // What another version answers does not matter.
      yield* Projection.catchUp({ ...Totals, version: 2 })
      expect(yield* Projection.verify(Totals)).toMatchObject({ version: 1, build: 3, different: 0 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("looks again at records that appends may have changed", () =>
    Effect.gen(function* () {
      for (const id of ["a", "b", "c"]) yield* deposited(id, 1)
      yield* Projection.catchUp(Totals)
      const context = yield* Effect.context<Projection.Stores>()
      const appended = (id: string) =>
        Effect.orDie(Effect.provide(Effect.andThen(deposited(id, 1), Projection.catchUp(Totals)), context))
      let loads = 0
      const busy = changed(({ load }) => ({
        load: (from, keys) =>
          Effect.andThen(Effect.andThen(loads++ === 0 ? appended("a") : Effect.void, appended("b")), load(from, keys))
      }))
      const inline = Effect.updateService(ViewStore.ViewStore, (store: ViewStore.ViewStore["Service"]) => ({
        ...store,
        status: Effect.map(store.status, (all) => all.map((each) => ({ ...each, inline: true })))
      }))
      yield* tamper({ records: { put: [{ key: "c", state: state(5) }], remove: [] } })
      const verifying = yield* Effect.forkScoped(inline(busy(Projection.verify(Totals))))
      yield* eventually(Effect.sync(() => verifying.pollUnsafe() !== undefined))
      const differences = [{ key: "c", stored: state(5), expected: state(1) }]
      expect(yield* Fiber.join(verifying)).toMatchObject({ compared: 2, different: 1, differences, unjudged: 1 })
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})
