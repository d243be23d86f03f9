import { assert, describe, expect, it } from "@effect/vitest"
import { Boundary, Decision, Executor } from "@hexfold/core"
import { CommandCheck } from "@hexfold/core/adapter"
import { Effect, Result, Schema } from "effect"
import { Account, AccountId, Deposit, OpenAccount, accountErrors } from "../../support/account.ts"
import { watched } from "../../support/watched.ts"

const id = AccountId.make("a")
const open = new OpenAccount({ owner: "Anna" })
const Gift = Schema.TaggedStruct("Gift", { to: Schema.Array(Schema.String) })
const Give = Boundary.make("Give", {
  command: Gift,
  maxParticipants: 3,
  participants: ({ to }) => ({ to: to.map((each) => Account.at(AccountId.make(each))) }),
  errors: accountErrors,
  decide: (_, { to }) => Decision.all({ to: to.map((each) => Account.decide(new Deposit({ amount: 1 }), each)) })
})
const gift = (...to: ReadonlyArray<string>) => ({ _tag: "Gift", to }) as const

const wrongIds = ["", "a\0", "a\uD800", "x".repeat(1_001)]

describe("the check of a command that is executed later", () => {
  it.effect("refuses on an aggregate what the execution refuses, with the same error, and asks no store", () =>
    Effect.gen(function* () {
      const { appends, run } = yield* watched
      const cases = [
        ...wrongIds.map((commandId) => [id, open, { commandId }] as const),
        ["a\0" as AccountId, open, {}] as const,
        ["x".repeat(1_001) as AccountId, open, {}] as const,
        [id, { _tag: "OpenAccount", owner: 1 } as unknown as OpenAccount, { commandId: "k" }] as const
      ]
      for (const [id, command, options] of cases) {
        const checked = CommandCheck.aggregate(Account, id, command, options)
        assert.isTrue(Result.isFailure(checked), JSON.stringify([id, command, options]))
        expect(yield* Effect.flip(run(Executor.execute(Account, id, command, options)))).toEqual(
          Result.getOrThrow(Result.flip(checked))
        )
      }
      expect(CommandCheck.aggregate(Account, id, open, { commandId: "x".repeat(1_000) })).toEqual(Result.void)
      expect(CommandCheck.aggregate(Account, id, open)).toEqual(Result.void)
      expect(appends).toHaveLength(0)
    })
  )

  it.effect("refuses over a boundary what the execution refuses, with the same error", () =>
    Effect.gen(function* () {
      const { appends, run } = yield* watched
      const cases = [
        ...wrongIds.map((commandId) => [gift("a"), { commandId }] as const),
        [gift("a\0"), {}] as const,
        [gift("x".repeat(1_001)), {}] as const,
        [gift("a", "b", "c", "d"), {}] as const
      ]
      for (const [command, options] of cases) {
        const checked = CommandCheck.boundary(Give, command, options)
        assert.isTrue(Result.isFailure(checked), JSON.stringify([command, options]))
        const refused = yield* Effect.flip(run(Executor.execute(Give, command, options)))
        expect(JSON.stringify(refused)).toBe(JSON.stringify(Result.getOrThrow(Result.flip(checked))))
      }
      expect(CommandCheck.boundary(Give, gift("a", "b", "c"), { commandId: "k" })).toEqual(Result.void)
      expect(appends).toHaveLength(0)
    })
  )
})
