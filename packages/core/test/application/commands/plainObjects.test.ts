import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Executor } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Effect } from "effect"
import { Account, AccountId, MoneyDeposited, OpenAccount } from "../../support/account.ts"

// They compile where an instance of a class is expected, so they must work there.
describe("plain objects in place of instances", () => {
  it("an event is recorded as the instance would be", () => {
    const codec = EventCodec.of(Account)
    expect(codec.encode({ _tag: "MoneyDeposited", amount: 1 })).toEqual(codec.encode(new MoneyDeposited({ amount: 1 })))
  })

  it.effect("a command with an id is the same command as the instance", () =>
    Effect.gen(function* () {
      const id = AccountId.make("a")
      yield* Executor.execute(Account, id, { _tag: "OpenAccount", owner: "x" }, { commandId: "r" })
      const again = yield* Executor.execute(Account, id, new OpenAccount({ owner: "x" }), { commandId: "r" })
      expect(again.repeated).toBe(true)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})
