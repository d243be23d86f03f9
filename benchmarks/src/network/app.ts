/**
 * A process that serves the tallies and projects their view. It ends in good order at SIGTERM, with exit code 0. It is
 * started again on the same port.
 *   node app.ts URL PORT
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Policy, Projection } from "@hexfold/core"
import { Authenticator, Unauthenticated } from "@hexfold/server"
import { GraphQl } from "@hexfold/server/graphql"
import { Http, HttpShutdown } from "@hexfold/server/http"
import { Effect, Fiber, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { stores } from "../kills/open.ts"
import "../rounds/endWithParent.ts"
import { api, Tallies } from "./bank.ts"
import { countingFibers, countsOf } from "./counting.ts"

const [url, port] = process.argv.slice(2) as [string, string]

const Callers = Layer.succeed(Authenticator.Authenticator, {
  identify: ({ authorization }) => {
    const [, subject, role] = /^Bearer (\w+)(?::(\w+))?$/.exec(authorization ?? "") ?? []
    return subject === undefined
      ? Effect.fail(new Unauthenticated({ detail: "no such token" }))
      : Effect.succeed({ caller: Policy.caller(subject, { roles: role === undefined ? [] : [role] }) })
  }
})

const server = createServer()

const counts = HttpRouter.add(
  "GET",
  "/counts",
  Effect.map(
    Effect.promise(() => countsOf(server)),
    HttpServerResponse.jsonUnsafe
  )
)

const program = Effect.gen(function* () {
  const context = yield* stores(url, { views: [Tallies] })
  const Served = HttpRouter.serve(Layer.mergeAll(Http.layer(api), GraphQl.layer(api), counts), {
    disableLogger: true
  }).pipe(
    Layer.provide(HttpShutdown.layer),
    Layer.provide(NodeHttpServer.layer(() => server, { port: Number(port), host: "127.0.0.1" })),
    Layer.provide(Projection.layer(api.views)),
    Layer.provide([Callers, Layer.succeedContext(context)])
  )
  yield* Layer.launch(Served)
}).pipe(Effect.scoped, Effect.provide(countingFibers))

const running = Effect.runFork(program)
process.once("SIGTERM", () => void Effect.runPromise(Fiber.interrupt(running)).then(() => process.exit(0)))
