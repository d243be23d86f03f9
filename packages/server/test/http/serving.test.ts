import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection } from "@hexfold/core"
import { HttpShutdown } from "@hexfold/server/http"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { until } from "../graphql/counting.ts"
import { open } from "./bank.ts"
import { routesOf, tokens } from "./web.ts"

/** A port of this machine that nobody listens on. */
const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { readonly port: number }
    server.close(() => resume(Effect.succeed(port)))
  })
})

const asked = (port: number) =>
  Effect.promise(async () => {
    try {
      const { status } = await fetch(`http://127.0.0.1:${port}/aggregates/Account/a`)
      return status
    } catch (error) {
      return ((error as Error).cause as { readonly code: string }).code
    }
  })

describe("a server whose stores are still being opened", () => {
  it.live("refuses connections, and leaves nobody without an answer", () =>
    Effect.gen(function* () {
      const opening = yield* Deferred.make<void>()
      const opened = yield* Deferred.make<void>()
      const stores = Layer.unwrap(
        Deferred.succeed(opening, undefined).pipe(
          Effect.andThen(Deferred.await(opened)),
          Effect.as(MemoryStores.layer({ views: open.views }))
        )
      )
      const port = yield* freePort
      const node = createServer()
      const served = HttpShutdown.serve(
        routesOf(open).pipe(Layer.provide(tokens), Layer.provide(Projection.layer(open.views)), Layer.provide(stores)),
        NodeHttpServer.layer(() => node, { host: "127.0.0.1", port }),
        { disableListenLog: true, disableLogger: true }
      )
      const running = yield* Effect.forkScoped(Layer.launch(served))
      yield* Deferred.await(opening)
      assert.strictEqual(yield* asked(port), "ECONNREFUSED")
      yield* Deferred.succeed(opened, undefined)
      yield* until(() => node.listening)
      assert.strictEqual(yield* asked(port), 200)
      yield* Fiber.interrupt(running)
      assert.strictEqual(yield* asked(port), "ECONNREFUSED")
    })
  )
})
