import { assert, describe, it } from "@effect/vitest"
import { Api } from "@hexfold/core"
import { HttpDocs } from "@hexfold/server/http/docs"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { guarded, open } from "./bank.ts"

const namesOf = (api: Api.Any) => Object.keys(HttpDocs.document(api).components.schemas).sort()

describe("the OpenAPI document", () => {
  it("has each command with its own errors, each view, and nothing that nobody may read", () => {
    const { openapi, paths } = HttpDocs.document(open)
    assert.strictEqual(openapi, "3.1.0")
    assert.sameMembers(Object.keys(paths), [
      "/aggregates/Account/{id}/Open",
      "/aggregates/Account/{id}/Deposit",
      "/aggregates/Account/{id}/Withdraw",
      "/aggregates/Account/{id}",
      "/commands/Transfer",
      "/batch",
      "/executions/{key}",
      "/events",
      "/views/Accounts",
      "/views/Accounts/{key}",
      "/live/Accounts",
      "/live/Accounts/{key}",
      "/views/Owners",
      "/views/Owners/{key}",
      "/live/Owners",
      "/live/Owners/{key}"
    ])
    const deposit = JSON.stringify(paths["/aggregates/Account/{id}/Deposit"])
    assert.include(deposit, "AccountNotOpen")
    assert.notInclude(deposit, "AccountOverdrawn")
    const closed = Api.make("bank", { aggregates: open.aggregates, policies: { Account: guardedRules } })
    assert.notInclude(JSON.stringify(HttpDocs.document(closed)), "AccountEvent")
    assert.doesNotHaveAnyKeys(HttpDocs.document(closed).paths, ["/aggregates/Account/{id}", "/events"])
  })

  it("has types whose names do not depend on what else is declared", () => {
    for (const api of [open, guarded])
      assert.deepStrictEqual(
        namesOf(api).filter((name) => /_\d+$/.test(name)),
        []
      )
    const alone = Api.make("bank", { views: open.views, policies: "open" })
    assert.includeMembers(namesOf(open), namesOf(alone))
    assert.includeMembers(
      namesOf(guarded),
      namesOf(alone).filter((name) => name.startsWith("Accounts"))
    )
  })

  it("has the feed of events, and the pages of a conversation", () => {
    const { responses } = HttpDocs.document(open).paths["/events"]!.get!
    assert.sameMembers(Object.keys(responses["200"]!.content!), ["text/event-stream", "application/json"])
    assert.include(JSON.stringify(responses), "ConversationPage")
  })

  it("is under a prefix if the front is", () => {
    const { paths } = HttpDocs.document(open, { prefix: "/api" })
    assert.isTrue(Object.keys(paths).every((path) => path.startsWith("/api/")))
  })

  it("says how a caller says who is asking, and that not every route needs it", () => {
    const { components, paths } = HttpDocs.document(open, { security })
    assert.deepStrictEqual(components.securitySchemes, security)
    const operations = Object.values(paths).flatMap(({ get, post }) => [get ?? [], post ?? []].flat())
    assert.isAbove(operations.length, 10)
    for (const each of operations) assert.deepStrictEqual(each.security, [{}, { token: [] }])
    assert.deepStrictEqual(Object.keys(HttpDocs.document(open).components.securitySchemes), [])
  })
})

describe("the page of the API", () => {
  it.live("has the document and all its scripts and styles inside", () =>
    Effect.gen(function* () {
      const options = { prefix: "/api", security } as const
      const page = HttpDocs.layerPage(open, options).pipe(Layer.provideMerge(HttpServer.layerServices))
      const { handler } = yield* Effect.acquireRelease(
        Effect.sync(() => HttpRouter.toWebHandler(page, { disableLogger: true })),
        ({ dispose }) => Effect.promise(dispose)
      )
      const response = yield* Effect.promise(() => handler(new Request("http://bank.example/api/docs")))
      assert.include(response.headers.get("content-type"), "text/html")
      const text = yield* Effect.promise(() => response.text())
      assert.notMatch(text, /<script[^>]+src=|<link[^>]+href=/)
      assert.include(text, JSON.stringify(HttpDocs.document(open, options)))
    })
  )
})

const security = { token: { type: "http", scheme: "bearer" } } as const

const guardedRules = { Open: "anyone", Deposit: "anyone", Withdraw: "anyone" } as const
