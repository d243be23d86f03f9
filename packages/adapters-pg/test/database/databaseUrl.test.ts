import { assert, it } from "@effect/vitest"
import { PgEventStore, PgStores } from "@hexfold/adapters-pg"
import { EventStoreError } from "@hexfold/core"
import { ConfigProvider, Effect, Layer } from "effect"
import { describe } from "vitest"

const events = Effect.scoped(Layer.build(PgEventStore.layerConfig()))
const both = Effect.scoped(Layer.build(PgStores.layerConfig()))

describe("layerConfig", () => {
  it.effect.each([
    { open: Effect.asVoid(events), env: {} },
    { open: Effect.asVoid(events), env: { DATABASE_URL: "" } },
    { open: Effect.asVoid(both), env: {} }
  ])("without a URL the message names the variable: $env", ({ env, open }) =>
    Effect.gen(function* () {
      const opened = Effect.provideService(open, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
      const error = yield* Effect.flip(opened)
      assert.ok(error instanceof EventStoreError && error.reason._tag === "Rejected")
      assert.strictEqual(error.message, "open: DATABASE_URL is not set")
      // Node prints a promise's rejection that nobody handles like this.
      const rejection = yield* Effect.promise(() => Effect.runPromise(opened).catch(String))
      assert.include(rejection, "EventStoreError: open: DATABASE_URL is not set")
    })
  )

  it.effect.each(["notaurl", "localhost:5432", "https://localhost/db"])("%s is refused without being shown", (text) =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: `${text}?password=secret` }
      const error = yield* Effect.flip(
        Effect.provideService(events, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
      )
      assert.strictEqual(
        error.message,
        "open: DATABASE_URL is not a URL such as postgres://user:password@host:5432/database"
      )
    })
  )
})
