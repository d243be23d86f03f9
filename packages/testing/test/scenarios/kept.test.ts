import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
import { Scenario } from "@hexfold/testing"
import { DateTime, Result, Schema } from "effect"
import { describe, expect, it } from "vitest"

// The JSON of a list of dates is a list of texts too.
const Days = Schema.Union([Schema.Array(Schema.String), Schema.Array(Schema.Date)])
const dates = [new Date("2026-01-05T00:00:00Z")]

class Plan extends Schema.TaggedClass<Plan>()("Plan", { days: Days, count: Schema.Number }) {}
class Planned extends Schema.TaggedClass<Planned>()("Planned", {
  days: Days,
  count: Schema.Int,
  at: Schema.DateTimeUtc
}) {}
class Named extends Schema.TaggedClass<Named>()("Named", { name: Schema.String }) {}
class Full extends Schema.TaggedError<Full>()("Full", { days: Days, count: Schema.Int }) {}
class Agenda extends Schema.Class<Agenda>("Agenda")({ days: Days, at: Schema.NullOr(Schema.DateTimeUtc) }) {
  get isFull(): boolean {
    return this.days.length > 2
  }
}

const at = DateTime.makeUnsafe("2026-01-05T09:00:00Z")
// The compiler lets a plain object pass for an instance with the same fields, so the getter is left out here.
const agenda = (fields: Pick<Agenda, "at" | "days">) => fields as Agenda

const Calendar = Aggregate.make("Calendar", {
  id: Schema.String,
  state: Agenda,
  initial: agenda({ days: [], at: null }),
  commands: [Plan],
  events: [Planned, Named],
  errors: [Full],
  decide: {
    Plan: ({ count, days }, state) =>
      count > 9 || state.isFull
        ? Decision.reject(new Full({ days, count: 9 }))
        : Decision.accept({ _tag: "Planned" as const, days, count, at })
  },
  evolve: {
    Planned: (_, { at, days }) => agenda({ days, at }),
    Named: (_, { name }) => agenda({ days: dates.map((day) => (name === "dates" ? day : name)) as never, at: null })
  }
})

const planned = (days: Planned["days"], count = 1) => ({ _tag: "Planned", days, count, at }) as const
const plan = (days: Planned["days"], count = 1) => new Plan({ days, count })
const calendar = Scenario.of(Calendar)

const Both = Boundary.make("Both", {
  command: Plan,
  participants: () => ({ mine: Calendar.at("a"), theirs: [Calendar.at("b"), Calendar.at("c")] }),
  errors: [Full],
  decide: ({ count, days }) =>
    count > 9
      ? Decision.reject(new Full({ days, count: 9 }))
      : Decision.all({
          mine: Decision.nothing,
          theirs: [Decision.nothing, Decision.accept({ _tag: "Planned" as const, days, count, at })]
        })
})
const both = Scenario.of(Both)

const Agendas = View.make("Agendas", {
  from: [Calendar],
  state: Agenda,
  evolve: {
    Planned: (before, { days }) => agenda({ days: before?.isFull === true ? [] : days, at }),
    Named: (before) => agenda({ days: before?.days ?? dates, at })
  }
})
const agendas = Scenario.of(Agendas)

const messageOf = (scenario: () => void): string => {
  try {
    scenario()
  } catch (failure) {
    if (failure instanceof Scenario.ScenarioFailure) return failure.message
    throw failure
  }
  return expect.fail("the scenario passed")
}

const changed = "would be changed: .days[0] is a Date and would be read back as a string"
const notWhole = 'breaks its schema: Expected an integer\n  at ["count"]'

describe("an aggregate's scenario refuses", () => {
  it("a given event that a store would change, that breaks its schema, or that is not declared", () => {
    const when = (event: Planned | Named) => () => calendar.given(event).when(plan([])).thenNothing()
    expect(messageOf(when(planned(dates)))).toBe(`the given event Planned of Calendar ${changed}`)
    expect(messageOf(when(planned([], 0.5)))).toBe(`the given event Planned of Calendar ${notWhole}`)
    expect(messageOf(when(new Named({ name: "a\0" })))).toBe(
      "the given event Named of Calendar cannot be stored: .name: contains NUL"
    )
    expect(messageOf(when({ _tag: "Moved" } as never))).toBe(
      "the given event Moved is not declared by Calendar, which declares Planned, Named"
    )
    expect(messageOf(when("Planned" as never))).toContain("the given event without a tag is not declared by Calendar")
  })

  it("a decided event that a store would change, or that breaks its schema, whatever is expected", () => {
    expect(messageOf(() => calendar.when(plan(dates)).then(planned(dates)))).toBe(
      `Plan causes: the event Planned of Calendar ${changed}`
    )
    expect(messageOf(() => calendar.when(plan([], 0.5)).thenNothing())).toBe(
      `Plan causes: the event Planned of Calendar ${notWhole}`
    )
  })

  it("an error that would be changed", () => {
    expect(messageOf(() => calendar.when(plan(dates, 10)).thenNothing())).toBe(
      `Plan is rejected: the error Full of Calendar ${changed}`
    )
  })

  it("a state that would be changed, after a given event and after a decided one", () => {
    expect(
      messageOf(() =>
        calendar
          .given(new Named({ name: "dates" }))
          .when(plan([]))
          .thenNothing()
      )
    ).toBe(`the state of Calendar after Named ${changed}`)
    const Changing = { ...Calendar, evolve: () => agenda({ days: dates as never, at: null }) }
    const when = Scenario.of(Changing).when(plan(["monday"]))
    expect(messageOf(() => when.thenNothing())).toContain("Plan caused other events")
    expect(messageOf(() => when.then(planned(["monday"])))).toBe(`the state of Calendar after Planned ${changed}`)
    expect(messageOf(() => when.when(plan([])))).toBe(`the state of Calendar after Planned ${changed}`)
    const initial = { ...Calendar, initial: agenda({ days: dates as never, at: null }) }
    expect(messageOf(() => Scenario.of(initial).when(plan([])))).toBe(`the initial state of Calendar ${changed}`)
  })

  it("an expected event and an expected error that cannot be", () => {
    const when = calendar.when(plan([]))
    expect(messageOf(() => when.then(planned([], 0.5)))).toBe(`the expected event Planned of Calendar ${notWhole}`)
    expect(messageOf(() => when.then({ _tag: "Moved" } as never))).toBe(
      "the expected event Moved is not declared by Calendar, which declares Planned, Named"
    )
    const { thenRejected } = calendar.when(plan([], 10))
    expect(messageOf(() => thenRejected({ _tag: "Gone" } as never))).toBe(
      "the expected error Gone is not declared by Calendar, which declares Full"
    )
  })

  it("an error that is not declared", () => {
    const { decide: _, ...rest } = Calendar
    const Undeclared = { ...rest, decide: () => Decision.reject({ _tag: "Gone" } as never) }
    expect(messageOf(() => Scenario.of(Undeclared).when(plan([])).thenNothing())).toBe(
      "Plan is rejected: the error Gone is not declared by Calendar, which declares Full"
    )
  })
})

describe("what is read back is what goes on", () => {
  it("so a plain object becomes an instance before the next step", () => {
    calendar
      .given(planned(["a", "b", "c"]))
      .when(plan([]))
      .thenRejected(new Full({ days: [], count: 9 }))
    calendar
      .when(plan(["a", "b", "c"]))
      .then(planned(["a", "b", "c"]))
      .when(plan([]))
      .thenRejected(new Full({ days: [], count: 9 }))
    agendas.given(Calendar.at("a"), planned(["a", "b", "c"]), planned(["d"])).then({ a: agenda({ days: [], at }) })
  })

  it("and evolve gets instances of events, given ones and decided ones", () => {
    class Set extends Schema.TaggedClass<Set>()("Set", { to: Schema.Int }) {}
    class WasSet extends Schema.TaggedClass<WasSet>()("WasSet", { to: Schema.Int }) {}
    const Light = Aggregate.make("Light", {
      id: Schema.String,
      state: Schema.Boolean,
      initial: true,
      commands: [Set],
      events: [WasSet],
      decide: {
        Set: ({ to }, wereInstances) =>
          wereInstances ? Decision.accept({ _tag: "WasSet" as const, to }) : Decision.nothing
      },
      evolve: { WasSet: (wereInstances, event) => wereInstances && event instanceof WasSet }
    })
    const plain = { _tag: "WasSet", to: 1 } as const
    Scenario.of(Light)
      .given(plain)
      .when(new Set({ to: 1 }))
      .then(plain)
      .when(new Set({ to: 1 }))
      .then(plain)
  })

  it("and the texts of equal values are equal, in whatever order their keys are", () => {
    class Counted extends Schema.TaggedClass<Counted>()("Counted", {
      counts: Schema.Record(Schema.String, Schema.Int)
    }) {}
    const Tally = Aggregate.make("Tally", {
      id: Schema.String,
      state: Schema.Null,
      initial: null,
      commands: [Schema.TaggedStruct("Count", {})],
      events: [Counted],
      decide: { Count: () => Decision.accept(new Counted({ counts: { a: 1, b: 2, ccc: 3 } })) },
      evolve: { Counted: () => null }
    })
    Scenario.of(Tally)
      .when({ _tag: "Count" })
      .then(new Counted({ counts: { ccc: 3, b: 2, a: 1 } }))
  })
})

describe("a boundary's scenario refuses", () => {
  it("a given event, also in a stream that is not read", () => {
    const given = both.given(Calendar.at("unread"), planned(dates))
    expect(messageOf(() => given.when(plan([])).thenNothing())).toBe(`the given event Planned of Calendar ${changed}`)
  })

  it("a decided event, an error, and a state", () => {
    expect(messageOf(() => both.when(plan(dates)).thenNothing())).toBe(
      `Plan causes in the role theirs: the event Planned of Calendar ${changed}`
    )
    expect(messageOf(() => both.when(plan(dates, 10)).thenNothing())).toBe(
      `Plan is rejected: the error Full of Both ${changed}`
    )
    const given = both.given(Calendar.at("b"), new Named({ name: "dates" }))
    expect(messageOf(() => given.when(plan([])).thenNothing())).toBe(`the state of Calendar after Named ${changed}`)
  })

  it("an expected event, an expected error and a role that cannot be", () => {
    const when = both.when(plan([]))
    expect(messageOf(() => when.then({ theirs: [[], [planned([], 0.5)]] }))).toBe(
      `expected in the role theirs: the event Planned of Calendar ${notWhole}`
    )
    expect(messageOf(() => when.then({ there: [planned([])] } as never))).toBe(
      "expected: there are events for the role there, that no stream plays (the roles are mine, theirs)"
    )
    expect(messageOf(() => when.thenRejected({ _tag: "Gone" } as never))).toBe(
      "the expected error Gone is not declared by Both, which declares Full"
    )
  })

  it("decided events for a role that an executor refuses", () => {
    const causing = (events: object) => Scenario.of({ ...Both, decide: () => Result.succeed(events as never) })
    expect(messageOf(() => causing({ there: [planned([])] }).when(plan([])))).toBe(
      "Plan causes: there are events for the role there, that no stream plays (the roles are mine, theirs)"
    )
    expect(messageOf(() => causing({ theirs: [[], [], [planned([])]] }).when(plan([])))).toContain(
      "there are events for the role theirs, that no stream plays"
    )
    const Reading = { ...Both, stages: () => [() => ({ mine: Boundary.readOnly(Calendar.at("a")) })] }
    const reading = Scenario.of({ ...Reading, decide: () => Result.succeed({ mine: [planned([])] } as never) })
    expect(messageOf(() => reading.when(plan([])))).toBe(
      "Plan causes: there are events for the role mine, that is only read"
    )
  })
})

describe("a view's scenario refuses", () => {
  it("a given event", () => {
    expect(messageOf(() => agendas.given(Calendar.at("a"), planned(dates)).thenNothing())).toBe(
      `the given event Planned of Calendar ${changed}`
    )
    expect(messageOf(() => agendas.given(Calendar.at("a"), { _tag: "Moved" } as never).thenNothing())).toBe(
      "the given event Moved is not declared by Calendar, which declares Planned, Named"
    )
  })

  it("a state that a store would change, also one that the next event replaces", () => {
    const given = agendas.given(Calendar.at("a"), new Named({ name: "a" }), planned(["monday"]))
    expect(messageOf(() => given.then({ a: agenda({ days: ["monday"], at }) }))).toBe(
      `Agendas: the state after Named of Calendar-a ${changed}`
    )
  })

  it("an expected record that cannot be", () => {
    const given = agendas.given(Calendar.at("a"), planned(["monday"]))
    expect(messageOf(() => given.then({ a: agenda({ days: dates, at }) }))).toBe(`the expected record "a" ${changed}`)
  })
})
