import { assert, describe, it } from "@effect/vitest"
import { Remote, RemoteError } from "@hexfold/client"
import { Query } from "@hexfold/core"
import { DateTime, Effect, Fiber, Option, Queue, Stream } from "effect"
import { Budget, BudgetExceeded, Grant } from "../../src/Budget.ts"
import * as D from "../../src/Declaration.ts"
import { HandlePayment, OtherBudget } from "../../src/HandlePayment.ts"
import { people } from "../../src/serve/people.ts"
import { Declarations, Histories, Spending } from "../../src/views.ts"
import { budget, running } from "./running.ts"

const at = DateTime.makeUnsafe("2026-11-01T09:00:00Z")
const wait = { wait: "10 seconds" } as const

const isRefused = (error: unknown, title: string): void => {
  assert.instanceOf(error, RemoteError)
  assert.strictEqual(error.title, title)
}

const execute = (id: string, command: D.Command) => Remote.execute(D.Declaration, id, command, wait)
const pay = (declaration: string, step: number, from: string) =>
  Remote.execute(HandlePayment, { _tag: "HandlePayment", step, at, declaration, budget: from }, wait)

describe("the API of the travel expenses", () => {
  it.live("takes each step of a declaration from the role that it belongs to", () =>
    Effect.gen(function* () {
      const { as } = yield* running
      const submit = execute("new", new D.Submit({ step: 1, at, cents: 5_000, budget }))
      isRefused(yield* Effect.flip(as("sue")(submit)), "Forbidden")
      yield* as("emma")(submit)

      const byOwner = execute("new", new D.Approve({ step: 2, at, by: "BUDGET OWNER" }))
      isRefused(yield* Effect.flip(as("ada")(byOwner)), "Forbidden")
      const early = yield* Effect.flip(as("bob")(byOwner))
      assert.instanceOf(early, D.NotChecked)
      assert.strictEqual(early.status, "submitted")
      yield* as("ada")(execute("new", new D.Approve({ step: 3, at, by: "ADMINISTRATION" })))
      yield* as("bob")(execute("new", new D.Approve({ step: 4, at, by: "BUDGET OWNER" })))
      yield* as("sue")(execute("new", new D.ApproveFinally({ step: 5, at })))

      const request = execute("new", new D.RequestPayment({ step: 6, at }))
      isRefused(yield* Effect.flip(as("sue")(request)), "Forbidden")
      assert.instanceOf(yield* Effect.flip(as("pay")(pay("new", 6, budget))), D.PaymentNotRequested)
      yield* as("pay")(request)
      // The declaration alone cannot be paid, and no budget be charged alone.
      isRefused(yield* Effect.flip(as("pay")(execute("new", new D.HandlePayment({ step: 7, at })))), "Forbidden")
      assert.instanceOf(yield* Effect.flip(as("pay")(pay("new", 7, "budget-2"))), OtherBudget)
      const { streams } = yield* as("pay")(pay("new", 7, budget))
      assert.sameMembers(
        streams.map(({ streamId }) => String(streamId)),
        ["Declaration-new", "Budget-budget-1"]
      )
      const paid = yield* as("emma")(Remote.record(Declarations, "new"))
      assert.strictEqual(Option.getOrThrow(paid).status, "paid")
    })
  )

  it.live("lets a budget owner decide about and see the own budget only", () =>
    Effect.gen(function* () {
      const { as } = yield* running
      yield* as("carl")(Remote.execute(Budget, "budget-2", new Grant({ cents: 100 }), wait))
      isRefused(
        yield* Effect.flip(as("bob")(Remote.execute(Budget, "budget-1", new Grant({ cents: 1 }), wait))),
        "Forbidden"
      )
      yield* as("emma")(execute("other", new D.Submit({ step: 1, at, cents: 5_000, budget: "budget-2" })))
      yield* as("ada")(execute("other", new D.Approve({ step: 2, at, by: "ADMINISTRATION" })))
      const approve = execute("other", new D.Approve({ step: 3, at, by: "BUDGET OWNER" }))
      isRefused(yield* Effect.flip(as("bob")(approve)), "Forbidden")

      const all = Remote.query(Declarations, Query.from(Declarations, { limit: 100 }))
      const keys = Effect.map(all, ({ rows }) => rows.map(({ key }) => key))
      assert.include(yield* as("emma")(keys), "other")
      assert.notInclude(yield* as("bob")(keys), "other")
      assert.isTrue(Option.isNone(yield* as("bob")(Remote.record(Declarations, "other"))))

      yield* as("sue")(execute("other", new D.ApproveFinally({ step: 4, at })))
      yield* as("pay")(execute("other", new D.RequestPayment({ step: 5, at })))
      const exceeded = yield* Effect.flip(as("pay")(pay("other", 6, "budget-2")))
      assert.instanceOf(exceeded, BudgetExceeded)
      assert.strictEqual(exceeded.left, 100)
    })
  )

  it.live("shows who has decided, and what was spent, to those only who may know", () =>
    Effect.gen(function* () {
      const { as } = yield* running
      const decided = Query.from(Histories, {
        where: { declaration: "declaration-1" },
        orderBy: [["step", "asc"]],
        select: ["by"]
      })
      isRefused(yield* Effect.flip(as("emma")(Remote.query(Histories, decided))), "Forbidden")
      const { rows } = yield* as("ada")(Remote.query(Histories, decided))
      assert.include(
        rows.map(({ state }) => state.by),
        "SUPERVISOR"
      )
      const spent = Remote.query(Spending, Query.from(Spending))
      isRefused(yield* Effect.flip(as("ada")(spent)), "Forbidden")
      const [own, whole] = [yield* as("bob")(spent), yield* as("carl")(spent)]
      assert.isAbove(own.rows.length, 0)
      assert.deepStrictEqual(own.rows, whole.rows)
    })
  )

  it.live("sends each new result of a question, also after a restart", () =>
    Effect.gen(function* () {
      const { as, startAgain, stop } = yield* running
      const submitted = Query.from(Declarations, { where: { status: "submitted" }, orderBy: [["since", "desc"]] })
      const results = yield* Queue.unbounded<ReadonlyArray<string>>()
      const following = yield* Effect.forkChild(
        as("emma")(
          Stream.runForEach(Remote.live(Declarations, submitted), ({ rows }) =>
            Queue.offer(
              results,
              rows.map(({ key }) => key)
            )
          )
        )
      )
      assert.deepStrictEqual(yield* Queue.take(results), ["declaration-2"])
      yield* as("emma")(execute("a", new D.Submit({ step: 1, at, cents: 5_000, budget })))
      assert.deepStrictEqual(yield* Queue.take(results), ["a", "declaration-2"])
      yield* stop
      yield* startAgain
      yield* as("sue")(execute("a", new D.ApproveFinally({ step: 2, at })))
      assert.deepStrictEqual(yield* Queue.take(results), ["declaration-2"])
      yield* Fiber.interrupt(following)
    })
  )

  it.live("has a page, its description, and what operators ask", () =>
    Effect.gen(function* () {
      const { url } = yield* running
      const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}${path}`, { headers })
          return { status: response.status, text: await response.text() }
        })
      assert.include((yield* ask("/")).text, "<title>Travel expenses</title>")
      assert.strictEqual((yield* ask("/page.js")).status, 200)
      assert.include((yield* ask("/docs")).text, "SwaggerUIBundle")
      assert.include((yield* ask("/openapi.json")).text, "/commands/HandlePayment")
      assert.strictEqual((yield* ask("/health")).status, 200)
      assert.strictEqual((yield* ask("/metrics")).status, 401)
      const tokens = new Map(people.map(({ role, token }) => [role, token]))
      const metrics = (role: (typeof people)[number]["role"]) =>
        ask("/metrics", { authorization: `Bearer ${tokens.get(role)}` })
      assert.strictEqual((yield* metrics("EMPLOYEE")).status, 403)
      assert.include((yield* metrics("CONTROLLER")).text, "hexfold_")
      assert.strictEqual((yield* ask("/views/Declarations")).status, 401)
      assert.strictEqual((yield* ask("/views/Declarations", { authorization: "Bearer forged" })).status, 401)
    })
  )
})
