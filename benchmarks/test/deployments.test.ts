import { describe, expect, it } from "vitest"
import { check, type Remains } from "../src/deployments/check.ts"
import type { Observed } from "../src/deployments/lines.ts"
import { one, two } from "../src/deployments/views.ts"
import type { Event } from "../src/kills/lines.ts"

const event = (position: number, version: number, account = "a"): Event => ({
  ...{ stream: `Account-${account}`, version, position, id: `event ${position}`, type: "Deposited", amount: 10 },
  token: `t-${position}`
})
const log = [event(1, 1), event(2, 2), event(3, 1, "b"), event(4, 3)]

/** The record after deposits at positions. */
const ones = (...positions: ReadonlyArray<number>) =>
  positions.reduce<ReturnType<typeof one> | undefined>((before, position) => one(before, 10, position), undefined)!
const twos = (...positions: ReadonlyArray<number>) =>
  positions.reduce<ReturnType<typeof two> | undefined>((before, position) => two(before, 10, position), undefined)!

type Read = Observed & { readonly _tag: "Read" }
const second = 1e9
const read = (at: number, fields: Partial<Read>): Read => ({
  ...{ _tag: "Read", version: 1, view: "Balances", sentAt: (at - 0.1) * second, at: at * second, keys: ["a", "b"] },
  states: {},
  ...fields
})

const byKey = read(1, { states: { a: ones(1, 2) }, positions: [2] })
const byQuery = read(2, { keys: "all", states: { a: ones(1, 2), b: ones(3) } })
const inline = read(3, { view: "Ledger", states: { a: ones(1, 2, 4), b: ones(3) }, positions: [4] })
const waited = read(4, { version: 2, view: "Sum", keys: ["all"], states: { all: twos(1, 2, 3, 4) }, waited: 4 })
const whole = { a: twos(1, 2, 4), b: twos(3) }

const remains: Remains = {
  log,
  lines: [{ _tag: "Receipt", token: "t-4", sentAt: 0, at: 2 * second, isRepeated: false, events: [log[3]!] }],
  observed: [byKey, byQuery, inline, waited],
  leftAfter: 3_000,
  last: new Map([["Ledger", whole]])
}

const problems = (changed: Partial<Remains>) => check({ ...remains, ...changed }).problems
const notServing = (at: number, reason: string): Observed => ({
  ...{ _tag: "NotServing", version: 1, view: "Balances", sentAt: (at - 0.1) * second, at: at * second, reason }
})

describe("the check of what a round of deployments has left behind", () => {
  it("finds nothing in a round in which every read was right", () => {
    expect(check(remains)).toEqual({
      problems: [],
      figures: { reads: 4, waits: 1, "not serving": 0, unavailable: 0 }
    })
  })

  it("allows records without an event that was committed after the read, and versions that nobody has worked on", () => {
    const before = read(1, { view: "Ledger", states: { a: ones(1, 2), b: ones(3) }, positions: [4] })
    const left = [byKey, notServing(4.5, "left"), notServing(4.6, "building"), read(5, { ...byQuery, at: 5 * second })]
    expect(problems({ observed: [before] })).toEqual([])
    expect(problems({ observed: [notServing(0.5, "unbuilt"), byKey] })).toEqual([])
    expect(problems({ observed: left })).toEqual([])
  })

  it.each<readonly [string, string, ReadonlyArray<Observed>]>([
    ["a record of the other version", "wrong: Balances, version 1: a", [{ ...byKey, states: { a: twos(1, 2) } }]],
    ["an event that was applied twice", "wrong: Balances, version 1: a", [{ ...byKey, states: { a: ones(1, 2, 2) } }]],
    ["an event that was left out", "wrong: Balances, version 1: a", [{ ...byKey, states: { a: ones(1, 4) } }]],
    ["events in another order", "wrong: Balances, version 1: a", [{ ...byKey, states: { a: ones(2, 1) } }]],
    ["a record after its position", "early: Balances, version 1: a", [{ ...byKey, positions: [1] }]],
    ["a record before its position", "missing: Balances, version 1: a", [{ ...byKey, positions: [4] }]],
    [
      "a record of a query that is older than the others",
      "missing: Balances, version 1: a",
      [{ ...byQuery, states: { a: ones(1), b: ones(3) } }]
    ],
    [
      "an inline record without an event that had its receipt",
      "missing: Ledger, version 1: a",
      [{ ...inline, states: { a: ones(1, 2), b: ones(3) } }]
    ],
    [
      "a record without the event that was waited for",
      "missing: Sum, version 2: all",
      [{ ...waited, states: { all: twos(1, 2, 3) } }]
    ],
    [
      "a record that was newer before",
      "fallen: Balances, version 1: a",
      [byKey, read(2, { states: { a: ones(1) }, positions: [1] })]
    ],
    [
      "a version that has stopped to answer",
      "not serving: Balances, version 1: it says building",
      [byKey, notServing(2, "building")]
    ],
    [
      "a version that was left too early",
      "not serving: Balances, version 1: it says left",
      [byKey, { _tag: "Alive", version: 1, at: 2 * second }, notServing(3.9, "left")]
    ],
    [
      "a version that is not built any more",
      "not serving: Balances, version 1: it says unbuilt",
      [byKey, notServing(9, "unbuilt")]
    ],
    [
      "a version that was built and does not answer",
      "not serving: Balances, version 1: it says building",
      [{ _tag: "Done", version: 1, view: "Balances", at: second }, notServing(2, "building")]
    ],
    [
      "an error that no kill explains",
      "unexpected: Balances, version 1: a defect",
      [{ _tag: "Unexpected", version: 1, view: "Balances", sentAt: 0, at: 1, error: "a defect" }]
    ]
  ])("finds %s", (_, problem, observed) => {
    expect(problems({ observed }).filter((text) => text.startsWith(problem))).not.toEqual([])
  })

  it("finds a record that the end of the log does not make", () => {
    const last = new Map([["Ledger", { ...whole, a: twos(1, 2) }]] as const)
    expect(problems({ last })).toEqual([expect.stringMatching(/^at the end: Ledger: a is /)])
  })
})
