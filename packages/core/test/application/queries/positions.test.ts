import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection, Subscription, View } from "@hexfold/core"
import { Effect, Schema, Stream } from "effect"
import { Account } from "../../support/account.ts"

const Opened = View.make("Opened", { from: [Account], state: Schema.Int, evolve: { AccountOpened: () => 1 } })

describe("a position that is not a whole number from 0 on is refused:", () => {
  // A program without types may give anything.
  for (const position of [NaN, Infinity, 2 ** 53, 0.5, -1, null as never, "1" as never, {} as never]) {
    it.effect(String(position), () =>
      Effect.gen(function* () {
        for (const options of [{ after: position }, { upTo: position }]) {
          const error = yield* Effect.flip(Stream.runDrain(Subscription.recorded(options)))
          assert.strictEqual(error.reason._tag, "Rejected")
        }
        const late = yield* Effect.flip(Effect.suspend(() => Projection.waitUntil([Opened], position)))
        assert.strictEqual((late as { reason?: { _tag: string } }).reason?._tag, "Rejected")
      }).pipe(Effect.provide(MemoryStores.layer()))
    )
  }
})
