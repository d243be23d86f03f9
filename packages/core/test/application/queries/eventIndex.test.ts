import { describe, expect, it } from "@effect/vitest"
import { type EventStore, StreamId } from "@hexfold/core"
// A follower that stays after it has left shows only in the memory of the process.
// oxlint-disable-next-line no-restricted-imports
import * as EventIndex from "../../../src/application/queries/eventIndex.ts"

const event = (aggregate: string, type: string) =>
  ({ streamId: StreamId.make(aggregate, "1"), type }) as EventStore.RecordedEvent

describe("the index of followers", () => {
  const filters = [{}, { aggregates: ["A"] }, { types: ["T"] }, { aggregates: ["A", "A", "B"], types: ["T", "U"] }]

  it("finds each follower of an event once, and none that has left", () => {
    const index = EventIndex.make<number>()
    const found = (aggregate: string, type: string) => {
      const all: Array<number> = []
      index.forEach(event(aggregate, type), (follower) => all.push(follower))
      return all.toSorted((a, b) => a - b).join()
    }
    filters.forEach((each, follower) => index.add(follower, each))
    expect([found("A", "T"), found("B", "T"), found("B", "V"), found("C", "U")]).toEqual(["0,1,2,3", "0,2,3", "0", "0"])
    expect(index.filters()).toEqual({})
    index.remove(0, filters[0]!)
    index.remove(1, filters[1]!)
    expect([found("A", "T"), found("B", "T"), found("B", "V"), found("A", "V")]).toEqual(["2,3", "2,3", "", ""])
    index.remove(2, filters[2]!)
    expect(index.filters()).toEqual({ aggregates: ["A", "B"], types: ["T", "U"] })
    index.remove(3, filters[3]!)
    expect([found("A", "T"), found("B", "U")]).toEqual(["", ""])
    expect(index.filters()).toBeUndefined()
  })
})
