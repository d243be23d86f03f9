import { expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Executor } from "@hexfold/core"
import { Effect } from "effect"
import { Account, AccountId, OpenAccount } from "../../support/account.ts"

// The first ids of the process: this must stay the only test of its file.
it.effect("event ids are UUIDs of version 7 also while the clock stands at 0", () =>
  Effect.gen(function* () {
    const { events } = yield* Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" }))
    expect(events[0]?.id).toMatch(/^00000000-0000-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }).pipe(Effect.provide(MemoryEventStore.layer()))
)
