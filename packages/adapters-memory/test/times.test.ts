import { assert, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { type EventStore, StreamId } from "@hexfold/core"
import { DateTime, Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { appendOne } from "./support/appendOne.ts"

const append = (store: EventStore.EventStore["Service"], name: string, recordedAt?: DateTime.Utc) => {
  const id = crypto.randomUUID()
  const event = { id, type: "Happened", data: {}, metadata: { correlationId: id, causationId: id } }
  return appendOne(store, {
    writes: [
      {
        streamId: StreamId.make("Account", name),
        events: [recordedAt === undefined ? event : { ...event, recordedAt }]
      }
    ],
    conditions: []
  })
}

describe("times of the memory store", () => {
  it.effect("a clock that is set back does not set the time of events back", () =>
    Effect.gen(function* () {
      const store = yield* MemoryEventStore.make()
      for (const millis of [-5, 5_000, 1_000, 5_001, 0]) {
        yield* TestClock.setTime(millis)
        for (const name of ["a", "b"]) yield* append(store, name)
      }
      const log = yield* Stream.runCollect(store.readAll())
      assert.deepStrictEqual(
        log.map(({ recordedAt }) => recordedAt.epochMilliseconds),
        [-5, 5_000, 5_000, 5_001, 5_001].flatMap((millis) => [millis, millis])
      )
    })
  )

  it.effect("the future is that of the clock, or of the stream where the clock was set back", () =>
    Effect.gen(function* () {
      const store = yield* MemoryEventStore.make()
      yield* TestClock.setTime(5_000)
      yield* append(store, "a", DateTime.makeUnsafe(5_000))
      assert.include((yield* Effect.flip(append(store, "b", DateTime.makeUnsafe(5_001)))).message, "in the future")
      yield* TestClock.setTime(1_000)
      yield* append(store, "a", DateTime.makeUnsafe(5_000))
      assert.include((yield* Effect.flip(append(store, "a", DateTime.makeUnsafe(1_000)))).message, "is before")
      assert.include((yield* Effect.flip(append(store, "b", DateTime.makeUnsafe(1_001)))).message, "in the future")
      yield* append(store, "b", DateTime.makeUnsafe(1_000))
      yield* append(store, "b")
      assert.deepStrictEqual(
        (yield* Stream.runCollect(store.readAll())).map(({ recordedAt }) => recordedAt.epochMilliseconds),
        [5_000, 5_000, 1_000, 5_000]
      )
    })
  )
})
