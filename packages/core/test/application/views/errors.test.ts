import { describe, expect, it } from "@effect/vitest"
import {
  EventDecodeError,
  InvalidKey,
  Projection,
  ProjectionFailed,
  ProjectionStore,
  RecordDecodeError,
  View
} from "@hexfold/core"
import { Duration, Effect, Schema } from "effect"
import { Account, AccountId } from "../../support/account.ts"
import { appendRaw, deposited, opened, statusOf, stores, withdrawn } from "../../support/projected.ts"

/** A view in which each step can fail. */
const Fragile = View.make("Fragile", {
  from: [Account],
  version: 2,
  state: Schema.Struct({ owner: Schema.String, sum: Schema.Int.check(Schema.isLessThan(100)) }),
  key: (event, { id }) => {
    if (event._tag !== "AccountOpened") return id
    if (event.owner === "throws") throw new Error("no key")
    return event.owner === "none" ? [id, ""] : [id, "all"]
  },
  evolve: {
    AccountOpened: (_, { owner }) => ({ owner: owner.replace("NUL", "\0"), sum: 0 }),
    MoneyDeposited: (state = { owner: "", sum: 0 }, { amount }) => ({ ...state, sum: state.sum + amount }),
    MoneyWithdrawn: (_, { amount }) => {
      throw new Error(`no ${amount}`)
    }
  }
})

const streamId = Account.streamId(AccountId.make("a"))
const generation = { view: "Fragile", version: 2 }

const stored = Effect.flatMap(ProjectionStore.ProjectionStore, ({ load }) =>
  Effect.map(load(generation, ["a", "all"]), ({ states }) => states)
)

describe("a projection", () => {
  it.effect.each([
    ["decode", "cannot be decoded", appendRaw(streamId, "MoneyDeposited", { amount: "many" }), EventDecodeError],
    ["key", "gets a key that no record can have", opened("a", "none"), InvalidKey],
    ["key", "makes the keys' function throw", opened("a", "throws"), Error],
    ["evolve", "makes its handler throw", withdrawn("a", 7), Error],
    ["encode", "leads to a state outside its schema", deposited("a", 99), Error],
    ["encode", "leads to a state that no store can keep", opened("a", "NUL"), Error]
  ] as const)("stops with %s before an event that %s, after the events before it", ([step, _, poison, cause]) =>
    Effect.gen(function* () {
      yield* opened("a")
      yield* deposited("a", 5)
      const { position, type } = yield* poison
      yield* deposited("a", 6)
      for (const batch of [1, 2, 3, 4, 1_000]) {
        const failed = yield* Effect.flip(Projection.catchUp(Fragile, { batch }))
        expect(failed).toEqual(
          new ProjectionFailed({
            view: "Fragile",
            version: 2,
            stream: "Account-a",
            streamVersion: 3,
            position,
            type,
            step,
            cause: expect.any(cause)
          })
        )
        expect(failed.message).toContain(
          `Fragile, version 2: ${step} failed for event 3 of Account-a, a "${type}" at position 3: `
        )
        expect(yield* statusOf(Fragile)).toMatchObject({ position: 2, owner: undefined })
        expect(yield* stored).toEqual(
          new Map([
            ["a", { owner: "Anna", sum: 5 }],
            ["all", { owner: "Anna", sum: 0 }]
          ])
        )
      }
    }).pipe(Effect.provide(stores))
  )

  it.effect.each([1, 2, 3, 1_000])(
    "applies the events before it in batches of %i, with the failure in one commit",
    (batch) =>
      Effect.gen(function* () {
        yield* opened("a")
        yield* deposited("a", 5)
        yield* withdrawn("a", 1)
        const failed = yield* Effect.flip(Projection.run(Fragile, { batch }))
        expect(failed).toMatchObject({ _tag: "ProjectionFailed", position: 3 })
        expect(yield* statusOf(Fragile)).toMatchObject({ position: 2, owner: undefined })
      }).pipe(Effect.provide(stores))
  )

  it.effect("stops before an event that touches an unreadable record", () =>
    Effect.gen(function* () {
      const { claim, commit } = yield* ProjectionStore.ProjectionStore
      yield* opened("b")
      yield* claim({ generation, owner: "other", lease: Duration.zero })
      const put = [{ key: "a", state: { owner: 1 } }]
      yield* commit({ owner: { generation, epoch: 1 }, from: 0, to: 0, records: { put, remove: [] } })
      yield* deposited("a", 5)
      const failed = yield* Effect.flip(Projection.catchUp(Fragile))
      expect(failed).toMatchObject({ step: "load", position: 2, cause: expect.any(RecordDecodeError) })
      expect(failed.message).toContain('record "a" of Fragile: ')
      expect(yield* statusOf(Fragile)).toMatchObject({ position: 1 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("applies an event to all of its records or to none", () =>
    Effect.gen(function* () {
      const Both = View.make("Both", {
        from: [Account],
        state: Schema.Int.check(Schema.isLessThan(10)),
        key: (event) => (event._tag === "MoneyDeposited" && event.amount === 9 ? ["x", "y"] : ["y"]),
        evolve: { MoneyDeposited: (sum = 0, { amount }) => sum + amount }
      })
      yield* deposited("a", 1)
      yield* deposited("a", 9)
      yield* Effect.flip(Projection.catchUp(Both))
      const { load } = yield* ProjectionStore.ProjectionStore
      expect(yield* load({ view: "Both", version: 1 }, ["x", "y"])).toMatchObject({ states: new Map([["y", 1]]) })
    }).pipe(Effect.provide(stores))
  )
})
