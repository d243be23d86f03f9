import { assert, describe, it } from "@effect/vitest"
import { Api } from "@hexfold/core"
import { HttpDocs } from "@hexfold/server/docs"
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
})

const guardedRules = { Open: "anyone", Deposit: "anyone", Withdraw: "anyone" } as const
