import { describe, expect, it } from "@effect/vitest"
import { StateCache } from "@hexfold/core"
import { Account, AccountId } from "../../support/account.ts"

const [a, b, c] = ["a", "b", "c"].map((id) => Account.streamId(AccountId.make(id))) as [
  ReturnType<typeof Account.streamId>,
  ReturnType<typeof Account.streamId>,
  ReturnType<typeof Account.streamId>
]
const at = (version: number, source: object = Account) => ({ source, state: `state ${version}`, version })
const states = (capacity = 10) => StateCache.make({ capacity })({})

describe("the states that a cache remembers", () => {
  it("are the latest, in whatever order they come", () => {
    const known = states()
    known.put(a, at(3), 1)
    known.put(a, at(2), 1)
    expect(known.get(a, Account)).toEqual(at(3))
    known.put(a, at(4), 1)
    expect(known.get(a, Account)).toEqual(at(4))
    known.forget(a)
    expect(known.get(a, Account)).toBeUndefined()
    known.put(a, at(2), 1)
    expect(known.get(a, Account)).toEqual(at(2))
  })

  it("belong to the aggregate that made them", () => {
    const known = states()
    const other = {}
    known.put(a, at(3), 1)
    expect(known.get(a, other)).toBeUndefined()
    known.put(a, at(1, other), 1)
    expect(known.get(a, other)).toEqual(at(1, other))
    expect(known.get(a, Account)).toBeUndefined()
  })

  it("are those that were used last, as many as the capacity", () => {
    const known = states(2)
    known.put(a, at(1), 1)
    known.put(b, at(1), 1)
    known.get(a, Account)
    known.put(c, at(1), 1)
    expect([a, b, c].map((stream) => known.get(stream, Account)?.version)).toEqual([1, undefined, 1])
    known.clear()
    expect([a, b, c].map((stream) => known.get(stream, Account))).toEqual([undefined, undefined, undefined])
  })

  it("come from one history of the log: the first of a later one ends all of an earlier one", () => {
    const known = states()
    known.put(a, at(3), 1)
    known.put(b, at(2), 1)
    known.put(a, at(1), 2)
    known.put(b, at(4), 1)
    expect([a, b].map((stream) => known.get(stream, Account)?.version)).toEqual([1, undefined])
    expect(known.history()).toBe(2)
  })

  it("belong to one store", () => {
    const cache = StateCache.make({ capacity: 10 })
    const [one, other] = [{}, {}]
    cache(one).put(a, at(1), 1)
    expect(cache(other).get(a, Account)).toBeUndefined()
    expect(cache(one).get(a, Account)).toEqual(at(1))
  })
})
