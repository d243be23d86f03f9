/** The server of the example in this process, on stores that outlive it, and its clients. */
import { MemoryStores } from "@hexfold/adapters-memory"
import { Remote } from "@hexfold/client"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { HttpServer } from "effect/http"
import { api } from "../../src/api.ts"
import { keeping } from "../../src/keeping.ts"
import { people } from "../../src/serve/people.ts"
import { serving } from "../../src/serve/serving.ts"
import { execute, sample } from "../log.ts"

/** The budget of the sample, which the budget owner owns. */
export const budget = "budget-1"

/** Starts the server on stores that have executed the sample. It ends with the scope, and can be restarted before. */
export const running = Effect.gen(function* () {
  const stores = yield* Layer.build(MemoryStores.layer({ views: api.views }))
  yield* Effect.provide(keeping("after", execute(sample)), stores)
  const outer = yield* Effect.scope
  const start = (port: number) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(outer)
      const services = yield* Layer.buildWithScope(
        Layer.provide(serving({ budget, port }), Layer.succeedContext(stores)),
        scope
      )
      return { scope, url: HttpServer.formatAddress(Context.get(services, HttpServer.HttpServer).address) }
    })
  const { url, ...first } = yield* start(0)
  let { scope } = first
  return {
    url,
    stop: Effect.suspend(() => Scope.close(scope, Exit.void)),
    startAgain: Effect.map(
      Effect.suspend(() => start(Number(new URL(url).port))),
      (started) => void (scope = started.scope)
    ),
    /** Asks as a person of the example. */
    as: (name: string) =>
      Effect.provide(
        Remote.layerFetch({
          url,
          headers: { authorization: `Bearer ${people.find((each) => each.name === name)!.token}` }
        })
      )
  }
})
