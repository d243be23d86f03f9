import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Snapshots, Versions } from "@hexfold/core"
import { Schema } from "effect"

const V1 = Schema.TaggedStruct("Paid", { euros: Schema.Finite })
const V2 = Schema.TaggedStruct("Paid", { cents: Schema.Int })
const Noted = Schema.TaggedStruct("Noted", {})
const Opened = Schema.TaggedStruct("Opened", {})
const common = { id: Schema.String, state: Schema.Int, initial: 0 }
const evolve = { Paid: (n: number) => n, Noted: (n: number) => n }
const chain = Versions.first(V1).next(V2, ({ euros }) => V2.make({ cents: euros }))

const plain = Snapshots.fingerprint(Aggregate.make("Till", { ...common, events: [V1, Noted], evolve }))

describe("the fingerprint of a snapshot", () => {
  it("is another one after a new version of an event, and after a type was retired or is not any more", () => {
    const others = [
      Aggregate.make("Till", { ...common, events: [chain, Noted], evolve }),
      Aggregate.make("Till", { ...common, events: [chain.next(V1, () => V1.make({ euros: 1 })), Noted], evolve }),
      Aggregate.make("Till", { ...common, events: [V1, Noted], retired: [Versions.retired(Opened, () => [])], evolve }),
      Aggregate.make("Till", {
        ...common,
        events: [V1],
        retired: [Versions.retired(Noted, () => [])],
        evolve: { Paid: evolve.Paid }
      })
    ].map((aggregate) => Snapshots.fingerprint(aggregate))
    expect(new Set([plain, ...others]).size).toBe(5)
  })

  it("is the same whatever the order of the events, and before a version is written that can be read", () => {
    for (const events of [
      [Noted, V1],
      [Versions.first(V1), Noted],
      [Versions.first(V1).ahead(V2, ({ cents }) => V1.make({ euros: cents })), Noted]
    ] as const) {
      const aggregate = Aggregate.make("Till", { ...common, events, evolve })
      expect(Snapshots.fingerprint(aggregate)).toBe(plain)
    }
  })
})
