import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection } from "@hexfold/core"
import { Http, HttpCors } from "@hexfold/server/http"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { open } from "./bank.ts"
import { routesOf, tokens } from "./web.ts"

const serve = (routes: ReturnType<typeof routesOf>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        HttpRouter.toWebHandler(
          Layer.provideMerge(
            routes.pipe(
              Layer.provide(tokens),
              Layer.provide(Projection.layer(open.views)),
              Layer.provide(MemoryStores.layer({ views: open.views }))
            ),
            HttpServer.layerServices
          ),
          { disableLogger: true }
        )
      ),
      ({ dispose }) => Effect.promise(dispose)
    ),
    ({ handler }) =>
      (method: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
        Effect.promise(async () => {
          const response = await handler(new Request(`http://bank.example${path}`, { method, headers }))
          const text = await response.text()
          const type = response.headers.get("content-type")
          const title =
            type === "application/problem+json" && method !== "HEAD"
              ? (JSON.parse(text) as { title: string }).title
              : undefined
          return {
            status: response.status,
            allow: response.headers.get("allow"),
            headers: response.headers,
            text,
            title
          }
        })
  )

/** Routes of the application on the same router, some of them below addresses of the front. */
const ofApplication = Layer.mergeAll(
  HttpRouter.add("GET", "/views/:view/report", HttpServerResponse.text("a report")),
  HttpRouter.add("DELETE", "/aggregates/Account/:id", HttpServerResponse.text("deleted")),
  HttpRouter.add("GET", "/batch/list", HttpServerResponse.text("a list")),
  HttpRouter.add("GET", "/static/*", HttpServerResponse.text("a file"))
)

describe("addresses that no route takes", () => {
  it.live("are answered with a problem below those of the front", () =>
    Effect.gen(function* () {
      const ask = yield* serve(routesOf(open))
      for (const path of [
        "/aggregates",
        "/aggregates/Nothing/a",
        "/aggregates/Account",
        "/aggregates/Account/a/b/c",
        "/commands/Nothing",
        "/views/Nothing?limit=3",
        "//Views//Nothing",
        "/views/Accounts/a/b",
        "/live/Nothing",
        "/batch/more",
        "/events/more",
        "/executions",
        "/health/more",
        "/graphql/more"
      ]) {
        const { status, title } = yield* ask("GET", path)
        assert.deepStrictEqual([path, status, title], [path, 404, "NoSuchAddress"])
      }
      const head = yield* ask("HEAD", "/views/Nothing")
      assert.deepStrictEqual([head.status, head.text], [404, ""])
    })
  )

  it.live("say which methods they take", () =>
    Effect.gen(function* () {
      const ask = yield* serve(routesOf(open))
      for (const [method, path, allowed] of [
        ["PUT", "/aggregates/Account/a", "GET, HEAD"],
        ["POST", "/aggregates/Account/a", "GET, HEAD"],
        ["GET", "/aggregates/Account/a/Open", "POST"],
        ["HEAD", "/Aggregates/account/a/Open", "POST"],
        ["GET", "/commands/Transfer", "POST"],
        ["DELETE", "/views/Accounts?x=1", "GET, HEAD, POST"],
        ["POST", "/views/Accounts/a", "GET, HEAD"],
        ["PATCH", "/live/Accounts/a", "GET, HEAD"],
        ["GET", "/batch", "POST"],
        ["POST", "/events", "GET, HEAD"],
        ["POST", "/executions/k", "GET, HEAD"],
        ["POST", "/health", "GET, HEAD"],
        ["POST", "/openapi.json", "GET, HEAD"],
        ["PUT", "/graphql", "GET, HEAD, POST"],
        ["POST", "/graphql/ws", "GET, HEAD"]
      ] as const) {
        const { allow, status, title } = yield* ask(method, path)
        const expected = method === "HEAD" ? undefined : "MethodNotAllowed"
        assert.deepStrictEqual([method, path, status, allow, title], [method, path, 405, allowed, expected])
      }
    })
  )

  it.live("are the application's if they are not those of the front, and its routes stay as they are", () =>
    Effect.gen(function* () {
      for (const routes of [
        Layer.mergeAll(routesOf(open), ofApplication),
        Layer.mergeAll(ofApplication, routesOf(open))
      ]) {
        const ask = yield* serve(routes)
        assert.strictEqual((yield* ask("GET", "/views/Others/report")).text, "a report")
        assert.strictEqual((yield* ask("DELETE", "/aggregates/Account/a")).text, "deleted")
        assert.strictEqual((yield* ask("GET", "/batch/list")).text, "a list")
        assert.strictEqual((yield* ask("GET", "/static/x.css")).text, "a file")
        for (const path of ["/", "/elsewhere", "/viewsful/x"]) {
          const { status, text, title } = yield* ask("GET", path)
          assert.deepStrictEqual([path, status, text, title], [path, 404, "", undefined])
        }
      }
    })
  )

  it.live("are all below a prefix", () =>
    Effect.gen(function* () {
      const ask = yield* serve(Layer.mergeAll(Http.layer(open, { prefix: "/api/v1" }), ofApplication))
      const found = Effect.fnUntraced(function* (method: string, path: string) {
        const { allow, status, title } = yield* ask(method, path)
        return [status, title, allow]
      })
      assert.deepStrictEqual(yield* found("GET", "/api/v1/elsewhere"), [404, "NoSuchAddress", null])
      assert.deepStrictEqual(yield* found("GET", "/api/v2/views/Accounts"), [404, undefined, null])
      assert.deepStrictEqual(yield* found("GET", "/views/Accounts"), [404, undefined, null])
      assert.deepStrictEqual(yield* found("PUT", "/API/v1/views/accounts"), [
        405,
        "MethodNotAllowed",
        "GET, HEAD, POST"
      ])
      assert.deepStrictEqual(yield* found("GET", "/api/v1/aggregates/Account/a/Open"), [
        405,
        "MethodNotAllowed",
        "POST"
      ])
    })
  )

  it.live("are told to pages of other sites, and HEAD and OPTIONS are answered", () =>
    Effect.gen(function* () {
      const shop = "https://shop.example"
      const cors = HttpCors.layer({ origins: [shop] })
      for (const routes of [Layer.mergeAll(routesOf(open), cors), Layer.mergeAll(cors, routesOf(open))]) {
        const ask = yield* serve(routes)
        const nowhere = yield* ask("GET", "/views/Nothing", { origin: shop })
        const wrong = yield* ask("GET", "/commands/Transfer", { origin: shop })
        const before = yield* ask("OPTIONS", "/commands/Transfer", {
          origin: shop,
          "access-control-request-method": "POST"
        })
        const head = yield* ask("HEAD", "/openapi.json", { origin: shop })
        assert.deepStrictEqual(
          [nowhere, wrong, before, head].map(({ status }) => status),
          [404, 405, 204, 200]
        )
        for (const { headers } of [nowhere, wrong, before, head]) {
          assert.strictEqual(headers.get("access-control-allow-origin"), shop)
        }
      }
    })
  )
})
