import { beforeAll, describe, expect, it } from "@effect/vitest"
import { messagesOf, messagesOfAll } from "../../support/compiler.ts"

// What the compiler prints about the commonest mistakes with a reactor: one message, and it names the mistake.

const head = `
import { Aggregate, Executor, Reactor } from "@hexfold/core"
import { Context, Effect, Layer, Schema } from "effect"

class Freed extends Schema.TaggedClass<Freed>()("Freed", { places: Schema.Int }) {}
class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}
const Course = Aggregate.make("Course", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  events: [Freed, Closed],
  evolve: { Freed: (free, { places }) => free + places, Closed: () => 0 }
})
class Mails extends Context.Service<Mails, { readonly send: (to: string) => Effect.Effect<void> }>()("Mails") {}
const mailing = Reactor.make("Mailing", {
  from: [Course],
  start: "now",
  on: { Freed: (_, { id }) => Mails.use(({ send }) => send(id)) }
})
declare const stores: Layer.Layer<Reactor.Stores>
`

const reactor = (members: string, start = `start: "beginning",`) =>
  `Reactor.make("R", { from: [Course], ${start} ${members} })`
const on = "on: { Freed: () => Effect.void }"

const right = [
  reactor(on),
  reactor("on: { Freed: ({ places }) => Effect.log(places), Closed: () => Effect.fail('no') }"),
  reactor(`on: { "Course/Freed": ({ places }) => Effect.log(places), "*": ({ _tag }) => Effect.log(_tag) }`),
  reactor(`key: ({ _tag }, { id }) => id + _tag, ${on}`),
  reactor(on, "start: { after: 7 },"),
  "Layer.launch(Reactor.layer([mailing])).pipe(Effect.provide(stores), Effect.provideService(Mails, { send: () => Effect.void }), Effect.runFork)"
].join("\n")

const programs = {
  "a handler of no event": reactor("on: { Fred: () => Effect.void }"),
  "a handler of no event beside a right one": reactor("on: { Freed: () => Effect.void, Open: () => Effect.void }"),
  "a field that the event does not have": reactor("on: { Freed: ({ place }) => Effect.log(place) }"),
  "a handler that is no effect": reactor("on: { Freed: ({ places }) => places }"),
  "an async handler": reactor("on: { Freed: async () => {} }"),
  "no start": reactor(on, ""),
  "an unknown start": reactor(on, `start: "today",`),
  "a start that is a number": reactor(on, "start: 7,"),
  "a key that is no text": reactor(`key: ({ _tag }) => _tag.length, ${on}`),
  "an unknown policy": reactor(`onPoison: "drop", ${on}`),
  "a missing service of a layer": "Effect.runFork(Layer.launch(Reactor.layer([mailing]).pipe(Layer.provide(stores))))",
  "a missing service of a job": "Effect.runFork(Effect.provide(Reactor.catchUp(mailing), stores))",
  "a missing service of a retry": "Effect.runFork(Effect.provide(Reactor.retryParked(mailing), stores))"
} as const

// Each is a part of the first two lines of the message.
const expected: Readonly<Record<keyof typeof programs, string>> = {
  "a handler of no event": "no source has an event with the tag Fred",
  "a handler of no event beside a right one": "no source has an event with the tag Open",
  "a field that the event does not have": "Property 'place' does not exist on type 'Freed'",
  "a handler that is no effect": "Type 'number' is not assignable to type 'Effect<unknown, unknown, unknown>'",
  "an async handler": "Type '() => Promise<void>' is not assignable",
  "no start": "Property 'start' is missing",
  "an unknown start": `Type '"today"' is not assignable to type 'Start'`,
  "a start that is a number": "Type 'number' is not assignable to type 'Start'",
  "a key that is no text": "Type 'number' is not assignable to type 'string'",
  "an unknown policy": `Type '"drop"' is not assignable to type 'OnPoison'`,
  "a missing service of a layer": "Type 'Mails' is not assignable to type 'never'",
  "a missing service of a job": "Type 'Mails' is not assignable to type 'never'",
  "a missing service of a retry": "Type 'Mails' is not assignable to type 'never'"
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
      expect(messages[name][0]!.split("\n").slice(0, 2).join("\n")).toContain(expected[name])
    })
  }
})
