import { assert, it } from "@effect/vitest"
import { MemoryEventStore, MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, ProjectionStore, StreamId } from "@hexfold/core"
import { EventStoreContract } from "@hexfold/testing/contracts"
import { Clock, Context, DateTime, Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { appendOne } from "./support/appendOne.ts"
import { apart } from "./support/backends.ts"

EventStoreContract.suite("memory", apart)

describe("MemoryEventStore, with a retention of command ids", () => {
  const streamId = StreamId.make("Account", "1")
  const deposit = (store: EventStore.EventStore["Service"], id: string, fingerprint = "f") => {
    const event = {
      id: crypto.randomUUID(),
      type: "Deposited",
      data: 1,
      metadata: { correlationId: id, causationId: id }
    }
    return appendOne(store, { writes: [{ streamId, events: [event] }], conditions: [], command: { id, fingerprint } })
  }

  it.effect("remembers an id for that time, and then executes its command anew", () =>
    Effect.gen(function* () {
      const store = yield* MemoryEventStore.make({ commandRetention: "1 hour" })
      const command = { id: "c", fingerprint: "f" }
      const first = yield* deposit(store, "c")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* deposit(store, "c"), { ...first, repeated: true })
      assert.deepStrictEqual((yield* store.readStreams([], command)).appended?.events, first.events)
      yield* TestClock.adjust("1 milli")
      assert.isUndefined((yield* store.readStreams([], command)).appended)
      const second = yield* deposit(store, "c", "other")
      assert.deepStrictEqual([second.repeated, second.events[0]!.version], [false, 2])
      assert.isTrue((yield* deposit(store, "c", "other")).repeated)
    })
  )

  it.effect("an id that a consumer has derived stays while its event is not done, or is parked", () =>
    Effect.gen(function* () {
      const stores = yield* Layer.build(MemoryStores.layer({ commandRetention: "1 hour" }))
      const store = Context.get(stores, EventStore.EventStore)
      const views = Context.get(stores, ProjectionStore.ProjectionStore)
      const generation = { view: "reactor/Mails", version: 1 }
      const claimed = yield* views.claim({ generation, owner: "one", lease: Duration.hours(9) })
      const owner = { generation, epoch: claimed._tag === "Owned" ? claimed.epoch : 0 }
      const idOf = (consumer: string, position: number) => `${consumer}:${position}:${crypto.randomUUID()}:0:0`
      const ids = {
        done: idOf("reactor/Mails", 3),
        open: idOf("reactor/Mails", 6),
        parked: idOf("reactor/Mails", 2),
        ofAnother: idOf("reactor/Unknown", 9),
        own: "an id of the caller"
      }
      const letter = { stream: streamId, streamVersion: 1, type: "Deposited", at: DateTime.makeUnsafe(0), history: 1 }
      const put = [{ ...letter, key: "a", position: 2, parked: true, error: { step: "react", cause: "no" } }]
      yield* views.commit({ owner, from: 0, to: 5, deadLetters: { put, remove: [] } })
      for (const id of Object.values(ids)) yield* deposit(store, id)
      yield* TestClock.adjust("2 hours")
      const remembered = Effect.map(
        Effect.filter(Object.entries(ids), ([, id]) =>
          Effect.map(store.readStreams([], { id, fingerprint: "f" }), ({ appended }) => appended !== undefined)
        ),
        (left) => left.map(([name]) => name)
      )
      assert.deepStrictEqual(yield* remembered, ["open", "parked"])
      yield* deposit(store, "another")
      assert.deepStrictEqual(yield* remembered, ["open", "parked"])
      yield* views.commit({ owner, from: 5, to: 6, deadLetters: { put: [], remove: put } })
      assert.deepStrictEqual(yield* remembered, [])
    })
  )

  it.effect("an append with a command frees the ids that have expired, and no others", () =>
    Effect.gen(function* () {
      const store = yield* MemoryEventStore.make({ commandRetention: "1 hour" })
      const began = yield* Clock.currentTimeMillis
      yield* deposit(store, "a")
      yield* deposit(store, "b")
      yield* TestClock.adjust("40 minutes")
      yield* deposit(store, "c")
      yield* TestClock.adjust("40 minutes")
      yield* deposit(store, "d")
      // The clock goes back: ids that are still stored count as remembered again, freed ids do not.
      yield* TestClock.setTime(began)
      const repeated = yield* Effect.forEach(["a", "b", "c", "d"], (id) => deposit(store, id))
      assert.deepStrictEqual(
        repeated.map(({ repeated }) => repeated),
        [false, false, true, true]
      )
    })
  )

  it.effect("remembers an id for ever if there is no retention", () =>
    Effect.gen(function* () {
      const store = yield* MemoryEventStore.make()
      yield* deposit(store, "c")
      yield* TestClock.adjust("36500 days")
      assert.isTrue((yield* deposit(store, "c")).repeated)
    })
  )

  it.effect("the layer takes a retention too", () =>
    EventStore.EventStore.use((store) =>
      Effect.gen(function* () {
        yield* deposit(store, "c")
        yield* TestClock.adjust("2 hours")
        assert.isFalse((yield* deposit(store, "c")).repeated)
      })
    ).pipe(Effect.provide(MemoryEventStore.layer({ commandRetention: "1 hour" })))
  )
})
