import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Boundary, Decision, Executor, StateCache, type UnknownCommandVersion, VersionConflict } from "@hexfold/core"
import { Cause, Effect, Exit, Metric, Result, Schema } from "effect"
import {
  Account,
  AccountId,
  type AccountState,
  Deposit,
  InsufficientFunds,
  OpenAccount,
  Withdraw,
  accountErrors
} from "../../support/account.ts"
import { watched } from "../../support/watched.ts"

class TooOld extends Schema.TaggedError<TooOld>()("TooOld", { version: Schema.Int }) {}

const a = AccountId.make("a")
const [b, c] = [AccountId.make("b"), AccountId.make("c")]
const deposit = new Deposit({ amount: 1 })
const open = (id: AccountId) => Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
const stream = Account.streamId(a)

const Gift = Schema.TaggedStruct("Gift", { from: AccountId, to: Schema.Array(AccountId) })
const Give = Boundary.make("Give", {
  command: Gift,
  participants: ({ from, to }) => ({ from: Account.at(from), to: to.map(Account.at) }),
  errors: accountErrors,
  decide: (_, { from, to }) =>
    Decision.all({
      from: Account.decide(new Withdraw({ amount: to.length }), from),
      to: to.map((each) => Account.decide(deposit, each))
    })
})
const give = { _tag: "Gift", from: a, to: [b, c] } as const

const cached = Effect.provide(StateCache.layer({ capacity: 10 }))

describe("expectedVersion", () => {
  it.effect("rejects at another version, with and without a cache, and is not tried again", () =>
    Effect.gen(function* () {
      const { appends, behind, run } = yield* watched
      const at = (expectedVersion: number) => Executor.execute(Account, a, deposit, { expectedVersion })
      yield* run(open(a))
      for (const expected of [0, 2, -1, 1.5, NaN]) {
        expect(yield* Effect.flip(run(at(expected)))).toEqual(new VersionConflict({ stream, expected, actual: 1 }))
      }
      expect(appends).toHaveLength(1)
      expect(yield* run(at(1))).toMatchObject({ version: 2 })
      yield* behind(Executor.execute(Account, a, deposit))
      // Remembered or not: the store is at 3.
      expect(yield* Effect.flip(run(at(2)))).toEqual(new VersionConflict({ stream, expected: 2, actual: 3 }))
      expect(yield* run(at(3))).toMatchObject({ version: 4 })
      return yield* Effect.void
    }).pipe((test) => Effect.andThen(test, cached(test)))
  )

  it.effect("is not passed by a neighbour between the read and the append", () =>
    Effect.gen(function* () {
      const { beforeAppends, behind, run } = yield* watched
      yield* behind(open(a))
      beforeAppends.push(Effect.orDie(Executor.execute(Account, a, deposit)))
      const error = yield* Effect.flip(run(Executor.execute(Account, a, deposit, { expectedVersion: 1 })))
      expect(error).toEqual(new VersionConflict({ stream, expected: 1, actual: 2 }))
      expect(Executor.isTechnicalError(error)).toBe(false)
    })
  )

  it.effect("of a boundary is given by role", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* behind(Effect.forEach([a, b, c], open))
      yield* behind(Executor.execute(Account, a, new Deposit({ amount: 10 })))
      const at = (from: number) => run(Executor.execute(Give, give, { expectedVersion: { from } }))
      expect(yield* Effect.flip(at(1))).toEqual(new VersionConflict({ stream, expected: 1, actual: 2 }))
      expect((yield* at(2)).events).toHaveLength(3)
    })
  )
})

describe("expectedVersion of a program without types", () => {
  for (const [what, given] of [
    ["a text", "1"],
    ["null", null],
    ["an object", {}],
    ["a bigint", 1n],
    ["an array", [1]]
  ] as const) {
    it.effect(`is refused where it is ${what}`, () =>
      Effect.gen(function* () {
        const { appends, behind, run } = yield* watched
        yield* behind(Effect.forEach([a, b, c], open))
        const one = yield* Effect.flip(run(Executor.execute(Account, a, deposit, { expectedVersion: given as never })))
        const all = { expectedVersion: { from: given } as never }
        const byRole = yield* Effect.flip(run(Executor.execute(Give, give, all)))
        for (const error of [one, byRole]) {
          expect(error).toMatchObject({ _tag: "InvalidCommand", detail: expect.stringContaining("is not a number") })
        }
        expect(appends).toHaveLength(0)
      })
    )
  }

  for (const [what, given] of [
    ["a number", 1],
    ["a text", "1"],
    ["null", null]
  ] as const) {
    it.effect(`of a boundary is refused where it is ${what} and not by role`, () =>
      Effect.gen(function* () {
        const { appends, behind, run } = yield* watched
        yield* behind(Effect.forEach([a, b, c], open))
        const error = yield* Effect.flip(run(Executor.execute(Give, give, { expectedVersion: given as never })))
        expect(error).toMatchObject({ _tag: "InvalidCommand", detail: expect.stringContaining("by role") })
        expect(appends).toHaveLength(0)
      })
    )
  }

  for (const role of ["form", "to"]) {
    it.effect(`is a defect for ${role}, which is no role of one stream, and nothing is written`, () =>
      Effect.gen(function* () {
        const { appends, behind, run } = yield* watched
        yield* behind(Effect.forEach([a, b, c], open))
        yield* behind(Executor.execute(Account, a, new Deposit({ amount: 10 })))
        const exit = yield* Effect.exit(run(Executor.execute(Give, give, { expectedVersion: { [role]: 1 } as never })))
        expect(Exit.isFailure(exit) && String(Cause.squash(exit.cause))).toContain(`a version is expected of ${role}`)
        expect(appends).toHaveLength(0)
      })
    )
  }
})

describe("require", () => {
  it.effect("is asked in every attempt before the domain, with the state that is decided on", () =>
    Effect.gen(function* () {
      const { beforeAppends, behind, run } = yield* watched
      yield* behind(open(a))
      beforeAppends.push(Effect.orDie(Executor.execute(Account, a, new Deposit({ amount: 5 }))))
      const asked: Array<unknown> = []
      const require = ({ state, version }: { readonly state: AccountState; readonly version: number }) => {
        asked.push([state._tag === "Open" ? state.balance : undefined, version])
        return version < 3 ? Result.succeed(undefined) : Result.fail(new TooOld({ version }))
      }
      expect(yield* run(Executor.execute(Account, a, deposit, { require }))).toMatchObject({ attempts: 2, version: 3 })
      const tooMuch = Executor.execute(Account, a, new Withdraw({ amount: 1_000 }), { require })
      expect(yield* Effect.flip(run(tooMuch))).toEqual(new TooOld({ version: 3 }))
      expect(asked).toEqual([
        [0, 1],
        [5, 2],
        [6, 3]
      ])
    })
  )

  it.effect("is not asked of a command that is repeated, and neither is the version", () =>
    Effect.gen(function* () {
      const { run } = yield* watched
      const options = {
        commandId: "c",
        expectedVersion: 1,
        require: ({ version }: { readonly version: number }) =>
          version === 1 ? Result.succeed(undefined) : Result.fail(new TooOld({ version }))
      }
      yield* run(open(a))
      const first = yield* run(Executor.execute(Account, a, deposit, options))
      const again = yield* run(Executor.execute(Account, a, deposit, options))
      expect(again).toMatchObject({ repeated: true, version: first.version })
    }).pipe((test) => Effect.andThen(test, cached(test)))
  )

  it.effect("of a boundary gets states and versions by role", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* behind(Effect.forEach([a, b, c], open))
      const asked: Array<unknown> = []
      const error = yield* Effect.flip(
        run(
          Executor.execute(Give, give, {
            require: ({ states, versions }) => {
              asked.push([states.to.length, versions])
              return states.from._tag === "Open" ? Result.succeed(true) : Result.fail(new TooOld({ version: 0 }))
            }
          })
        )
      )
      expect(error).toEqual(new InsufficientFunds({ balance: 0, requested: 2 }))
      expect(asked).toEqual([[2, { from: 1, to: [1, 1] }]])
    })
  )
})

/** An error of a caller's rule that is called like one of the store's. */
class Lookalike extends Schema.TaggedError<Lookalike>()("ConcurrencyConflict", { stream: Schema.String }) {}

describe("what breaks a rule", () => {
  const refuse = () => Result.fail(new Lookalike({ stream }))

  it.effect("is not tried again, whatever its error is called", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* behind(Effect.forEach([a, b, c], open))
      let asked = 0
      const require = () => (asked++, refuse())
      expect(yield* Effect.flip(run(Executor.execute(Account, a, deposit, { require })))).toEqual(
        new Lookalike({ stream })
      )
      expect(yield* Effect.flip(run(Executor.execute(Give, give, { require })))).toEqual(new Lookalike({ stream }))
      expect(asked).toBe(2)
    })
  )

  it.effect("counts as a rejection", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* behind(Effect.forEach([a, b, c], open))
      yield* Effect.flip(run(Executor.execute(Account, a, deposit, { require: refuse })))
      yield* Effect.flip(run(Executor.execute(Account, a, deposit, { expectedVersion: 7 })))
      yield* Effect.flip(run(Executor.execute(Give, give, { require: refuse })))
      yield* Effect.flip(run(Executor.execute(Give, give, { expectedVersion: { from: 7 } })))
      const outcomes = (yield* Metric.snapshot).flatMap((metric) =>
        metric.id === "hexfold_command_duration_seconds" && metric.type === "Histogram"
          ? Array.from({ length: Number(metric.state.count) }, () => metric.attributes?.["outcome"])
          : []
      )
      expect(outcomes.filter((outcome) => outcome !== "accepted")).toEqual([1, 2, 3, 4].map(() => "rejected"))
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("comes before what the domain says, and before the version is compared", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* behind(Effect.forEach([a, b, c], open))
      const refused = new Lookalike({ stream })
      const require = refuse
      const tooMuch = new Withdraw({ amount: 1_000 })
      for (const expectedVersion of [undefined, 0, 1]) {
        const options = { require, ...(expectedVersion === undefined ? {} : { expectedVersion }) }
        const byRole = {
          require,
          ...(expectedVersion === undefined ? {} : { expectedVersion: { from: expectedVersion } })
        }
        expect(yield* Effect.flip(run(Executor.execute(Account, a, tooMuch, options)))).toEqual(refused)
        expect(yield* Effect.flip(run(Executor.execute(Give, give, byRole)))).toEqual(refused)
      }
    })
  )

  it.effect("of a boundary is asked in every attempt", () =>
    Effect.gen(function* () {
      const { beforeAppends, behind, run } = yield* watched
      yield* behind(Effect.forEach([a, b, c], open))
      yield* behind(Executor.execute(Account, a, new Deposit({ amount: 10 })))
      beforeAppends.push(Effect.orDie(Executor.execute(Account, c, deposit)))
      const asked: Array<unknown> = []
      const require = ({ versions }: { readonly versions: { readonly to: unknown } }) => {
        asked.push(versions.to)
        return asked.length === 1 ? Result.succeed(undefined) : refuse()
      }
      expect(yield* Effect.flip(run(Executor.execute(Give, give, { require })))).toEqual(new Lookalike({ stream }))
      expect(asked).toEqual([
        [1, 1],
        [1, 2]
      ])
    })
  )

  it.effect("of a boundary is not asked of a command that is repeated", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* behind(Effect.forEach([a, b, c], open))
      yield* behind(Executor.execute(Account, a, new Deposit({ amount: 10 })))
      const first = yield* run(Executor.execute(Give, give, { commandId: "g" }))
      const again = yield* run(
        Executor.execute(Give, give, { commandId: "g", expectedVersion: { from: 2 }, require: refuse })
      )
      expect(again).toMatchObject({ repeated: true, streams: first.streams })
    }).pipe((test) => Effect.andThen(test, cached(test)))
  )
})

type Errors<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never

describe("the types of what a caller requires", () => {
  it("add the errors of the rule, and `VersionConflict` only where a version is expected", () => {
    const plain = Executor.execute(Account, a, deposit)
    const expected = Executor.execute(Account, a, deposit, { expectedVersion: 3 })
    expectTypeOf<Errors<typeof expected>>().toEqualTypeOf<Errors<typeof plain> | VersionConflict>()
    const required = Executor.execute(Account, a, deposit, {
      require: ({ state, version }) => {
        expectTypeOf(state).toEqualTypeOf<AccountState>()
        expectTypeOf(version).toEqualTypeOf<number>()
        return version > 3 ? Result.fail(new TooOld({ version })) : Result.succeed(undefined)
      }
    })
    expectTypeOf<Errors<typeof required>>().toEqualTypeOf<Errors<typeof plain> | TooOld>()
    const unknown = Executor.executeUnknown(Account, "a", {}, { expectedVersion: 3 })
    expectTypeOf<Errors<typeof unknown>>().toEqualTypeOf<Errors<typeof expected> | UnknownCommandVersion>()
    const over = Executor.execute(Give, give, {
      expectedVersion: { from: 3 },
      require: ({ states, versions }) =>
        states.from._tag === "Open" ? Result.succeed(versions.from) : Result.fail(new TooOld({ version: 0 }))
    })
    const plainOver = Executor.execute(Give, give)
    expectTypeOf<Errors<typeof over>>().toEqualTypeOf<Errors<typeof plainOver> | TooOld | VersionConflict>()
  })

  it("know the roles", () => {
    // @ts-expect-error the boundary has no such role
    Executor.execute(Give, give, { expectedVersion: { form: 3 } })
    // @ts-expect-error several streams play the role
    Executor.execute(Give, give, { expectedVersion: { to: 3 } })
    // @ts-expect-error a boundary has several streams
    Executor.execute(Give, give, { expectedVersion: 3 })
    // @ts-expect-error an aggregate has one stream
    Executor.execute(Account, a, deposit, { expectedVersion: { from: 3 } })
    // @ts-expect-error a rule answers with a Result
    Executor.execute(Account, a, deposit, { require: ({ version }) => version > 3 })
  })
})
