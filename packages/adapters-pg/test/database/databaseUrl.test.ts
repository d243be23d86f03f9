import { assert, it } from "@effect/vitest"
import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStoreError } from "@hexfold/core"
import { ConfigProvider, Effect, Layer } from "effect"
import { describe } from "vitest"

describe("PgEventStore.layerConfig", () => {
  it.effect.each([{}, { DATABASE_URL: "" }])("without a URL the message names the variable: %o", (env) =>
    Effect.gen(function* () {
      const opened = Layer.build(PgEventStore.layerConfig()).pipe(
        Effect.scoped,
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
      )
      const error = yield* Effect.flip(opened)
      assert.ok(error instanceof EventStoreError && error.reason._tag === "Rejected")
      assert.strictEqual(error.message, "open: DATABASE_URL is not set")
      // Node prints a promise's rejection that nobody handles like this.
      const rejection = yield* Effect.promise(() => Effect.runPromise(opened).catch(String))
      assert.include(rejection, "EventStoreError: open: DATABASE_URL is not set")
    })
  )
})
