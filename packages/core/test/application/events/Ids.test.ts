import { expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Executor, Projection, ProjectionMonitor, View } from "@hexfold/core"
import { Ids } from "@hexfold/core/adapter"
import { Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, OpenAccount } from "../../support/account.ts"

const Openings = View.make("Openings", { from: [Account], state: Schema.Int, evolve: { AccountOpened: () => 1 } })

const numbered = () => {
  let drawn = 0
  return (now: number) => `00000000-0000-7000-8000-${now}${String(++drawn).padStart(8, "0")}`
}

it.effect("the ids that a program draws can be provided", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(4711)
    const { events } = yield* Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" }))
    expect(events[0]?.id).toBe("00000000-0000-7000-8000-471100000001")
    const fiber = yield* Effect.forkChild(Projection.run(Openings))
    yield* Effect.yieldNow
    const [status] = yield* ProjectionMonitor.status([Openings])
    expect(status?.owners).toEqual(["00000000-0000-7000-8000-471100000002"])
    yield* Fiber.interrupt(fiber)
  }).pipe(Effect.provideService(Ids.Next, numbered()), Effect.provide(MemoryStores.layer()))
)
