import { assert, describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Aggregate, Boundary, Decision, type EventStore, Executor, Reactor, Topic } from "@hexfold/core"
import { ReactorScenario } from "@hexfold/testing"
import { Context, Effect, Schema } from "effect"

class Freed extends Schema.TaggedClass<Freed>()("Freed", { places: Schema.Int }) {}
class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}
class Joined extends Schema.TaggedClass<Joined>()("Joined", { guest: Schema.String }) {}
class Invited extends Schema.TaggedClass<Invited>()("Invited", { guest: Schema.String }) {}
class Invite extends Schema.TaggedClass<Invite>()("Invite", {}) {}
class NobodyWaits extends Schema.TaggedError<NobodyWaits>()("NobodyWaits", { list: Schema.String }) {}
class InviteBoth extends Schema.TaggedClass<InviteBoth>()("InviteBoth", { a: Schema.String, b: Schema.String }) {}

const Course = Aggregate.make("Course", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  events: [Freed, Closed],
  evolve: { Freed: (free, { places }) => free + places, Closed: () => 0 }
})

const WaitingList = Aggregate.make("WaitingList", {
  id: Schema.String,
  state: Schema.Array(Schema.String),
  initial: [],
  commands: [Invite],
  events: [Joined, Invited],
  errors: [NobodyWaits],
  decide: {
    Invite: (_, [guest]) =>
      guest === undefined ? Decision.reject(new NobodyWaits({ list: "it" })) : Decision.accept(new Invited({ guest }))
  },
  evolve: { Joined: (waiting, { guest }) => [...waiting, guest], Invited: ([_, ...waiting]) => waiting }
})

const Both = Boundary.make("Both", {
  command: InviteBoth,
  participants: ({ a, b }) => ({ a: WaitingList.at(a), b: WaitingList.at(b) }),
  decide: () => Decision.all({ a: Decision.accept(new Invited({ guest: "x" })) })
})

class Mails extends Context.Service<Mails, { readonly send: (key: string) => Effect.Effect<void> }>()("Mails") {}

const invite = (id: string) => Executor.execute(WaitingList, id, new Invite())
const invited = (id: string) => ReactorScenario.command(WaitingList, id, new Invite())
const refused = (id: string) => ReactorScenario.rejected(invited(id), new NobodyWaits({ list: "it" }))

const reactorOf = <E, R>(handle: (places: number, id: string) => Effect.Effect<unknown, E, R>) =>
  Reactor.make("MoveUp", {
    from: [Course],
    start: "beginning",
    on: { Freed: ({ places }, { id }) => handle(places, id) }
  })

const MoveUp = reactorOf((places, id) => Effect.forEach(Array.from({ length: places }), () => invite(id)))

const waiting = ReactorScenario.of(MoveUp).given(WaitingList.at("a"), [
  new Joined({ guest: "anna" }),
  new Joined({ guest: "ben" })
])
const freed = (places: number) => new Freed({ places })

const failureOf = <E>(run: Effect.Effect<void, E>) =>
  Effect.map(Effect.flip(run), (failure) => {
    assert.instanceOf(failure, ReactorScenario.ScenarioFailure)
    return failure.message
  })

describe("a scenario of a reactor", () => {
  it.effect(
    "has the commands that the handler executes, in their order, with the answers of their targets",
    () =>
      waiting
        .when(Course.at("a"), freed(1))
        .then(invited("a"))
        .thenRepeats()
        .when(Course.at("a"), freed(1))
        .then(invited("a"))
        .thenRepeats()
        .when(Course.at("a"), freed(1))
        .thenFails(new NobodyWaits({ list: "it" }), refused("a"))
        .thenRepeats()
        .when(Course.at("a"), new Closed())
        .thenNothing().run
  )

  it.effect("says which commands are other ones", () =>
    Effect.gen(function* () {
      const when = waiting.when(Course.at("a"), freed(2))
      yield* when.then(invited("a"), invited("a")).run
      const others = [when.then(invited("a")), when.then(invited("a"), invited("b")), when.thenNothing()]
      for (const { run } of others) {
        expect(yield* failureOf(run)).toContain("the handler of Freed executed other commands")
      }
      expect(yield* failureOf(when.then(invited("a"), refused("a")).run)).toContain("NobodyWaits")
    })
  )

  it.effect("says that the handler has failed, or has not", () =>
    Effect.gen(function* () {
      const three = waiting.when(Course.at("a"), freed(3))
      expect(yield* failureOf(three.then(invited("a"), invited("a")).run)).toContain("the handler of Freed failed")
      const all = [invited("a"), invited("a"), refused("a")]
      expect(yield* failureOf(three.thenFails(new NobodyWaits({ list: "other" }), ...all).run)).toContain(
        "another error"
      )
      expect(yield* failureOf(waiting.when(Course.at("a"), freed(1)).thenFails("no", invited("a")).run)).toContain(
        "the handler of Freed did not fail"
      )
    })
  )

  it.effect("runs a handler with the services that the test gives, and with its key", () =>
    Effect.gen(function* () {
      const keys: Array<string> = []
      const mailing = reactorOf((_, id) =>
        Effect.gen(function* () {
          yield* invite(id)
          const key = yield* Reactor.key
          yield* Mails.use(({ send }) => send(key))
        })
      )
      const scenario = ReactorScenario.of(mailing)
        .given(WaitingList.at("a"), new Joined({ guest: "anna" }))
        .when(Course.at("a"), freed(1))
        .then(invited("a"))
      expectTypeOf(scenario.run).toEqualTypeOf<Effect.Effect<void, ReactorScenario.ScenarioFailure, Mails>>()
      const send = (key: string) => Effect.sync(() => void keys.push(key))
      yield* Effect.provideService(scenario.run, Mails, { send })
      expect(keys).toHaveLength(1)
      yield* Effect.provideService(scenario.thenRepeats().run, Mails, { send })
      // The first handling, the one that is repeated, and the one after a stop, which itself sends nothing.
      expect(keys).toHaveLength(4)
      expect(new Set(keys.slice(0, 3)).size).toBe(1)
    })
  )

  it.effect("takes commands to boundaries", () => {
    const both = new InviteBoth({ a: "a", b: "b" })
    return ReactorScenario.of(reactorOf(() => Executor.execute(Both, both)))
      .when(Course.at("a"), freed(1))
      .then(ReactorScenario.command(Both, both))
      .thenRepeats().run
  })

  it.effect("takes events of topics, and what is published to them", () => {
    const News = Topic.make("News", { key: Schema.String, events: [Closed, Freed] })
    const reactor = Reactor.make("Answer", {
      from: [News],
      start: "beginning",
      on: { Freed: ({ places }, { id }) => Executor.publish(News, id, places > 0 ? [new Closed()] : []) }
    })
    return ReactorScenario.of(reactor)
      .given(News.at("a"), new Closed())
      .when(News.at("a"), freed(1))
      .then(ReactorScenario.command(News, "a", new Closed()))
      .thenRepeats().run
  })

  it.effect("checks events on their way into the store", () =>
    Effect.gen(function* () {
      const { run } = waiting.when(Course.at("a"), { _tag: "Freed", places: 0.5 }).thenNothing()
      expect(yield* failureOf(run)).toContain("the event Freed of Course")
    })
  )
})

describe("the types of a scenario", () => {
  it("refuse events that are not of the stream, streams that are no source, and commands that the target does not have", () => {
    const wrong = () => [
      // @ts-expect-error -- a course has no such event
      waiting.given(Course.at("a"), new Joined({ guest: "anna" })),
      // @ts-expect-error -- the reactor does not read this aggregate
      waiting.when(WaitingList.at("a"), new Joined({ guest: "anna" })),
      // @ts-expect-error -- a waiting list has no such command
      ReactorScenario.command(WaitingList, "a", new InviteBoth({ a: "a", b: "b" })),
      // @ts-expect-error -- its ids are texts
      ReactorScenario.command(WaitingList, 7, new Invite())
    ]
    expectTypeOf(wrong).toBeFunction()
  })
})

describe("what is handled again", () => {
  const one = <E>(handle: (places: number, id: string) => Effect.Effect<unknown, E, EventStore.EventStore>) =>
    ReactorScenario.of(reactorOf(handle))
      .given(WaitingList.at("a"), new Joined({ guest: "anna" }), new Joined({ guest: "ben" }))
      .when(Course.at("a"), freed(1))

  it.effect("has no second effect because of an id that is another one each time", () =>
    Effect.gen(function* () {
      const handler = (_: number, id: string) =>
        Effect.suspend(() => Executor.execute(WaitingList, id, new Invite(), { commandId: crypto.randomUUID() }))
      const { run } = one(handler).then(invited("a")).thenRepeats()
      expect(yield* failureOf(run)).toContain("Freed, handled again, has a second effect")
    })
  )

  it.effect("has another effect after a stop, if the handler asks what its own commands have changed", () =>
    Effect.gen(function* () {
      const handler = (_: number, id: string) =>
        Effect.gen(function* () {
          const { state } = yield* Executor.load(WaitingList, id)
          if (state.length === 2) yield* Effect.forEach(state, () => invite(id))
        })
      const { run } = one(handler).then(invited("a"), invited("a")).thenRepeats()
      expect(yield* failureOf(run)).toContain("a handling that ended after command 1, has another effect")
    })
  )

  it.effect("fails if another command takes the place of one", () =>
    Effect.gen(function* () {
      let n = 0
      const handler = () => Effect.suspend(() => invite(n++ === 0 ? "a" : "b"))
      const { run } = one(handler).then(invited("a")).thenRepeats()
      const message = yield* failureOf(run)
      expect(message).toContain("the handler of Freed fails when it is run again")
      expect(message).toContain("CommandIdReused")
    })
  )
})
