import { describe, expect, it } from "vitest"
import { type Seen, see } from "../src/kills/accounts.ts"
import { check, type Remains } from "../src/kills/check.ts"
import type { Command, Event, Line } from "../src/kills/lines.ts"

const event = (position: number, version: number, token: string, fields: Partial<Event> = {}): Event => ({
  ...{ stream: "Account-a", version, position, id: `event ${position}`, type: "Deposited", amount: 10, token },
  ...fields
})
const deposit = (token: string, hasId = true): Command => ({ kind: "deposit", token, hasId, from: "a", amount: 10 })
const transfer: Command = { kind: "transfer", token: "t-2", hasId: true, from: "a", to: "b", amount: 10 }

const log = [
  event(1, 1, "t-1"),
  event(2, 2, "t-2", { type: "Withdrawn" }),
  event(3, 1, "t-2", { stream: "Account-b" }),
  event(4, 3, "t-3")
]
const eventsOf = (token: string) => log.filter((event) => event.token === token)
const lines: ReadonlyArray<Line> = [
  { _tag: "Sent", command: deposit("t-1"), at: 1 },
  { _tag: "Receipt", token: "t-1", sentAt: 1, at: 2, isRepeated: false, events: eventsOf("t-1") },
  { _tag: "Sent", command: transfer, at: 3 },
  { _tag: "Receipt", token: "t-2", sentAt: 3, at: 4, isRepeated: false, events: eventsOf("t-2") },
  { _tag: "Sent", command: transfer, at: 5 },
  { _tag: "Receipt", token: "t-2", sentAt: 5, at: 6, isRepeated: true, events: eventsOf("t-2") },
  { _tag: "Sent", command: deposit("t-3", false), at: 7 },
  { _tag: "Receipt", token: "t-3", sentAt: 7, at: 8, isRepeated: false, events: eventsOf("t-3") },
  { _tag: "Sent", command: deposit("t-4", false), at: 9 },
  { _tag: "Refused", token: "t-4", sentAt: 9, at: 10, error: "Poor" }
]
const records = new Map<string, ReadonlyMap<string, Seen>>([
  [
    "Balances",
    new Map([
      ["a", see(see(see(undefined, 10, 1), -10, 2), 10, 4)],
      ["b", see(undefined, 10, 3)]
    ])
  ],
  ["Total", new Map([["all", see(see(see(see(undefined, 10, 1), -10, 2), 10, 3), 10, 4)]])]
])
const followed = new Map([["one", log]])
const remains: Remains = { lines, log, followed, records }

const problems = (changed: Partial<Remains>) => check({ ...remains, ...changed }).problems
const changed = (i: number, line: Partial<Line>) =>
  lines.map((one, at) => (at === i ? ({ ...one, ...line } as Line) : one))

describe("the check of a round of kills", () => {
  it("finds nothing in a round in which all is well", () => {
    expect(check(remains)).toEqual({
      problems: [],
      figures: { commands: 4, transfers: 1, sent: 5, receipts: 4, repeats: 1, refused: 1, open: 0, events: 4 }
    })
  })

  // Each row is one mistake of a store, and the beginning of what is told of it.
  it.each<[string, string, Partial<Remains>]>([
    ["a receipt that is not in the log", "lost: the receipt of t-3", { log: log.slice(0, 3) }],
    ["half of a transfer", "doubled or torn: transfer t-2", { log: log.filter(({ position }) => position !== 3) }],
    ["a command done twice", "doubled or torn: deposit t-3", { log: [...log, event(5, 4, "t-3")] }],
    ["an event id twice", "doubled: the event id", { log: [...log.slice(0, 3), { ...log[3]!, id: "event 1" }] }],
    ["a gap in a stream", "versions: Account-a has version 4", { log: [...log.slice(0, 3), event(4, 4, "t-3")] }],
    ["a position that falls", "order: position 3 comes after 3", { log: [...log.slice(0, 3), event(3, 3, "t-3")] }],
    [
      "an account that is overdrawn",
      "overdrawn: Account-a",
      { log: [event(1, 1, "t-1", { type: "Withdrawn", amount: 101 })] }
    ],
    [
      "a receipt with another position",
      "changed: the receipt of t-1",
      { lines: changed(1, { events: [event(9, 1, "t-1")] }) }
    ],
    ["a second receipt that differs", "repeat: two receipts of t-2", { lines: changed(5, { events: [log[1]!] }) }],
    ["two first receipts", "doubled: two receipts of t-2", { lines: changed(5, { isRepeated: false }) }],
    [
      "a command that is refused after its receipt",
      "repeat: t-2 was refused",
      { lines: changed(5, { _tag: "Refused", error: "Poor" }) }
    ],
    ["an effect of a refused command", "invented: t-4 was refused", { log: [...log, event(5, 4, "t-4")] }],
    [
      "an error that no kill explains",
      "unexpected: t-4",
      { lines: changed(9, { _tag: "Unexpected", error: "a defect" }) }
    ],
    [
      "a command that overtakes one that ended before it was sent",
      "real time: Account-a version 1",
      { lines: changed(0, { at: 20 }) }
    ],
    ["a follower that misses an event", "follower one: event 2", { followed: new Map([["one", log.toSpliced(1, 1)]]) }],
    [
      "a follower that sees an event twice",
      "follower one: event 5",
      { followed: new Map([["one", [...log, log[3]!]]]) }
    ],
    [
      "a view that has applied an event twice",
      "view Total: all",
      { records: new Map([["Total", new Map([["all", see(records.get("Total")!.get("all"), 10, 4)]])]]) }
    ],
    [
      "a view without a record",
      "view Balances: b",
      { records: new Map([["Balances", new Map([...records.get("Balances")!].slice(0, 1))]]) }
    ]
  ])("finds %s", (_, problem, change) => {
    expect(problems(change).filter((text) => text.startsWith(problem))).not.toEqual([])
  })
})
