import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import {
  Aggregate,
  Boundary,
  Decision,
  Executor,
  type EventStore,
  type InvalidCommand,
  Reactor,
  Snapshots,
  Subscription,
  Topic,
  Versions,
  View
} from "@hexfold/core"
import { Effect, type Option, Schema, Stream } from "effect"
import { Account, type AccountId } from "../support/account.ts"
import { PaymentBounced, PaymentReceived, Payments, received } from "../support/payments.ts"

// What is expected here is checked by the compiler.

type PaymentEvent = PaymentReceived | PaymentBounced

describe("a topic", () => {
  it("knows its name, its key and its events", () => {
    expectTypeOf(Payments).toEqualTypeOf<Topic.Topic<"Payments", number, PaymentEvent>>()
    expectTypeOf<Topic.KeyOf<typeof Payments>>().toEqualTypeOf<number>()
    expectTypeOf(Payments.idOf(Payments.streamId(1))).toEqualTypeOf<Option.Option<number>>()
    const one: Topic.Any = Payments
    expectTypeOf(one.name).toEqualTypeOf<string>()
  })

  it("takes chains of versions and retired events, and neither a state nor functions", () => {
    const First = Schema.TaggedStruct("PaymentReceived", { euros: Schema.Finite })
    const Versioned = Topic.make("Payments", {
      key: Schema.String,
      events: [Versions.first(First).next(PaymentReceived, ({ euros }) => received(euros * 100))],
      retired: [Versions.retired(Schema.TaggedStruct("Old", {}), () => received(1))]
    })
    expectTypeOf(Versioned).toEqualTypeOf<Topic.Topic<"Payments", string, PaymentReceived>>()
    const options = { key: Schema.Int, events: [PaymentReceived] } as const
    // @ts-expect-error a topic has no state
    Topic.make("Payments", { ...options, state: Schema.Int })
    // @ts-expect-error a topic has no evolve
    Topic.make("Payments", { ...options, evolve: {} })
    // @ts-expect-error a topic has a key and no id
    const noKey = () => Topic.make("Payments", { id: Schema.Int, events: [PaymentReceived] })
    const other = Versions.retired(PaymentBounced, () => ({ _tag: "Other" as const }))
    // @ts-expect-error a retired event becomes an event of the topic
    Topic.make("Payments", { ...options, retired: [other] })
    expectTypeOf(noKey).toBeFunction()
  })
})

describe("a view over a topic and an aggregate", () => {
  it("has typed events, envelopes and keys", () => {
    const view = View.make("Both", {
      from: [Payments, Account],
      state: Schema.Int,
      key: {
        PaymentReceived: (event, { aggregate, id }) => {
          expectTypeOf(event).toEqualTypeOf<PaymentReceived>()
          expectTypeOf(aggregate).toEqualTypeOf<"Payments">()
          expectTypeOf(id).toEqualTypeOf<number>()
          return String(id)
        },
        "Account/MoneyDeposited": (_, { id }) => id,
        "*": () => []
      },
      evolve: {
        PaymentReceived: (state, event, envelope) => {
          expectTypeOf(state).toEqualTypeOf<number | undefined>()
          expectTypeOf(event).toEqualTypeOf<PaymentReceived>()
          expectTypeOf(envelope).toEqualTypeOf<View.Envelope<"Payments", number>>()
          return event.cents
        },
        "Account/MoneyDeposited": (state, _, envelope) => {
          expectTypeOf(envelope).toEqualTypeOf<View.Envelope<"Account", AccountId>>()
          return state
        },
        "*": (state, _, envelope) => {
          expectTypeOf(envelope.id).toEqualTypeOf<number | AccountId>()
          return state
        }
      }
    })
    View.fold(view, View.given(Payments, 1, received(1)))
    // @ts-expect-error the key of a payment is a number
    expectTypeOf(() => View.given(Payments, "1", received(1))).toBeFunction()
    const unknown = () =>
      View.make("Both", {
        from: [Payments],
        state: Schema.Int,
        // @ts-expect-error no source has an event with the tag Refunded
        evolve: { Refunded: () => 1 }
      })
    expectTypeOf(unknown).toBeFunction()
  })

  it("compiles in helpers over any topic", () => {
    const countOf = <Name extends string, Key, Event extends Aggregate.Tagged>(topic: Topic.Topic<Name, Key, Event>) =>
      View.make("Count", {
        from: [topic],
        state: Schema.Struct({ count: Schema.Int, last: Schema.String }),
        evolve: { "*": (state, event) => ({ count: (state?.count ?? 0) + 1, last: event._tag }) }
      })
    expectTypeOf(View.fold(countOf(Payments), [])).toEqualTypeOf<
      ReadonlyMap<string, { readonly count: number; readonly last: string }>
    >()
  })
})

describe("a subscription", () => {
  it("has the events of topics and aggregates", () => {
    Subscription.events([Payments, Account], { types: ["PaymentReceived", "MoneyDeposited"] })
    // @ts-expect-error no source has such an event
    Subscription.events([Payments], { types: ["MoneyDeposited"] })
    const handling = Subscription.events([Payments]).pipe(
      Stream.map(({ data }) => {
        expectTypeOf(data).toEqualTypeOf<PaymentEvent>()
        return data._tag
      })
    )
    expectTypeOf(handling).toExtend<Stream.Stream<"PaymentReceived" | "PaymentBounced", unknown, unknown>>()
  })
})

describe("a reactor", () => {
  it("has typed events and envelopes of topics and aggregates", () => {
    const reactor = Reactor.make("Both", {
      from: [Payments, Account],
      start: "beginning",
      on: {
        PaymentReceived: (event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<PaymentReceived>()
          expectTypeOf(envelope).toEqualTypeOf<View.Envelope<"Payments", number>>()
          return Executor.publish(Payments, envelope.id, event)
        },
        MoneyDeposited: (_, { id }) => {
          expectTypeOf(id).toEqualTypeOf<AccountId>()
          return Effect.void
        }
      }
    })
    expectTypeOf<Reactor.Services<typeof reactor>>().toEqualTypeOf<EventStore.EventStore>()
    const unknown = () =>
      // @ts-expect-error no source has an event with the tag Refunded
      Reactor.make("Both", { from: [Payments], start: "beginning", on: { Refunded: () => Effect.void } })
    const namesake = Topic.make("Account", { key: Schema.String, events: [PaymentReceived] })
    expect(() =>
      Reactor.make("Both", { from: [namesake, Account], start: "beginning", on: { "*": () => Effect.void } })
    ).toThrow('Both: two of its sources are called "Account"')
    expectTypeOf(unknown).toBeFunction()
  })
})

describe("publishing", () => {
  it("takes one event or several of the topic, under a key of the topic", () => {
    const one = Executor.publish(Payments, 1, received(1), { commandId: "a" })
    expectTypeOf<Effect.Success<typeof one>["events"][number]["data"]>().toEqualTypeOf<PaymentEvent>()
    expectTypeOf<Effect.Error<typeof one>>().toEqualTypeOf<Executor.PublishError>()
    expectTypeOf<InvalidCommand>().toExtend<Effect.Error<typeof one>>()
    Executor.publish(Payments, 1, [received(1), new PaymentBounced({ reason: "closed" })])
    Executor.publish(Payments, 1, { _tag: "PaymentReceived", cents: 1, note: "" })
    const many: ReadonlyArray<PaymentEvent> = []
    Executor.publish(Payments, 1, many)
    Executor.publish(Payments, 1, [])
    // @ts-expect-error the key is a number
    Executor.publish(Payments, "1", received(1))
    // @ts-expect-error the note is missing
    Executor.publish(Payments, 1, { _tag: "PaymentReceived", cents: 1 })
    // @ts-expect-error it has no such event
    Executor.publish(Payments, 1, { _tag: "MoneyDeposited", amount: 1 })
    const any: Aggregate.Tagged = received(1)
    // @ts-expect-error it may be any event
    Executor.publish(Payments, 1, any)
    // @ts-expect-error one of them may be any event
    Executor.publish(Payments, 1, [any])
  })

  it("expects no version, no state, and is never tried again after a conflict", () => {
    // @ts-expect-error no version is expected of a topic
    Executor.publish(Payments, 1, received(1), { expectedVersion: 1 })
    // @ts-expect-error a topic has no state
    Executor.publish(Payments, 1, received(1), { require: () => true })
    // @ts-expect-error publishing never conflicts
    Executor.publish(Payments, 1, received(1), { retry: Executor.defaultRetryPolicy })
  })

  it("is for topics, and nothing else of the executor is", () => {
    const program = () => {
      // @ts-expect-error the events of an aggregate come from commands
      Executor.publish(Account, "a", received(1))
      // @ts-expect-error a topic takes no commands
      Executor.execute(Payments, 1, received(1))
      // @ts-expect-error a topic takes no commands
      Executor.executeUnknown(Payments, 1, {})
      // @ts-expect-error a topic has no state
      Executor.load(Payments, 1)
      // @ts-expect-error a topic has no state
      Executor.history(Payments, 1)
      // @ts-expect-error a topic has no state
      Snapshots.layer({ of: [Payments] })
      // @ts-expect-error a topic has no state
      Aggregate.fold(Payments, [received(1)])
      Boundary.make("Both", {
        command: Schema.TaggedStruct("Both", { id: Schema.Int }),
        // @ts-expect-error a boundary decides on states, and a topic has none
        participants: ({ id }) => ({ payments: Payments.at(id) }),
        decide: () => Decision.nothing
      })
      // @ts-expect-error a boundary decides on states, and a topic has none
      Boundary.readOnly(Payments.at(1))
    }
    expectTypeOf(program).toBeFunction()
  })
})
