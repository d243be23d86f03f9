import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Boundary, Process, Versions } from "@hexfold/core"
import { Arbitraries, Laws, ProcessScenario } from "@hexfold/testing"
import { Duration, Result, Schema } from "effect"
import {
  Cancel,
  Charge,
  Charged,
  fulfilment,
  Order,
  Payment,
  Placed,
  Reserve,
  Reserved,
  Ship,
  Stock
} from "./fulfilment.ts"

const few = { runs: 30, seed: 7 }

type Handlers = NonNullable<Parameters<typeof fulfilment>[0]>

const failureOf = (check: () => unknown): Laws.LawFailure => {
  try {
    check()
  } catch (failure) {
    if (failure instanceof Laws.LawFailure) return failure
    throw failure
  }
  return assert.fail("the laws hold")
}

const failure = (handlers: Handlers) => failureOf(() => Laws.check(fulfilment(handlers), few))

const written = <const Tag extends string>(name: string, tag: Tag) =>
  Aggregate.make(name, {
    id: Schema.Literal("a"),
    state: Schema.Int,
    initial: 0,
    events: [Schema.TaggedStruct(tag, {})],
    evolve: { [tag]: (count: number) => count + 1 } as never
  })
const Written = written("Written", "Begun")
const Sealed = written("Sealed", "Done")
const Write = Boundary.make("Write", {
  command: Schema.TaggedStruct("Write", {}),
  participants: () => ({ begun: Written.at("a"), done: Sealed.at("a") }),
  decide: () => Result.succeed({ begun: [{ _tag: "Begun" }], done: [{ _tag: "Done" }] } as const)
})

describe("the laws of a process", () => {
  it("hold of one that takes its events in any order", () => {
    const { commands, events } = Laws.check(fulfilment(), few)
    assert.isAbove(events["Order.Placed"]!, 20)
    // What the process sends counts, and comes from nobody else.
    const { accepted, rejected } = commands["Payment.Charge"]!
    assert.strictEqual(accepted + rejected, events["Order.Placed"]!)
  })

  it("hold where others give the same commands", () => {
    const { events } = Laws.check(fulfilment(), { ...few, with: [Order] })
    assert.isAbove(events["Order.Cancelled"]!, 0)
  })

  // It does not look whether the reservation has come already.
  const forgetful = fulfilment({ charged: (state) => Process.next({ ...state, isPaid: true }) })

  it("show the two shortest orders that end differently", () => {
    const { detail, law, scenario } = failureOf(() => Laws.check(forgetful, few))
    assert.strictEqual(law, "the order of events of different streams does not count")
    assert.strictEqual(
      detail,
      'new Reserved() comes before new Charged({ cents: 0 }), or after it: { _tag: "Ship" } to Stock "a" is sent, or is not.'
    )
    assert.strictEqual(
      scenario,
      `ProcessScenario.of(Fulfilment)
  .given(Order.at("a"), new Placed({ cents: 0 }))
  .given(Payment.at("a"), new Charged({ cents: 0 }))
  .when(Stock.at("a"), new Reserved())
  .then({ commands: [Process.send(Stock, "a", new Ship())], state: { isPaid: true, isReserved: true }, ends: true })

ProcessScenario.of(Fulfilment)
  .given(Order.at("a"), new Placed({ cents: 0 }))
  .given(Stock.at("a"), new Reserved())
  .when(Payment.at("a"), new Charged({ cents: 0 }))
  .then({ state: { isPaid: true, isReserved: true } })`
    )
  })

  it("show orders that hold as scenarios", () => {
    ProcessScenario.of(forgetful)
      .given(Order.at("a"), new Placed({ cents: 0 }))
      .given(Payment.at("a"), new Charged({ cents: 0 }))
      .when(Stock.at("a"), new Reserved())
      .then({ commands: [Process.send(Stock, "a", new Ship())], state: { isPaid: true, isReserved: true }, ends: true })
    ProcessScenario.of(forgetful)
      .given(Order.at("a"), new Placed({ cents: 0 }))
      .given(Stock.at("a"), new Reserved())
      .when(Payment.at("a"), new Charged({ cents: 0 }))
      .then({ state: { isPaid: true, isReserved: true } })
  })

  it("keep the order of what is ordered", () => {
    Laws.check(forgetful, { ...few, ordered: [["Charged", "Stock/Reserved"]] })
    Laws.check(forgetful, { ...few, ordered: "all" })
    const other = failureOf(() => Laws.check(forgetful, { ...few, ordered: [["Placed", "Charged"]] }))
    assert.include(other.law, "the order of events")
  })

  it("never put an event before the step that has led to it", () => {
    // Only the order is placed by others. If a payment came before it, the process would end without a charge.
    Laws.check(fulfilment({ charged: (state) => Process.end({ ...state, isPaid: true }) }), {
      ...few,
      ordered: [["Charged", "Reserved"]]
    })
  })

  it("keep the order of a stream, and of what one command has recorded", () => {
    const Following = Process.make("Following", {
      from: [Stock],
      to: [],
      start: "beginning",
      state: Schema.String,
      initial: "",
      on: {
        Reserved: { key: () => "all", react: () => Process.next("reserved") },
        Shipped: { key: () => "all", react: () => Process.next("shipped") }
      }
    })
    // Of one stock the last event decides, and of two it depends on their order.
    Laws.check(Following, { ...few, with: [Arbitraries.of(Stock, { id: Schema.Literal("a") })] })
    assert.include(failureOf(() => Laws.check(Following, few)).law, "the order of events")
    const Log = Process.make("Log", {
      from: [Written, Sealed],
      to: [],
      start: "beginning",
      state: Schema.Array(Schema.String),
      initial: [],
      on: {
        Begun: { key: (_, { id }) => id, react: (all) => Process.next([...all, "begun"].slice(-1)) },
        Done: { key: (_, { id }) => id, react: (all) => Process.next([...all, "done"].slice(-1)) }
      }
    })
    Laws.check(Log, { ...few, with: [Write] })
  })

  it("show rejections and timeouts as a scenario does", () => {
    const { scenario } = failure({
      declined: (state) => {
        if (!state.isReserved) throw new Error("not reserved")
        return Process.next(state)
      }
    })
    assert.strictEqual(
      scenario,
      `ProcessScenario.of(Fulfilment)
  .given(Order.at("a"), new Placed({ cents: 6 }))
  .whenRejected(Payment, new Declined({ limit: 5 }))`
    )
    const timeout = failure({
      declined: (state) => Process.next(state, Process.timeout("late", { after: "90 minutes" })),
      late: (state) => {
        throw new Error(`late: ${state.isPaid}`)
      }
    })
    assert.strictEqual(
      timeout.scenario,
      `ProcessScenario.of(Fulfilment)
  .given(Order.at("a"), new Placed({ cents: 6 }))
  .whenRejected(Payment, new Declined({ limit: 5 }))
  .then({ state: { isPaid: false, isReserved: false }, timeouts: { late: DateTime.makeUnsafe("1970-01-01T01:30:01.000Z") }, cancels: ["late"] })
  .given(Stock.at("a"), new Reserved())
  .whenTimeout("late")`
    )
  })

  it("find a step that depends on the order of keys", () => {
    const seen = Schema.Record(Schema.String, Schema.Int)
    const Counting = Process.make("Counting", {
      from: [Stock],
      to: [Order],
      start: "beginning",
      state: seen,
      initial: { b: 1, a: 2 },
      on: {
        Reserved: {
          key: () => "all",
          react: (state, _, { id }) =>
            Process.next(state, Process.send(Order, id, new Cancel({ why: Object.keys(state).join() })))
        }
      }
    })
    assert.strictEqual(failureOf(() => Laws.check(Counting, few)).law, "react does not depend on the order of keys")
  })

  const planted: Readonly<Record<string, Handlers>> = {
    "react does not throw": {
      placed: () => {
        throw new Error("no")
      }
    },
    "react does not change its inputs": {
      charged: (state) => {
        ;(state as { isPaid: boolean }).isPaid = true
        return Process.next(state)
      }
    },
    "react is deterministic": {
      placed: (state, _, key) =>
        Math.random() < 0.001 ? Process.next(state) : Process.next(state, Process.send(Stock, key, new Reserve()))
    },
    "every state comes back from a store as it was": {
      charged: (state) => Process.next({ ...state, isPaid: 1 as never })
    },
    "every command comes back from a store as it was": {
      placed: (state, _, key) =>
        Process.next(state, Process.send(Payment, key, { _tag: "Charge", cents: 0.5 } as Charge))
    },
    "every timeout has a time": {
      placed: (state) => Process.next(state, Process.timeout("late", { after: Duration.infinity }))
    },
    "every timeout has a handler": {
      placed: (state) => Process.next(state, Process.timeout("never" as "late", { after: "1 second" }))
    },
    "onRejected does not throw": {
      declined: () => {
        throw new Error("no")
      }
    },
    "the answers to commands come to an end": {
      declined: (state, key) => Process.next(state, Process.send(Payment, key as "a", new Charge({ cents: 9 })))
    },
    "a process comes to an end when nobody else does anything": {
      charged: (state, key) => Process.next(state, Process.send(Payment, key, new Charge({ cents: 1 })) as never)
    }
  }
  for (const [law, handlers] of Object.entries(planted)) {
    it(`find what breaks: ${law}`, () => assert.strictEqual(failure(handlers).law, law))
  }

  it("find a rejection without a handler, and a handler of nothing", () => {
    const process = fulfilment()
    const deaf = { ...process, handlers: { ...process.handlers, onRejected: new Map() } }
    assert.strictEqual(failureOf(() => Laws.check(deaf, few)).law, "every rejection has a handler")
    const idle = { ...process, handlers: { ...process.handlers, on: () => undefined } }
    assert.include(failureOf(() => Laws.check(idle, few)).detail, "made no step in any history")
  })

  it("hold of former versions of its state, and find a step between them that throws", () => {
    const First = Schema.Struct({ count: Schema.Int })
    const counting = (step: (count: number) => number) =>
      Process.make("Counting", {
        from: [Stock],
        to: [],
        start: "beginning",
        state: Versions.first(First).next(Schema.Struct({ sum: Schema.Int }), ({ count }) => ({ sum: step(count) })),
        initial: { sum: 0 },
        on: { Reserved: { key: (_, { id }) => id, react: ({ sum }) => Process.next({ sum: sum + 1 }) } }
      })
    Laws.check(
      counting((count) => count),
      few
    )
    const { law } = failureOf(() =>
      Laws.check(
        counting((count) => count / 2),
        few
      )
    )
    assert.include(law, "every")
  })
})
