import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"

it.effect("event ids are UUIDs of version 7 also while the clock stands at 0", () =>
  Effect.gen(function* () {
    // An id is never less than the one before. So the test imports the library anew, before it has made any id.
    vi.resetModules()
    const { MemoryEventStore } = yield* Effect.promise(() => import("@hexfold/adapters-memory"))
    const { Executor } = yield* Effect.promise(() => import("@hexfold/core"))
    const { Account, AccountId, OpenAccount } = yield* Effect.promise(() => import("../../support/account.ts"))
    const { events } = yield* Effect.provide(
      Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" })),
      MemoryEventStore.layer()
    )
    assert.match(events[0]!.id, /^00000000-0000-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
)
