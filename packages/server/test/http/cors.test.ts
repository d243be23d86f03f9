import { MemoryStores } from "@hexfold/adapters-memory"
import { assert, describe, it } from "@effect/vitest"
import { Authenticator } from "@hexfold/server"
import { Http, HttpCors } from "@hexfold/server/http"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { open } from "./bank.ts"

const serve = (options: HttpCors.Options) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const routes = Layer.mergeAll(Http.layer(open), HttpCors.layer(options)).pipe(
          Layer.provide([Authenticator.layerNobody, MemoryStores.layer()])
        )
        return HttpRouter.toWebHandler(Layer.provideMerge(routes, HttpServer.layerServices), { disableLogger: true })
      }),
      ({ dispose }) => Effect.promise(dispose)
    ),
    ({ handler }) =>
      (method: string, path: string, headers: Readonly<Record<string, string>>, body?: object) =>
        Effect.promise(() =>
          handler(
            new Request(`http://bank.example${path}`, {
              method,
              headers,
              ...(body === undefined ? {} : { body: JSON.stringify(body) })
            })
          )
        )
  )

const address = "/aggregates/Account/a/Open"
const shop = "https://shop.example"
const json = { "content-type": "application/json" }

describe("pages of other sites", () => {
  it.live("are let in before a command, with the headers of the API", () =>
    Effect.gen(function* () {
      const ask = yield* serve({ origins: [shop] })
      const before = yield* ask("OPTIONS", address, {
        origin: shop,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,idempotency-key,if-match,prefer"
      })
      assert.strictEqual(before.status, 204)
      assert.strictEqual(before.headers.get("access-control-allow-origin"), shop)
      const allowed = before.headers.get("access-control-allow-headers")?.split(",") ?? []
      for (const name of ["authorization", "content-type", "idempotency-key", "if-match", "prefer"]) {
        assert.include(allowed, name)
      }
      assert.include(before.headers.get("access-control-allow-methods"), "POST")
      assert.isNull(before.headers.get("access-control-allow-credentials"))
    })
  )

  it.live("read the answer and its headers, of errors and live results too", () =>
    Effect.gen(function* () {
      const ask = yield* serve({ origins: [shop, "https://other.example"] })
      const opened = yield* ask("POST", address, { ...json, origin: shop }, { owner: "ann" })
      const again = yield* ask("POST", address, { ...json, origin: shop }, { owner: "ann" })
      const nowhere = yield* ask("GET", "/views/Nothing", { origin: shop })
      const live = yield* ask("GET", "/live/Owners/ann", { origin: shop })
      assert.deepStrictEqual(
        [opened, again, nowhere, live].map(({ status }) => status),
        [200, 409, 404, 200]
      )
      for (const answer of [opened, again, nowhere, live]) {
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), shop)
        assert.include(answer.headers.get("access-control-expose-headers"), "etag")
        assert.include(answer.headers.get("vary"), "Origin")
      }
      yield* Effect.promise(async () => live.body?.cancel())
    })
  )

  it.live("that are not on the list are told nothing", () =>
    Effect.gen(function* () {
      for (const origins of [[shop], [shop, "https://other.example"]] as const) {
        const ask = yield* serve({ origins })
        const answer = yield* ask("GET", "/views/Owners", { origin: "https://evil.example" })
        assert.notStrictEqual(answer.headers.get("access-control-allow-origin"), "https://evil.example")
      }
    })
  )

  it.live("may all ask if that is said, and then send no credentials", () =>
    Effect.gen(function* () {
      const ask = yield* serve({ origins: "*" })
      const answer = yield* ask("GET", "/views/Owners", { origin: shop })
      assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
      // @ts-expect-error: not for all sites
      assert.throws(() => HttpCors.layer({ origins: "*", credentials: true }), "need a list of origins")
    })
  )
})
