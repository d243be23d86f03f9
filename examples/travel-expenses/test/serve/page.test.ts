import { assert, describe, it } from "@effect/vitest"
import { Remote } from "@hexfold/client"
import { DateTime, Effect } from "effect"
import * as D from "../../src/Declaration.ts"
import { browserPage, isInstalled } from "./chromium.ts"
import { budget, running } from "./running.ts"

if (!isInstalled) console.warn("SKIPPED: Chromium is not installed, so the page of the example is tested in no browser")

const at = DateTime.makeUnsafe("2026-11-01T09:00:00Z")
const claim = { step: 1, at, cents: 98_765, budget }

describe.skipIf(!isInstalled)("the page of the travel expenses, in Chromium", () => {
  it.live("shows what others do, executes commands, says why one is rejected, and comes again after a restart", () =>
    Effect.gen(function* () {
      const { as, startAgain, stop, url } = yield* running
      const { complaints, page } = yield* browserPage
      const rows = page.locator("#rows tr")
      const row = (key: string) => rows.filter({ hasText: key })
      const does = (action: () => Promise<unknown>) => Effect.promise(action)
      const shows = (text: string) => does(() => page.getByText(text).first().waitFor())
      const state = (name: string) => does(() => page.locator(`#connection[data-state="${name}"]`).waitFor())

      yield* does(() => page.goto(url))
      yield* does(() => rows.first().waitFor())
      yield* state("live")
      assert.strictEqual(yield* Effect.promise(() => rows.count()), 5)

      // Somebody else submits a declaration, and it appears without a reload.
      yield* as("emma")(Remote.execute(D.Declaration, "by-emma", new D.Submit(claim)))
      yield* does(() => row("by-emma").filter({ hasText: "€987.65" }).waitFor())

      // A filter and an order are another question.
      yield* does(() => page.selectOption("#status", "paid"))
      yield* does(() => row("by-emma").waitFor({ state: "detached" }))
      yield* does(() => row("declaration-5").waitFor())
      yield* does(() => page.selectOption("#status", "all"))
      yield* does(() => page.selectOption("#order", "largest first"))
      yield* does(() => page.locator("#rows tr:first-child").filter({ hasText: "by-emma" }).waitFor())

      // The domain rejects a command, and the page knows the error's own fields.
      yield* does(() => row("by-emma").getByText("Give up").click())
      yield* shows("only a rejected declaration can be given up, and it is submitted (NotRejected)")

      // The page submits one.
      yield* does(() => page.fill("#euros", "1234.56"))
      yield* does(() => page.getByText("Submit a declaration").click())
      yield* does(() => page.locator("#rows tr:first-child").filter({ hasText: "€1,234.56" }).waitFor())

      // Somebody else approves it finally. An owner may not decide in the place of the administration.
      yield* does(() => page.selectOption("#person", "bob"))
      yield* does(() => row("by-emma").getByText("Approve").click())
      yield* shows("the administration has to approve it first (NotChecked)")
      yield* does(() => page.selectOption("#person", "sue"))
      yield* does(() => row("by-emma").getByText("Approve finally").click())
      yield* does(() => row("by-emma").filter({ hasText: "approved" }).waitFor())

      // The server restarts, and something has happened meanwhile.
      yield* stop
      yield* state("connecting")
      yield* startAgain
      yield* as("emma")(Remote.execute(D.Declaration, "meanwhile", new D.Submit(claim)))
      yield* state("live")
      yield* does(() => row("meanwhile").waitFor())
      assert.deepStrictEqual(complaints, [])
    })
  )

  it.live("the description of the API can be read and tried", () =>
    Effect.gen(function* () {
      const { url } = yield* running
      const { complaints, page } = yield* browserPage
      const elsewhere: Array<string> = []
      page.on("request", (request) => {
        if (new URL(request.url()).origin !== url) elsewhere.push(request.url())
      })
      const does = (action: () => Promise<unknown>) => Effect.promise(action)
      yield* does(() => page.goto(`${url}/docs`))
      yield* does(() => page.getByRole("button", { name: "Authorize" }).click())
      yield* does(() => page.fill("#auth-bearer-value", "demo-emma"))
      yield* does(() => page.locator(".auth-btn-wrapper").getByText("Authorize").click())
      yield* does(() => page.locator(".auth-btn-wrapper").getByText("Close").click())
      yield* does(() => page.getByText("/views/Declarations/{key}").click())
      yield* does(() => page.getByText("Try it out").click())
      yield* does(() => page.getByPlaceholder("key").fill("declaration-1"))
      yield* does(() => page.getByText("Execute", { exact: true }).click())
      yield* does(() => page.locator(".live-responses-table").getByText('"paid"').waitFor())
      assert.deepStrictEqual(complaints, [])
      assert.deepStrictEqual(elsewhere, [])
    })
  )
})
