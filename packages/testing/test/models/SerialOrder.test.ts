import { type EventStore, StreamId } from "@hexfold/core"
import { SerialOrder } from "@hexfold/testing"
import { DateTime, Result } from "effect"
import { describe, expect, it } from "vitest"

type Operation = SerialOrder.Operation<number, number, string>

/** Takes from a stock of ten; taking nothing records nothing. */
const model: SerialOrder.Model<number, number, number, string> = {
  initial: 10,
  decide: (count, left) =>
    count === 0 ? Result.succeed([]) : count > left ? Result.fail(`only ${left}`) : Result.succeed([count]),
  evolve: (left, { data }) => left - data
}

const counted = <A>(data: A, version: number, id: string, position: number): EventStore.RecordedEvent<A> => ({
  id: `event-${position}`,
  streamId: StreamId.make("Stock", id),
  version,
  position,
  type: "Taken",
  schemaVersion: 1,
  data,
  metadata: { correlationId: "c", causationId: "c" },
  recordedAt: DateTime.makeUnsafe(0),
  imported: false
})
const event = (data: number, position: number) => counted(data, position, "a", position)

const taken = (count: number, position: number, after = 0): Operation => ({
  command: count,
  outcome: Result.succeed([event(count, position)]),
  after
})
const rejected = (count: number, left: number, after = 0): Operation => ({
  command: count,
  outcome: Result.fail(`only ${left}`),
  after
})

const unexplained = (
  operation: Operation,
  expected: Result.Result<ReadonlyArray<number>, string>,
  placed: ReadonlyArray<Operation>,
  waitsFor?: Operation
) => Result.fail({ _tag: "Unexplained", operation, expected, waitsFor, placed })

/** Keeps the names of all events in their order. A look is rejected with the names that it saw; a copy records them. */
const names: SerialOrder.Model<string, string, string, string> = {
  initial: "",
  decide: (command, seen) =>
    command === "look" ? Result.fail(seen) : Result.succeed([command === "copy" ? `(${seen.trim()})` : command]),
  evolve: (seen, { data }) => `${seen} ${data}`
}
const sortedNames: typeof names = {
  ...names,
  evolve: (seen, { data }) => [...seen.split(" "), data].sort().join(" ")
}
type Saw = SerialOrder.Operation<string, string, string>
const moved = (id: string, position: number): Saw => ({
  command: id,
  outcome: Result.succeed([counted(id, 1, id, position)])
})

describe("a history", () => {
  it("is explained by the order of its positions, with rejections where they were due", () => {
    const [six, three, last, five] = [rejected(7, 6), taken(3, 2), taken(4, 1), rejected(5, 3)]
    expect(SerialOrder.explain([six, three, last, five], model)).toEqual(Result.succeed([last, six, three, five]))
  })

  it("may have commands that recorded nothing", () => {
    const nothing: Operation = { command: 0, outcome: Result.succeed([]), after: 1 }
    expect(SerialOrder.explain([nothing, taken(4, 1)], model)).toEqual(Result.succeed([taken(4, 1), nothing]))
  })

  it("is not explained when two commands took the same: a lost update", () => {
    const [first, second] = [taken(6, 1), taken(6, 2)]
    expect(SerialOrder.explain([first, second], model)).toEqual(unexplained(second, Result.fail("only 4"), [first]))
  })

  it("is not explained by a rejection on a state that never was", () => {
    const [four, never] = [taken(4, 1), rejected(9, 8)]
    expect(SerialOrder.explain([four, never], model)).toEqual(unexplained(never, Result.fail("only 6"), [four]))
  })

  it("is not explained by a rejection on a state from before the command began", () => {
    const [four, one, late] = [taken(4, 1), taken(1, 2), rejected(9, 6, 2)]
    expect(SerialOrder.explain([four, one, late], model)).toEqual(unexplained(late, Result.fail("only 5"), [four, one]))
  })

  it("is not explained when a command took effect before it began", () => {
    const early = taken(1, 1, 2)
    expect(SerialOrder.explain([early, taken(1, 2)], model)).toEqual(unexplained(early, Result.succeed([1]), [], early))
  })

  it("is not explained when two commands have one version of a stream", () => {
    const [first, twin] = [taken(1, 1), { ...taken(1, 2), outcome: Result.succeed([{ ...event(1, 2), version: 1 }]) }]
    expect(SerialOrder.explain([first, twin], model)).toEqual(unexplained(twin, Result.succeed([1]), [first], first))
  })

  it("is explained by the times of its callers, if they are known", () => {
    const [four, five] = [
      { ...taken(4, 1), began: 1, ended: 4 },
      { ...rejected(11, 10), began: 2, ended: 3 }
    ]
    expect(SerialOrder.explain([four, five], model)).toEqual(Result.succeed([five, four]))
    const late = { ...five, began: 5, ended: 6 }
    expect(SerialOrder.explain([four, late], model)).toEqual(unexplained(late, Result.fail("only 6"), [four]))
    const next = { ...taken(1, 2), began: 5, ended: 6 }
    const wrong = { ...rejected(9, 5), began: 1, ended: 2 }
    expect(SerialOrder.explain([four, next, wrong], model)).toEqual(unexplained(wrong, Result.fail("only 6"), [four]))
  })

  it("may have a rejection that saw an append and none with a lower position in another stream", () => {
    const [slow, quick] = [moved("slow", 1), moved("quick", 2)]
    const saw: Saw = { command: "look", outcome: Result.fail(" quick"), after: 0 }
    expect(SerialOrder.explain([slow, quick, saw], names)).toEqual(Result.succeed([quick, saw, slow]))
    // Here both orders of the two lead to one state, which the look does not tell apart.
    expect(SerialOrder.explain([slow, quick, saw], sortedNames)).toEqual(Result.succeed([quick, saw, slow]))
  })

  it("may have a command on several streams that did not see an append with a lower position", () => {
    const [slow, quick] = [moved("slow", 1), moved("quick", 2)]
    const copied: Saw = { command: "copy", outcome: Result.succeed([counted("(quick)", 1, "copies", 3)]) }
    expect(SerialOrder.explain([slow, quick, copied], names)).toEqual(Result.succeed([quick, copied, slow]))
  })

  it("may have a command that saw two appends against the order of their positions", () => {
    const [slow, quick] = [moved("slow", 1), moved("quick", 2)]
    const copied: Saw = { command: "copy", outcome: Result.succeed([counted("(quick slow)", 1, "copies", 3)]) }
    expect(SerialOrder.explain([slow, quick, copied], names)).toEqual(Result.succeed([quick, slow, copied]))
  })

  it("may have a command that recorded very many events", () => {
    const events = Array.from({ length: 200_000 }, (_, i) => counted("x", i + 1, "many", i + 1))
    const all: Saw = { command: "many", outcome: Result.succeed(events) }
    const model = { ...names, decide: () => Result.succeed(events.map(({ data }) => data)), evolve: () => "" }
    expect(SerialOrder.explain([all], model)).toEqual(Result.succeed([all]))
  })

  it("is undecided when the limit is reached, and never called wrong", () => {
    const [slow, quick] = [moved("slow", 1), moved("quick", 2)]
    const saw: Saw = { command: "look", outcome: Result.fail(" quick") }
    const undecided = SerialOrder.explain([slow, quick, saw], names, { limit: 0 })
    expect(undecided).toEqual(
      Result.fail({
        _tag: "Undecided",
        limit: 0,
        operation: saw,
        expected: Result.fail(" slow quick"),
        waitsFor: undefined,
        placed: [slow, quick]
      })
    )
  })
})
