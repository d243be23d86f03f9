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

const event = (data: number, position: number): EventStore.RecordedEvent<number> => ({
  id: `event-${position}`,
  streamId: StreamId.make("Stock", "a"),
  version: position,
  position,
  type: "Taken",
  data,
  metadata: { correlationId: "c", causationId: "c" },
  recordedAt: DateTime.makeUnsafe(0),
  imported: false
})

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
    const operations = [taken(6, 1), taken(6, 2)]
    expect(SerialOrder.explain(operations, model)).toEqual(
      Result.fail({ operation: operations[1], expected: Result.fail("only 4") })
    )
  })

  it("is not explained by a rejection on a state that never was", () => {
    const never = rejected(9, 8)
    expect(SerialOrder.explain([taken(4, 1), never], model)).toEqual(
      Result.fail({ operation: never, expected: Result.fail("only 6") })
    )
  })

  it("is not explained by a rejection on a state from before the command began", () => {
    const late = rejected(9, 6, 2)
    expect(SerialOrder.explain([taken(4, 1), taken(1, 2), late], model)).toEqual(
      Result.fail({ operation: late, expected: Result.fail("only 5") })
    )
  })

  it("is not explained when a command took effect before it began", () => {
    const early = taken(1, 1, 2)
    expect(SerialOrder.explain([early, taken(1, 2)], model)).toEqual(
      Result.fail({ operation: early, expected: Result.succeed([1]) })
    )
  })
})
