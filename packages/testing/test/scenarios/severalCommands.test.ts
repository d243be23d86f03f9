import { Aggregate, Boundary, Decision } from "@hexfold/core"
import { Scenario } from "@hexfold/testing"
import { Schema } from "effect"
import { describe, expect, it } from "vitest"

class Put extends Schema.TaggedClass<Put>()("Put", { count: Schema.Int }) {}
class Take extends Schema.TaggedClass<Take>()("Take", { count: Schema.Int }) {}
class Added extends Schema.TaggedClass<Added>()("Added", { count: Schema.Int }) {}
class Taken extends Schema.TaggedClass<Taken>()("Taken", { count: Schema.Int }) {}
class TooFew extends Schema.TaggedError<TooFew>()("TooFew", { left: Schema.Int }) {}

const Shelf = Aggregate.make("Shelf", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Put, Take],
  events: [Added, Taken],
  errors: [TooFew],
  decide: {
    Put: ({ count }) => (count === 0 ? Decision.nothing : Decision.accept(new Added({ count }))),
    Take: ({ count }, left) =>
      count > left ? Decision.reject(new TooFew({ left })) : Decision.accept(new Taken({ count }))
  },
  evolve: { Added: (left, { count }) => left + count, Taken: (left, { count }) => left - count }
})

class Move extends Schema.TaggedClass<Move>()("Move", { from: Schema.String, to: Schema.String, count: Schema.Int }) {}

const MoveSome = Boundary.make("MoveSome", {
  command: Move,
  participants: ({ from, to }) => ({ from: Shelf.at(from), to: Shelf.at(to) }),
  errors: [TooFew],
  decide: ({ count }, { from }) =>
    count === 0
      ? Decision.nothing
      : from < count
        ? Decision.reject(new TooFew({ left: from }))
        : Decision.all({
            from: Decision.accept(new Taken({ count })),
            to: Decision.accept(new Added({ count }))
          })
})

const put = (count: number) => new Put({ count })
const take = (count: number) => new Take({ count })
const added = (count: number) => new Added({ count })
const taken = (count: number) => new Taken({ count })
const move = (from: string, to: string, count: number) => new Move({ from, to, count })

const shelf = Scenario.of(Shelf)
const moving = Scenario.of(MoveSome)

const messageOf = (scenario: () => void): string => {
  try {
    scenario()
  } catch (failure) {
    if (failure instanceof Scenario.ScenarioFailure) return failure.message
    throw failure
  }
  return expect.fail("the scenario passed")
}

describe("several commands of an aggregate", () => {
  it("are each decided on what the accepted ones before have left; a rejected one changes nothing", () => {
    shelf
      .given(added(2))
      .when(put(3))
      .then(added(3))
      .when(take(6))
      .thenRejected(new TooFew({ left: 5 }))
      .when(put(0))
      .thenNothing()
      .when(take(5))
      .then(taken(5))
      .when(take(1))
      .thenRejected(new TooFew({ left: 0 }))
  })

  it("may have events given between them", () => {
    shelf
      .when(put(1))
      .then(added(1))
      .given(added(2), taken(1))
      .when(take(3))
      .thenRejected(new TooFew({ left: 2 }))
      .given([added(1)])
      .when(take(3))
      .then(taken(3))
  })

  it("follow each other without a then if they are accepted", () => {
    shelf.when(put(1)).when(put(2)).when(put(0)).when(take(3)).then(taken(3))
    expect(messageOf(() => shelf.when(put(1)).when(take(2)).when(put(2)).then(added(2)))).toBe(
      `Take was rejected, and Put follows it: if that is meant, say thenRejected before Put

- "accepted"
+ {
+   "rejected": {
+     "_tag": "TooFew",
+     "left": 1
+   }
+ }

(- expected, + actual)`
    )
  })

  it("leave the scenario that they continue as it was", () => {
    const two = shelf.when(put(2)).then(added(2))
    two.when(take(2)).then(taken(2))
    two.when(take(2)).then(taken(2))
    shelf.when(take(1)).thenRejected(new TooFew({ left: 0 }))
  })
})

describe("several commands of a boundary", () => {
  it("are each decided on what the accepted ones have left in all streams", () => {
    moving
      .given(Shelf.at("a"), added(5))
      .when(move("a", "b", 3))
      .then({ from: [taken(3)], to: [added(3)] })
      .when(move("a", "b", 3))
      .thenRejected(new TooFew({ left: 2 }))
      .when(move("a", "b", 0))
      .thenNothing()
      .given(Shelf.at("b"), taken(1))
      .when(move("b", "c", 3))
      .thenRejected(new TooFew({ left: 2 }))
      .when(move("b", "c", 2))
      .when(move("c", "a", 2))
      .when(move("a", "d", 4))
      .then({ from: [taken(4)], to: [added(4)] })
      .when(move("a", "d", 1))
      .thenRejected(new TooFew({ left: 0 }))
  })

  it("follow each other without a then only if they are accepted", () => {
    const message = messageOf(() => moving.when(move("a", "b", 1)).when(move("b", "a", 0)))
    expect(message).toContain("Move was rejected, and Move follows it: if that is meant, say thenRejected before Move")
    expect(message).toContain('"left": 0')
  })

  it("are told of a stream with given events only until one of them has read it", () => {
    const both = moving.given(Shelf.at("a"), added(5)).given(Shelf.at("x"), added(1))
    const first = both.when(move("a", "b", 0))
    expect(messageOf(() => first.then({ to: [added(1)] }))).toContain("does not read Shelf-x, which")
    const second = first.thenNothing().when(move("x", "b", 0))
    expect(messageOf(() => second.then({ to: [added(1)] }))).not.toContain("does not read")
    const third = second
      .thenNothing()
      .given(Shelf.at("a"), added(1))
      .when(move("b", "c", 0))
    expect(messageOf(() => third.then({ to: [added(1)] }))).toContain("does not read Shelf-a, which")
  })
})

describe("what ends a scenario", () => {
  it("is no promise, so a test may return it", async () => {
    for (const ended of [
      shelf.when(put(1)).then(added(1)),
      shelf.when(put(0)).thenNothing(),
      shelf.when(take(1)).thenRejected(new TooFew({ left: 0 })),
      moving
        .given(Shelf.at("a"), added(1))
        .when(move("a", "b", 1))
        .then({ from: [taken(1)], to: [added(1)] }),
      moving.when(move("a", "b", 0)).thenNothing(),
      moving.when(move("a", "b", 1)).thenRejected(new TooFew({ left: 0 }))
    ]) {
      expect(ended).not.toHaveProperty("then")
      expect(await Promise.resolve<object>(ended)).toBe(ended)
    }
  })

  it("is not a when: a test that returns one fails", async () => {
    const message = "the scenario ends with when(Put) and expects nothing: say then what follows"
    await expect(async () => shelf.when(put(1)) as unknown).rejects.toThrow(message)
    await expect(async () => shelf.when(put(0)) as unknown).rejects.toThrow(message)
    await expect(async () => moving.when(move("a", "b", 0)) as unknown).rejects.toThrow("ends with when(Move)")
  })

  it("has no then in its type", () => {
    const wrong = () => {
      // @ts-expect-error a then follows a when
      shelf.when(put(1)).then(added(1)).then(added(1))
      const moved = moving.when(move("a", "b", 0)).thenNothing()
      // @ts-expect-error a then follows a when
      moved.then({})
      // @ts-expect-error there is no command Close
      shelf.when(put(1)).when({ _tag: "Close" })
      // @ts-expect-error a boundary does not see metadata
      moving.with({ actor: "anna" })
    }
    expect(wrong).toBeTypeOf("function")
  })
})
