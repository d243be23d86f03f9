import { describe, expect, it } from "@effect/vitest"
import { Decision } from "@hexfold/core"
import { Result } from "effect"

const deposited = { _tag: "Deposited", amount: 10 } as const
const charged = { _tag: "FeeCharged", amount: 1 } as const

describe("accept", () => {
  it("is a success with the events in their order", () => {
    expect(Decision.accept(deposited, charged)).toEqual(Result.succeed([deposited, charged]))
  })
})

describe("nothing", () => {
  it("is a success without an event", () => {
    expect(Decision.nothing).toEqual(Result.succeed([]))
  })
})

describe("reject", () => {
  it("is a failure with the error", () => {
    expect(Decision.reject("closed")).toEqual(Result.fail("closed"))
  })
})

describe("require", () => {
  it("goes on where the condition holds and makes no error", () => {
    const decided = Decision.ensure(
      true,
      () => expect.fail("made an error"),
      () => Decision.accept(deposited)
    )
    expect(decided).toEqual(Result.succeed([deposited]))
  })

  it("rejects where the condition does not hold and does not go on", () => {
    const decided = Decision.ensure(
      false,
      () => "closed",
      () => expect.fail("went on")
    )
    expect(decided).toEqual(Result.fail("closed"))
  })
})

describe("concat", () => {
  it("has the events of all decisions in their order", () => {
    const all = Decision.concat(Decision.accept(deposited), Decision.nothing, Decision.accept(charged, deposited))
    expect(all).toEqual(Result.succeed([deposited, charged, deposited]))
  })

  it("of none is nothing", () => {
    expect(Decision.concat()).toEqual(Decision.nothing)
  })

  it("is the first rejection, without any event", () => {
    const all = Decision.concat(Decision.accept(deposited), Decision.reject("closed"), Decision.reject("poor"))
    expect(all).toEqual(Result.fail("closed"))
  })

  it("concat takes decisions of any length", () => {
    const many = Result.succeed(Array.from({ length: 200_000 }, (_, n) => n))
    expect(Result.getOrThrow(Decision.concat(many, many))).toHaveLength(400_000)
  })
})

describe("all", () => {
  it("has the events of each role", () => {
    const all = Decision.all({ from: Decision.accept(charged), to: Decision.nothing })
    expect(all).toEqual(Result.succeed({ from: [charged], to: [] }))
  })

  it("has a list of events for each stream of a role of several", () => {
    const all = Decision.all({
      accounts: [Decision.accept(deposited, charged), Decision.nothing, Decision.accept(charged)],
      none: []
    })
    expect(all).toEqual(Result.succeed({ accounts: [[deposited, charged], [], [charged]], none: [] }))
  })

  it("of no role records nothing", () => {
    expect(Decision.all({})).toEqual(Result.succeed({}))
  })

  it("is the first rejection in the order of the roles, without any event", () => {
    const all = Decision.all({
      from: Decision.accept(charged),
      to: Decision.reject("closed"),
      others: [Decision.reject("poor")]
    })
    expect(all).toEqual(Result.fail("closed"))
  })

  it("is the first rejection of a role of several streams", () => {
    const all = Decision.all({
      accounts: [Decision.accept(charged), Decision.reject("closed"), Decision.reject("poor")],
      to: Decision.reject("late")
    })
    expect(all).toEqual(Result.fail("closed"))
  })
})
