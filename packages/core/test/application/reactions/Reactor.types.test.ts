import { describe, expectTypeOf, it } from "@effect/vitest"
import { Executor, Projection, Reactor, type View } from "@hexfold/core"
import { Context, type DateTime, Effect, type Layer, Schedule } from "effect"
import { Account, AccountId, type MoneyDeposited } from "../../support/account.ts"
import { Budget, type BudgetDeposit, type BudgetSet } from "../../support/budget.ts"

// What is expected here is checked by the compiler.

type OfAccount = View.Envelope<"Account", AccountId>
type OfBudget = View.Envelope<"Budget", number>

class Mails extends Context.Service<Mails, { readonly send: (to: string) => Effect.Effect<void> }>()("Mails") {}
class Rates extends Context.Service<Rates, { readonly rate: Effect.Effect<number> }>()("Rates") {}

const mail = Mails.use(({ send }) => send("anna"))
const rate = Rates.use(({ rate }) => rate)

const Mailing = Reactor.make("Mailing", { from: [Account], start: "now", on: { MoneyDeposited: () => mail } })

type Needs<T> =
  T extends Effect.Effect<infer _A, infer _E, infer R>
    ? R
    : T extends Layer.Layer<infer _Out, infer _E, infer R>
      ? R
      : "no effect or layer"

describe("a handler", () => {
  it("knows the event and the envelope without a type annotation", () => {
    Reactor.make("R", {
      from: [Account],
      start: "beginning",
      on: {
        MoneyDeposited: (event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<MoneyDeposited>()
          expectTypeOf(envelope).toEqualTypeOf<OfAccount>()
          expectTypeOf(envelope.id).toEqualTypeOf<AccountId>()
          expectTypeOf(envelope.recordedAt).toEqualTypeOf<DateTime.Utc>()
          return Effect.void
        }
      }
    })
  })

  it("of an event that several sources have gets both, or those of the source that its name says", () => {
    Reactor.make("R", {
      from: [Account, Budget],
      start: "beginning",
      on: {
        MoneyDeposited: (event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<MoneyDeposited | typeof BudgetDeposit.Type>()
          expectTypeOf(envelope).toEqualTypeOf<OfAccount | OfBudget>()
          return Effect.void
        },
        "Budget/BudgetSet": (event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<BudgetSet>()
          expectTypeOf(envelope).toEqualTypeOf<OfBudget>()
          return Effect.void
        }
      }
    })
  })

  it("of an event that no source has, or one that gives no Effect, does not compile", () => {
    const wrong = () => [
      Reactor.make("R", {
        from: [Account],
        start: "now",
        // @ts-expect-error -- no source has an event with this tag
        on: { BudgetSet: () => Effect.void }
      }),
      Reactor.make("R", {
        from: [Account],
        start: "now",
        // @ts-expect-error -- a promise is no Effect
        on: { MoneyDeposited: () => Promise.resolve() }
      })
    ]
    expectTypeOf(wrong).toBeFunction()
  })
})

describe("a definition", () => {
  it("must say where the reactor starts, in a word or a place that there is", () => {
    const on = { MoneyDeposited: () => Effect.void }
    const wrong = () => [
      // @ts-expect-error -- the start is missing
      Reactor.make("R", { from: [Account], on }),
      // @ts-expect-error -- there is no such start
      Reactor.make("R", { from: [Account], start: "today", on }),
      // @ts-expect-error -- a position has the name after
      Reactor.make("R", { from: [Account], start: { position: 7 }, on })
    ]
    expectTypeOf(wrong).toBeFunction()
    expectTypeOf<Reactor.Start>().toEqualTypeOf<
      "beginning" | "now" | { readonly after: number } | { readonly since: DateTime.DateTime }
    >()
  })

  it("has a key that is a text, of the events of its sources", () => {
    Reactor.make("R", {
      from: [Account, Budget],
      start: "now",
      key: (event, envelope) => {
        expectTypeOf(event._tag).toEqualTypeOf<"AccountOpened" | "MoneyDeposited" | "MoneyWithdrawn" | "BudgetSet">()
        expectTypeOf(envelope.aggregate).toEqualTypeOf<"Account" | "Budget">()
        return event._tag
      },
      on: { AccountOpened: () => Effect.void, BudgetSet: () => Effect.void }
    })
    const wrong = () =>
      Reactor.make("R", {
        from: [Account],
        start: "now",
        // @ts-expect-error -- a key is a text
        key: ({ _tag }) => _tag.length,
        on: { MoneyDeposited: () => Effect.void }
      })
    expectTypeOf(wrong).toBeFunction()
  })

  it("has the name of its kind, and a retry that any Schedule is", () => {
    const reactor = Reactor.make("R", {
      from: [Account],
      start: "now",
      retry: Schedule.exponential("1 second"),
      on: { AccountOpened: () => Effect.fail("no") }
    })
    expectTypeOf(reactor.name).toEqualTypeOf<"reactor/R">()
  })
})

describe("a reactor", () => {
  it("cannot be rebuilt, because its effects would happen again", () => {
    // @ts-expect-error: a rebuild takes views.
    const rebuild = () => Projection.rebuild(Mailing)
    expectTypeOf(rebuild).toBeFunction()
  })
})

describe("the services of handlers", () => {
  const Both = Reactor.make("Both", {
    from: [Account],
    start: "now",
    on: { MoneyDeposited: () => rate, AccountOpened: () => Effect.andThen(mail, rate) }
  })

  it("are asked for by the layer, by a job and by a retry, beside the stores", () => {
    expectTypeOf(Reactor.layer([Mailing])).toEqualTypeOf<Layer.Layer<never, never, Mails | Reactor.Stores>>()
    expectTypeOf<Needs<ReturnType<typeof Reactor.layer<[typeof Mailing, typeof Both]>>>>().toEqualTypeOf<
      Mails | Rates | Reactor.Stores
    >()
    const job = Reactor.catchUp(Mailing)
    expectTypeOf<Needs<typeof job>>().toEqualTypeOf<Mails | Reactor.Stores>()
    const retry = Reactor.retryParked(Both)
    expectTypeOf<Needs<typeof retry>>().toEqualTypeOf<Mails | Rates | Reactor.Stores>()
    expectTypeOf<Reactor.Services<typeof Both>>().toEqualTypeOf<Mails | Rates>()
  })

  it("are no others than the stores, if the handlers only execute commands", () => {
    const reactor = Reactor.make("R", {
      from: [Budget],
      start: "now",
      on: { BudgetSet: () => Executor.load(Account, AccountId.make("a")) }
    })
    expectTypeOf(Reactor.layer([reactor])).toEqualTypeOf<Layer.Layer<never, never, Reactor.Stores>>()
  })
})
