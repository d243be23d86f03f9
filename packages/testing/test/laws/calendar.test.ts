import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Decision, Process } from "@hexfold/core"
import { Arbitraries, Laws } from "@hexfold/testing"
import { Arbitrary, DateTime, Duration, Schema } from "effect"

const Open = Schema.TaggedStruct("Open", { closesAt: Schema.DateTimeUtc })
const Close = Schema.TaggedStruct("Close", {})
const Opened = Schema.TaggedStruct("Opened", { closesAt: Schema.DateTimeUtc })
const Closed = Schema.TaggedStruct("Closed", {})

const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Literals(["planned", "open", "closed"]),
  initial: "planned",
  commands: [Open, Close],
  events: [Opened, Closed],
  decide: {
    Open: ({ closesAt }, state) =>
      state === "planned" ? Decision.accept(Opened.make({ closesAt })) : Decision.nothing,
    Close: (_, state) => (state === "open" ? Decision.accept(Closed.make({})) : Decision.nothing)
  },
  evolve: { Opened: () => "open", Closed: () => "closed" }
})

type Time = Process.Timeout<string>["at"]

const closing = (
  timeOf: (closesAt: DateTime.Utc) => Time,
  again: () => Process.Step<null, "Counter", "closing"> | undefined = () => undefined
) =>
  Process.make("Closing", {
    from: [Counter],
    to: [Counter],
    timeouts: ["closing"],
    start: "beginning",
    state: Schema.Null,
    initial: null,
    on: {
      Opened: {
        key: (_, { id }) => id,
        react: (state, { closesAt }) => Process.next(state, Process.timeout("closing", timeOf(closesAt)))
      }
    },
    onTimeout: {
      closing: (state, id) => again() ?? Process.end(state, Process.send(Counter, id, Close.make({})))
    }
  })

const few = { runs: 60, seed: 7 }

const failureOf = (check: () => unknown): Laws.LawFailure => {
  try {
    check()
  } catch (failure) {
    if (failure instanceof Laws.LawFailure) return failure
    throw failure
  }
  return assert.fail("the laws hold")
}

const last = 8.64e15
const only = (...dates: ReadonlyArray<number>) => ({
  ...few,
  with: [
    Arbitraries.of(Counter, {
      commands: {
        Open: { closesAt: Arbitrary.map(Arbitrary.schema(Schema.Literals(dates)), (at) => DateTime.makeUnsafe(at)) }
      }
    })
  ]
})

describe("the laws of a process with dates", () => {
  it("hold of a timeout at any date", () => {
    const { commands } = Laws.check(
      closing((time) => ({ time })),
      few
    )
    assert.isAbove(commands["Counter.Close"]!.accepted, 0)
  })

  it("hold at the first and the last dates of the calendar", () => {
    Laws.check(
      closing((time) => ({ time })),
      only(-last, -last + 1, 0, last - 1, last)
    )
  })

  it("take the generators of a source", () => {
    const seen = new Set<number>()
    const { commands } = Laws.check(
      closing((time) => {
        seen.add(time.epochMilliseconds)
        return { time }
      }),
      only(0, 60_000, 86_400_000)
    )
    assert.deepStrictEqual(
      [...seen].toSorted((a, b) => a - b),
      [0, 60_000, 86_400_000]
    )
    assert.isAbove(commands["Counter.Close"]!.accepted, 0)
  })

  const unkept: Readonly<Record<string, Time>> = {
    "for ever": { after: Duration.infinity },
    "a duration that leads beyond the last date": { after: Duration.millis(last) },
    "a text that is no duration": { after: "soon" as never },
    "neither a duration nor a time": undefined as never
  }
  for (const [what, at] of Object.entries(unkept)) {
    it(`show the history where a timeout has no time: ${what}`, () => {
      const { law, scenario } = failureOf(() =>
        Laws.check(
          closing(() => at),
          few
        )
      )
      assert.strictEqual(law, "every timeout has a time")
      assert.include(scenario, '.when(Counter.at("a"), { _tag: "Opened"')
    })
  }

  it("show the history and the cause where a handler adds to the last date", () => {
    const { cause, law, scenario, seed } = failureOf(() =>
      Laws.check(
        closing((time) => ({ time: DateTime.makeUnsafe(time.epochMilliseconds + 1) })),
        only(last)
      )
    )
    assert.strictEqual(law, "react does not throw")
    assert.instanceOf(cause, Error)
    assert.include(scenario, "Opened")
    assert.strictEqual(seed, 7)
  })

  it("show the history where a timeout has no time after another one", () => {
    const { law, scenario } = failureOf(() =>
      Laws.check(
        closing(
          (time) => ({ time }),
          () => Process.next(null, Process.timeout("closing", { after: Duration.millis(last) }))
        ),
        only(60_000)
      )
    )
    assert.strictEqual(law, "every timeout has a time")
    assert.include(scenario, '.whenTimeout("closing")')
  })

  it("show the history and the cause where what a process is made of throws", () => {
    const process = closing((time) => ({ time }))
    const bug = new Error("bug")
    const broken = {
      ...process,
      handlers: {
        ...process.handlers,
        on: () => {
          throw bug
        }
      }
    }
    const failure = failureOf(() => Laws.check(broken, few))
    assert.strictEqual(failure.cause, bug)
    assert.include(failure.scenario, "Opened")
    const odd = closing(
      () => ({ after: "1 hour" }),
      () => ({ _tag: "Step", state: null, outputs: [undefined as never], ends: false })
    )
    assert.instanceOf(failureOf(() => Laws.check(odd, few)).cause, TypeError)
  })

  it("count what the process sends, and nothing of the library's", () => {
    const distribution = Laws.check(
      closing(() => ({ after: "1 hour" })),
      few
    )
    assert.isAbove(distribution.commands["Counter.Close"]!.accepted, 0)
    assert.isAbove(distribution.events["Counter.Closed"]!, 0)
    assert.deepStrictEqual(distribution.never, [])
    assert.notInclude(distribution.toString(), "Process_")
  })
})
