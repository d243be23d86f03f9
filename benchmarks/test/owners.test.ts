import { type EventStore, View } from "@hexfold/core"
import { DateTime } from "effect"
import { describe, expect, it } from "vitest"
import { check, type Left, type Remains } from "../src/owners/check.ts"
import { type Row, rowsOf, sliceOf } from "../src/owners/log.ts"
import { Declaration, foldsOf } from "../src/owners/views.ts"

const row = (declaration: string, step: number, activity: string, role: string): Row => ({
  ...{ id: `${declaration}-${step}`, declaration, step, activity, role, cents: 100 * step },
  at: "2017-01-09T09:49:50.000+01:00"
})
const rows = [
  row("a", 1, "Declaration SUBMITTED by EMPLOYEE", "EMPLOYEE"),
  row("b", 1, "Declaration SUBMITTED by EMPLOYEE", "EMPLOYEE"),
  row("a", 2, "Declaration FINAL_APPROVED by SUPERVISOR", "SUPERVISOR"),
  row("a", 3, "Payment Handled", "UNDEFINED")
]
const types = ["Claimed", "Claimed", "Judged", "Paid"] as const
const metadata = { correlationId: "c", causationId: "c" }

/** The event of a row. Some positions stay unused. */
const event = ({ declaration, id, ...data }: Row, i: number): EventStore.RecordedEvent => ({
  ...{
    id,
    streamId: Declaration.streamId(declaration),
    type: types[i]!,
    schemaVersion: 1,
    data,
    metadata,
    imported: false
  },
  ...{ version: data.step, position: 2 * i + 1, recordedAt: DateTime.makeUnsafe(i) }
})
const log = rows.map(event)

const givens = rows.flatMap(({ declaration, id: _, ...data }, i) =>
  View.given(Declaration, declaration, { _tag: types[i]!, ...data }).map((given) => ({ ...given, position: 2 * i + 1 }))
)

type Generation = Left["generations"][number]
type Part = Generation["parts"][number]

const part: Part = {
  ...{ epoch: 3, position: 7, owner: undefined, unownedFor: undefined, failure: undefined, throughput: undefined }
}
const generation: Generation = { version: 1, build: 1, serves: true, inline: false, parts: [part] }
const generationOf = (name: string): Generation =>
  name === "Steps"
    ? { ...generation, parts: [part, part] }
    : { ...generation, inline: name === "Histories" || name === "Roles" }

const views: Remains["views"] = new Map(
  [...foldsOf(givens)].map(([name, records]) => [
    name,
    { records, generations: [generationOf(name)], deadLetters: 0, verified: { different: 0, unjudged: 0 } }
  ])
)
const remains: Remains = { rows, log, views }

/** The problems after a change of what is left of a view. */
const problems = (name: string, changed: Partial<Left>): ReadonlyArray<string> =>
  check({ ...remains, views: new Map([...views, [name, { ...views.get(name)!, ...changed }]]) }).problems

const recordsOf = (name: string) => new Map(views.get(name)!.records)
const without = (name: string, key: string) => {
  const records = recordsOf(name)
  if (!records.delete(key)) throw new Error(`${name} has no ${key}`)
  return records
}
const changed = (name: string, key: string, change: object) => {
  const record = recordsOf(name).get(key) as object
  return recordsOf(name).set(key, { ...record, ...change })
}

describe("the check of what a round of kills of owners has left behind", () => {
  it("finds nothing in a round that is right", () => {
    expect(check(remains)).toEqual({ problems: [], figures: { events: 4, records: 4 + 1 + 6 + 2 + 3 } })
  })

  it.each<readonly [string, string, string, Partial<Left>]>([
    [
      "a record with another value",
      "wrong: Months",
      "Months",
      { records: changed("Months", "EMPLOYEE", { cents: 1 }) }
    ],
    ["a record with a value more", "wrong: Steps: a", "Steps", { records: changed("Steps", "a", { more: null }) }],
    [
      "an event that was applied twice",
      "wrong: Histories: a",
      "Histories",
      { records: changed("Histories", "a", { count: 4 }) }
    ],
    ["a record that is missing", "missing: Roles: SUPERVISOR", "Roles", { records: without("Roles", "SUPERVISOR") }],
    [
      "a record too many",
      "too many: Payments: 2018-01",
      "Payments",
      { records: recordsOf("Payments").set("2018-01", 1) }
    ],
    [
      "a position that stands still",
      "position: Months, part 0 is at 5, the log ends at 7",
      "Months",
      { generations: [{ ...generation, parts: [{ ...part, position: 5 }] }] }
    ],
    [
      "a part whose position stands still",
      "position: Steps, part 1 is at 0",
      "Steps",
      { generations: [{ ...generation, parts: [part, { ...part, position: 0 }] }] }
    ],
    [
      "an inline view that stands still",
      "position: Roles, part 0 is at 3",
      "Roles",
      { generations: [{ ...generationOf("Roles"), parts: [{ ...part, position: 3 }] }] }
    ],
    ["an inline view that appends do not maintain", "inline: ", "Roles", { generations: [generation] }],
    ["a view that does not answer", "not serving: Steps", "Steps", { generations: [{ ...generation, serves: false }] }],
    ["another build", "generations: Months", "Months", { generations: [generation, { ...generation, build: 2 }] }],
    ["a view that was never built", "generations: Months has 0", "Months", { generations: [] }],
    ["dead letters", "dead letters: Steps has 1", "Steps", { deadLetters: 1 }],
    ["what verify finds", "verify: Steps: 1 records differ", "Steps", { verified: { different: 1, unjudged: 0 } }],
    [
      "what verify cannot judge",
      "verify: Steps: 0 records differ, 2",
      "Steps",
      { verified: { different: 0, unjudged: 2 } }
    ]
  ])("finds %s", (_, problem, name, change) => {
    expect(problems(name, change)).toEqual([expect.stringContaining(problem)])
  })

  it("finds rows that are not in the log, are there twice or with other values, and events without a row", () => {
    const of = (change: Partial<Remains>) => check({ ...remains, ...change, views: new Map() }).problems
    expect(of({ log: log.slice(0, 3) })).toContainEqual(expect.stringMatching(/^log: a, step 3 is nothing/))
    expect(of({ log: [...log, { ...log[3]!, position: 9 }] })).toContainEqual("log: a, step 3 is there twice")
    expect(of({ rows: rows.slice(0, 3) })).toContainEqual("log: a, step 3 is no row")
    expect(of({ rows: rows.map((each) => ({ ...each, cents: 7 })) })).toContainEqual(
      expect.stringMatching(/^log: b, step 1 is .* the row says /)
    )
  })

  it("finds a view of which nothing is left", () => {
    const others = new Map([...views].filter(([name]) => name !== "Steps"))
    expect(check({ ...remains, views: others }).problems).toEqual(["missing: the view Steps"])
  })
})

describe("the slice of a log", () => {
  it("is the same for a seed, and has all rows of its declarations in their order", () => {
    const all = rowsOf(undefined)
    const slice = sliceOf(all, 17)
    expect(sliceOf(rowsOf(undefined), 17)).toEqual(slice)
    const declarations = new Set(slice.map(({ declaration }) => declaration))
    expect(slice).toEqual(all.filter(({ declaration }) => declarations.has(declaration)))
    expect(declarations.size).toBeGreaterThanOrEqual(1_000)
    expect(sliceOf(all, 18)).not.toEqual(slice)
  })
})
