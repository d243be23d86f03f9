import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Query, Records, Subscription, View } from "@hexfold/core"
import { Effect, Schema, Stream } from "effect"
import { Account } from "../../support/account.ts"
import { Activity, stores } from "../../support/projected.ts"

const Sums = View.make("Sums", {
  from: [Account],
  state: Schema.Int,
  evolve: { MoneyDeposited: (sum = 0, { amount }) => sum + amount }
})

const sums = Query.from(Sums)

describe("the query of another view", () => {
  it("does not compile", () => {
    expectTypeOf(sums.view).toEqualTypeOf<"Sums">()
    // @ts-expect-error the query asks for "Sums"
    expectTypeOf(() => Records.query(Activity, sums)).toBeFunction()
    // @ts-expect-error the query asks for "Sums"
    expectTypeOf(() => Records.count(Activity, sums)).toBeFunction()
    // @ts-expect-error the query asks for "Sums"
    expectTypeOf(() => Subscription.query(Activity, sums)).toBeFunction()
    // @ts-expect-error the query asks for "Sums"
    expectTypeOf(() => Subscription.count(Activity, Query.after(sums, "cursor"))).toBeFunction()
  })

  it("compiles where the name of the view or of the query is not known", () => {
    const ofAny = (view: View.Any) => [
      Records.count(view, Query.from(view)),
      Subscription.query(view, Query.from(view))
    ]
    const received = (query: Query.Query) => [Records.query(Sums, query), Subscription.count(Sums, query)]
    expectTypeOf(ofAny).toBeFunction()
    expectTypeOf(received).toBeFunction()
  })

  it.effect("is a defect that names both views", () =>
    Effect.gen(function* () {
      const received: Query.Query = Query.from(Activity)
      const message = "the query asks for records of Activity, but it is given with the view Sums"
      for (const asked of [
        Records.query(Sums, received),
        Records.count(Sums, received),
        Stream.runDrain(Subscription.query(Sums, received)),
        Stream.runDrain(Subscription.count(Sums, received))
      ]) {
        expect(
          String(yield* Effect.exit(asked as Effect.Effect<unknown, unknown, Effect.Services<typeof asked>>))
        ).toContain(message)
      }
    }).pipe(Effect.provide(stores))
  )
})
