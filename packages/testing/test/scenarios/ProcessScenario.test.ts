import { Aggregate, Boundary, Decision, Process } from "@hexfold/core"
import { ProcessScenario } from "@hexfold/testing"
import { DateTime, Duration, Schema } from "effect"
import { describe, expect, it } from "vitest"

class Placed extends Schema.TaggedClass<Placed>()("Placed", { cents: Schema.Int }) {}
class Noted extends Schema.TaggedClass<Noted>()("Noted", {}) {}
class Charge extends Schema.TaggedClass<Charge>()("Charge", { cents: Schema.Int }) {}
class Charged extends Schema.TaggedClass<Charged>()("Charged", { order: Schema.String }) {}
class Declined extends Schema.TaggedError<Declined>()("Declined", { limit: Schema.Int }) {}
class Cancel extends Schema.TaggedClass<Cancel>()("Cancel", { why: Schema.String }) {}

const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Cancel],
  events: [Placed, Noted],
  decide: { Cancel: () => Decision.nothing },
  evolve: { Placed: (sum, { cents }) => sum + cents, Noted: (sum) => sum }
})

const Payment = Aggregate.make("Payment", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Charge],
  events: [Charged],
  errors: [Declined],
  decide: {
    Charge: ({ cents }) =>
      cents > 100 ? Decision.reject(new Declined({ limit: 100 })) : Decision.accept(new Charged({ order: "1" }))
  },
  evolve: { Charged: (times) => times + 1 }
})

const Reserve = Boundary.make("Reserve", {
  command: Schema.TaggedStruct("Reserve", { order: Schema.String }),
  participants: () => ({ order: Order.at("1") }),
  decide: () => Decision.all({ order: Decision.nothing })
})

const Fulfilment = Process.make("Fulfilment", {
  from: [Order, Payment],
  to: [Order, Payment, Reserve],
  timeouts: ["unpaid", "slow"],
  start: "beginning",
  state: Schema.Struct({ paid: Schema.Boolean, since: Schema.DateTimeUtc }),
  initial: { paid: false, since: DateTime.makeUnsafe(0) },
  on: {
    Placed: {
      key: (_, { id }) => id,
      react: (state, { cents }, { id, recordedAt }) =>
        Process.next(
          { ...state, since: recordedAt },
          Process.send(Payment, `p-${id}`, new Charge({ cents })),
          Process.send(Reserve, { _tag: "Reserve", order: id }),
          Process.timeout("unpaid", { after: "30 minutes" })
        )
    },
    Noted: {
      key: (_, { id }) => id,
      react: (state) =>
        state.paid
          ? Process.next(state, Process.cancel("unpaid"), Process.timeout("slow", { after: 1 }))
          : Process.ignore
    },
    Charged: { key: ({ order }) => order, react: (state) => Process.next({ ...state, paid: true }) }
  },
  onRejected: {
    Declined: (state, { limit }, { key }) =>
      Process.end(state, Process.send(Order, key, new Cancel({ why: `more than ${limit}` })))
  },
  onTimeout: {
    unpaid: (state, key) => Process.end(state, Process.send(Order, key, new Cancel({ why: "unpaid" }))),
    slow: (state) => Process.next(state)
  }
})

const begun = () => ProcessScenario.of(Fulfilment).given(Order.at("1"), new Placed({ cents: 500 }))

describe("ProcessScenario", () => {
  it("says what a step sends, waits for and leaves", () => {
    ProcessScenario.of(Fulfilment)
      .when(Order.at("1"), new Placed({ cents: 500 }))
      .then({
        commands: [
          Process.send(Payment, "p-1", new Charge({ cents: 500 })),
          Process.send(Reserve, { _tag: "Reserve", order: "1" })
        ],
        state: { paid: false, since: DateTime.makeUnsafe(1_000) },
        timeouts: { unpaid: "30 minutes" }
      })
      .when(Payment.at("p-1"), new Charged({ order: "1" }))
      .then({ state: { paid: true, since: DateTime.makeUnsafe(1_000) } })
      .when(Order.at("1"), new Noted())
      .then({ cancels: ["unpaid"], timeouts: { slow: DateTime.makeUnsafe(3_001) } })
  })

  it("says what follows from a rejection, from a timeout, and from what is ignored", () => {
    begun()
      .when(Order.at("1"), new Noted())
      .thenIgnored()
      .whenTimeout("unpaid")
      .then({ commands: [Process.send(Order, "1", new Cancel({ why: "unpaid" }))], ends: true })
      .when(Payment.at("p-1"), new Charged({ order: "1" }))
      .thenIgnored()
    ProcessScenario.of(Fulfilment)
      .when(Order.at("1"), new Placed({ cents: 500 }))
      .then({
        commands: [
          Process.send(Payment, "p-1", new Charge({ cents: 500 })),
          Process.send(Reserve, { _tag: "Reserve", order: "1" })
        ],
        timeouts: { unpaid: "30 minutes" }
      })
      .whenRejected(Payment, new Declined({ limit: 100 }))
      .then({ commands: [Process.send(Order, "1", new Cancel({ why: "more than 100" }))], ends: true })
  })

  it("takes the rejection of a command that a given event has caused", () => {
    begun()
      .whenRejected(Payment, new Declined({ limit: 100 }))
      .then({ commands: [Process.send(Order, "1", new Cancel({ why: "more than 100" }))], ends: true })
  })

  it("knows that a rejection and a timeout are recorded that the handler ignores", () => {
    const Patient = Process.make("Patient", {
      from: [Order],
      to: [Payment],
      timeouts: ["late"],
      start: "beginning",
      state: Schema.Int,
      initial: 0,
      on: {
        Placed: {
          key: (_, { id }) => id,
          react: (count, { cents }, { id }) =>
            Process.next(
              count + 1,
              Process.send(Payment, id, new Charge({ cents })),
              Process.timeout("late", { after: 1 })
            )
        }
      },
      onRejected: { Declined: () => Process.ignore },
      onTimeout: { late: () => Process.ignore }
    })
    const placed = ProcessScenario.of(Patient).given(Order.at("1"), new Placed({ cents: 500 }))
    const rejected = placed.whenRejected(Payment, new Declined({ limit: 100 }))
    rejected.then({ state: 1 }).whenTimeout("late").then({})
    // @ts-expect-error it is never ignored
    expect(() => rejected.thenIgnored()).toThrow("even if the handler ignores them: then({})")
    // @ts-expect-error it is never ignored
    expect(() => placed.whenTimeout("late").thenIgnored()).toThrow("even if the handler ignores them: then({})")
  })

  it("fails with the difference", () => {
    const fails = (scenario: () => unknown) => {
      try {
        scenario()
      } catch (failure) {
        return failure instanceof ProcessScenario.ScenarioFailure ? failure.message : failure
      }
      return "no failure"
    }
    const timeout = begun().whenTimeout("unpaid")
    expect(fails(() => timeout.then({ ends: true }))).toContain('"why": "unpaid"')
    const placed = () =>
      begun()
        .when(Order.at("1"), new Placed({ cents: 5 }))
        .thenIgnored()
    expect(fails(placed)).toContain("records a step for Placed: say with then what follows")
    expect(fails(placed)).toContain('"commands": [')
    expect(fails(placed)).not.toContain("commandId")
    expect(fails(() => timeout.then({ timeouts: { slow: Duration.infinity } }))).toContain(
      "the expected timeout slow: no calendar has the time"
    )
    expect(fails(() => begun().when(Order.at("1"), new Noted()).then({}))).toContain("records no step")
    expect(fails(() => begun().whenTimeout("slow").then({}))).toContain("does not wait for the timeout slow")
    expect(
      fails(() =>
        begun()
          .when(Order.at("2"), new Placed({ cents: 1 }))
          .then({})
      )
    ).toContain('concerns the process "2"')
    expect(
      fails(() =>
        begun()
          .whenRejected(Order, new Declined({ limit: 1 }) as never)
          .then({})
      )
    ).toContain("has sent no command to Order")
  })

  it("does not compile with what the process does not have", () => {
    const other = Aggregate.make("Other", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      events: [Charged],
      evolve: { Charged: (n) => n }
    })
    const mistakes = () => {
      const scenario = begun()
      // @ts-expect-error no such timeout
      scenario.whenTimeout("late")
      // @ts-expect-error the process sends nothing to it
      scenario.whenRejected(other, new Declined({ limit: 1 }))
      // @ts-expect-error the payment rejects with another error
      scenario.whenRejected(Payment, new Error("no"))
      // @ts-expect-error the stream has other events
      scenario.when(Payment.at("1"), new Placed({ cents: 1 }))
      // @ts-expect-error the state has other fields
      scenario.whenTimeout("unpaid").then({ state: { paid: 1 } })
      // @ts-expect-error no such timeout
      scenario.whenTimeout("unpaid").then({ timeouts: { late: 1 } })
    }
    expect(mistakes).toBeTypeOf("function")
  })
})
