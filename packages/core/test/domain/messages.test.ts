import { beforeAll, describe, expect, it } from "@effect/vitest"
import { messagesOf, messagesOfAll } from "../support/compiler.ts"

// What the compiler prints about the commonest mistakes: one message, and its first line names the mistake.

const head = `
import { Aggregate, Boundary, Decision, Executor, Query, Topic, View } from "@hexfold/core"
import { Schema } from "effect"

class Add extends Schema.TaggedClass<Add>()("Add", { by: Schema.Int }) {}
class Clear extends Schema.TaggedClass<Clear>()("Clear", {}) {}
class Added extends Schema.TaggedClass<Added>()("Added", { by: Schema.Int }) {}
class Cleared extends Schema.TaggedClass<Cleared>()("Cleared", {}) {}
class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", {}) {}
class Undeclared extends Schema.TaggedError<Undeclared>()("Undeclared", {}) {}
class Forgotten extends Schema.TaggedError<Forgotten>()("Forgotten", { why: Schema.String }) {}
const State = Schema.Struct({ total: Schema.Int, last: Schema.NullOr(Schema.Struct({ by: Schema.Int })) })
const definition = {
  id: Schema.String,
  state: State,
  initial: { total: 0, last: null },
  commands: [Add, Clear],
  events: [Added, Cleared],
  errors: [TooLarge]
} as const
const decide = { Add: ({ by }: Add) => Decision.accept(new Added({ by })), Clear: () => Decision.accept(new Cleared()) }
const evolve = { Added: (state: typeof State.Type) => state, Cleared: (state: typeof State.Type) => state }
const Counter = Aggregate.make("Counter", { ...definition, decide, evolve })
const Rules = Aggregate.make("Rules", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  events: [Cleared],
  evolve: { Cleared: () => 0 }
})
class Bounced extends Schema.TaggedClass<Bounced>()("Bounced", { why: Schema.String }) {}
const Notices = Topic.make("Notices", { key: Schema.Int, events: [Added, Bounced] })
const Totals = View.make("Totals", {
  from: [Counter],
  state: Schema.Struct({ total: Schema.Int }),
  evolve: { Added: (state, { by }) => ({ total: (state?.total ?? 0) + by }) }
})
`

const aggregate = (members: string) => `Aggregate.make("Counter", { ...definition, ${members} })`
const boundary = (
  decide: string,
  members = "",
  participants = `({ id }) => ({ counter: Counter.at(id), many: [Counter.at(id)], rules: Boundary.readOnly(Rules.at(id)) })`
) => `
Boundary.make("Both", {
  command: Schema.TaggedStruct("Both", { id: Schema.String }),
  participants: ${participants},
  ${members}
  decide: ${decide}
})`
const view = (members: string) =>
  `View.make("Totals", { from: [Counter], state: Schema.Struct({ total: Schema.Int }), ${members} })`

const rejecting = "() => Decision.reject(new Undeclared())"
const rejectingTwo = "({ id }) => Decision.reject(id === '' ? new Undeclared() : new Forgotten({ why: id }))"

const right = [
  aggregate("decide, evolve"),
  boundary("() => Decision.accept()"),
  // An error that is declared before anything returns it is no mistake, as in an aggregate.
  boundary("() => Decision.nothing", "errors: [Undeclared],"),
  boundary(rejecting, "errors: [Undeclared, Forgotten],"),
  boundary(rejectingTwo, "errors: [Undeclared, Forgotten],")
].join("\n")

const programs = {
  "a command without a handler": aggregate("decide: { Add: decide.Add }, evolve"),
  "no decide": aggregate("evolve"),
  "an event without a handler": aggregate("decide, evolve: { Added: (state) => state }"),
  "a handler of no event": aggregate("decide, evolve: { ...evolve, Reset: (state) => state }"),
  "an undeclared event": aggregate(`decide: { ...decide, Clear: () => Decision.accept({ _tag: "Removed" }) }, evolve`),
  "an undeclared error": aggregate("decide: { ...decide, Clear: () => Decision.reject(new Undeclared()) }, evolve"),
  "an error of another command": aggregate(
    `errors: { Add: [Undeclared] }, decide: { ...decide, Clear: () => Decision.reject(new Undeclared()) }, evolve`
  ),
  "errors of no command": aggregate("errors: { Remove: [Undeclared] }, decide, evolve"),
  "an event without a field": aggregate(
    `decide: { ...decide, Clear: () => Decision.accept({ _tag: "Added" }) }, evolve`
  ),
  "an event with a wrong field": aggregate(
    `decide: { ...decide, Clear: () => Decision.accept({ _tag: "Added", by: "1" }) }, evolve`
  ),
  "an event with a surplus field": aggregate(
    `decide: { ...decide, Clear: () => Decision.accept({ _tag: "Added", by: 1, to: 2 }) }, evolve`
  ),
  "a misspelt field of a state": aggregate(
    "decide, evolve: { ...evolve, Added: (state, { by }) => ({ ...state, totl: state.total + by }) }"
  ),
  "a misspelt field below": aggregate(
    "decide, evolve: { ...evolve, Added: (state, { by }) => ({ ...state, last: { by, bye: 1 } }) }"
  ),
  "a misspelt field in a block": aggregate(
    "decide, evolve: { ...evolve, Added: (state, { by }) => { return { ...state, totl: by } } }"
  ),
  "a misspelt field of a record": view("evolve: { Added: (state, { by }) => ({ total: by, totl: 1 }) }"),
  "a view's handler of no event": view("evolve: { Aded: () => undefined }"),
  "a view's key without a tag": view(
    `key: { Added: () => "a" }, evolve: { Added: (state) => state, Cleared: (state) => state }`
  ),
  "a view's key with a tag too many": view(
    `key: { Added: () => "a", Cleared: () => "b" }, evolve: { Added: (state) => state }`
  ),
  "a forgotten Decision.all": boundary("({ id }, { counter }) => Counter.decide(new Clear(), counter)"),
  "a record of decisions without Decision.all": boundary(
    "({ id }, { counter }) => ({ counter: Counter.decide(new Clear(), counter) })"
  ),
  "an unknown role": boundary("() => Decision.all({ countr: Decision.accept(new Cleared()) })"),
  "a role that is only read": boundary("() => Decision.all({ rules: Decision.accept(new Cleared()) })"),
  "an event of another aggregate": boundary(`() => Decision.all({ counter: Decision.accept({ _tag: "Opened" }) })`),
  "a surplus field in a role": boundary(
    `() => Decision.all({ counter: Decision.accept({ _tag: "Added", by: 1, to: 2 }) })`
  ),
  "one decision for several streams": boundary("() => Decision.all({ many: Decision.accept(new Cleared()) })"),
  "several decisions for one stream": boundary("() => Decision.all({ counter: [Decision.accept(new Cleared())] })"),
  "a boundary's forgotten error": boundary(rejectingTwo, "errors: [Undeclared],"),
  "a boundary without its errors": boundary(rejecting),
  "two errors that a boundary forgot": boundary(rejectingTwo),
  "a boundary's error with another field": boundary(
    '() => Decision.reject({ _tag: "Forgotten", why: 1 })',
    "errors: [Forgotten],"
  ),
  "an error without a tag": boundary('() => Decision.reject("closed")'),
  "a stage that names an id": boundary(
    "() => Decision.nothing",
    "",
    "({ id }) => Boundary.discover({ counter: Counter.at(id) }, () => ({ rules: id }))"
  ),
  "a wrong field in a query": `Query.from(Totals, { where: ({ eq }) => eq("totl", 1) })`,
  "a wrong field among equalities": `Query.from(Totals, { where: { totl: 1 } })`,
  "a wrong value in a query": `Query.from(Totals, { where: { total: "1" } })`,
  "a command for a topic": `Executor.execute(Notices, 1, new Add({ by: 1 }))`,
  "the state of a topic": `Executor.load(Notices, 1)`,
  "a topic in a boundary": boundary("() => Decision.nothing", "", "() => ({ notices: Notices.at(1) })"),
  "an event that is published to an aggregate": `Executor.publish(Counter, "a", new Added({ by: 1 }))`,
  "a published event without a field": `Executor.publish(Notices, 1, { _tag: "Bounced" })`,
  "a published event with a wrong field": `Executor.publish(Notices, 1, { _tag: "Added", by: "1" })`,
  "a published event with a surplus field": `Executor.publish(Notices, 1, { _tag: "Added", by: 1, to: 2 })`,
  "one of several published events without a field": `Executor.publish(Notices, 1, [new Added({ by: 1 }), { _tag: "Bounced" }])`,
  "a version that is expected of a topic": `Executor.publish(Notices, 1, new Added({ by: 1 }), { expectedVersion: 1 })`
} as const

// The compiler puts two types before it says that a property is missing.
const expected: Readonly<Record<keyof typeof programs, string>> = {
  "a command without a handler": "Property 'Clear' is missing",
  "no decide": "Property 'decide' is missing",
  "an event without a handler": "Property 'Cleared' is missing",
  "a handler of no event": "no event has the tag Reset",
  "an undeclared event": "Counter has no event Removed",
  "an undeclared error": "Counter declares no error Undeclared",
  "an error of another command": "Counter.Clear declares no error Undeclared",
  "errors of no command": "Counter has no command Remove",
  "an event without a field": "the event Added lacks the field by",
  "an event with a wrong field": "the event Added has another type for the field by",
  "an event with a surplus field": "the event Added has no field to",
  "a misspelt field of a state": "the state has no field totl",
  "a misspelt field below": "the state has no field bye",
  "a misspelt field in a block": "the state has no field totl",
  "a misspelt field of a record": "the state has no field totl",
  "a view's handler of no event": "no source has an event with the tag Aded",
  "a view's key without a tag": "Property 'Cleared' is missing",
  "a view's key with a tag too many": "'Cleared' does not exist in type 'Key<\"Added\", ",
  "a forgotten Decision.all": "wrap it: Decision.all({ role: decision })",
  "a record of decisions without Decision.all": "wrap it: Decision.all({ role: decision })",
  "an unknown role": "the boundary has no role countr",
  "a role that is only read": "the role rules is read-only",
  "an event of another aggregate": "the role counter takes only events of Counter",
  "a surplus field in a role": "the role counter: the event Added has no field to",
  "one decision for several streams": "the role many takes a list of decisions, one for each of its streams",
  "several decisions for one stream": "the role counter takes one decision and not a list",
  "a boundary's forgotten error": '"Both declares no error Forgotten"',
  "a boundary without its errors": '"Both declares no error Undeclared"',
  "two errors that a boundary forgot": '"Both declares no error Forgotten; Both declares no error Undeclared"',
  "a boundary's error with another field": "the error Forgotten lacks a field, or a field has another type",
  "an error without a tag": "an error needs a _tag: make it with Schema.TaggedError",
  "a stage that names an id": "Type 'string' is not assignable to type 'Any | readonly Any[]'",
  "a wrong field in a query": "'\"totl\"' is not assignable to parameter of type '\"total\"'",
  "a wrong field among equalities": "'totl' does not exist in type 'Equalities<{ readonly total: number; }>",
  "a wrong value in a query": "Type 'string' is not assignable to type 'number'",
  "a command for a topic":
    "Argument of type 'Topic<\"Notices\", number, Added | Bounced>' is not assignable to parameter of type 'Target'",
  "the state of a topic":
    "Type 'Topic<\"Notices\", number, Added | Bounced>' is missing the following properties from type 'Aggregate<",
  "a topic in a boundary":
    "Type 'Keyed<\"Notices\", Added | Bounced>' is not assignable to type 'Any | readonly Any[]'",
  "an event that is published to an aggregate": "Property '_tag' is missing in type 'Aggregate<\"Counter\", ",
  "a published event without a field": "Property 'why' is missing",
  "a published event with a wrong field": "Type 'string' is not assignable to type 'number'",
  "a published event with a surplus field": "'to' does not exist in type",
  "one of several published events without a field": "Property 'why' is missing",
  "a version that is expected of a topic": "'expectedVersion' does not exist in type 'PublishOptions'"
}

let messages: Readonly<Record<keyof typeof programs, ReadonlyArray<string>>>

beforeAll(async () => {
  messages = await messagesOfAll(programs, head)
}, 60_000)

describe("the compiler", () => {
  it("accepts what is right", async () => {
    expect(await messagesOf(head + right)).toEqual([])
  }, 60_000)

  for (const name of Object.keys(expected) as Array<keyof typeof expected>) {
    it(`names ${name}`, () => {
      expect(messages[name]).toHaveLength(1)
      const lines = messages[name][0]!.split("\n")
      // One event or a list of events: it says first that it is neither.
      const line = name.startsWith("a published event with") ? lines.at(-1) : undefined
      expect(line ?? lines[expected[name].endsWith("is missing") ? 1 : 0]).toContain(expected[name])
    })
  }
})
