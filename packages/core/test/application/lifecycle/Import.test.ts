import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Import, ImportRefused, InvalidLogFile, LogFile, StreamId } from "@hexfold/core"
import { DateTime, Effect, Stream } from "effect"

const event = (position: number, stream = "7", version = position): LogFile.Event => ({
  position,
  streamId: StreamId.make("Account", stream),
  version,
  id: `5f0c1d9e-0000-4000-8000-${String(position).padStart(12, "0")}`,
  type: "Deposited",
  data: { n: position },
  metadata: { correlationId: "c", causationId: "d" },
  recordedAt: DateTime.makeUnsafe("1969-03-01T09:00:00.250Z")
})

const file = (events: ReadonlyArray<LogFile.Event>) =>
  LogFile.encode({ log: "old", events: Stream.fromIterable(events) })

const stored = EventStore.EventStore.use((store) => Stream.runCollect(store.readAll()))

const inMemory = <A, E>(effect: Effect.Effect<A, E, MemoryStores.Stores>) =>
  Effect.provide(effect, MemoryStores.layer())

describe("Import", () => {
  it.effect("refuses a file that differs when it is read again", () =>
    inMemory(
      Effect.gen(function* () {
        for (const second of [[event(1), event(2), event(3)], [event(2, "8", 1)]]) {
          let runs = 0
          const changing = Stream.suspend(() => file(++runs === 1 ? [event(1), event(2)] : second))
          const refused = yield* Effect.flip(Import.run(changing))
          assert.instanceOf(refused, InvalidLogFile)
          assert.include(refused.message, "has changed")
        }
      })
    )
  )

  it.effect("remembers a bounded number of streams, and refuses a gap beyond them when its batch is written", () =>
    inMemory(
      Effect.gen(function* () {
        const many = Array.from({ length: 50_001 }, (_, i) => event(i + 1, `s${i}`, 1))
        const gap = event(100_000, "s0", 3)
        const refused = yield* Effect.flip(Import.run(file([...many, gap]), { batchSize: 10_000 }))
        assert.instanceOf(refused, ImportRefused)
        assert.strictEqual(refused.line, 50_003)
        const events = yield* stored
        assert.strictEqual(events.at(-1)?.metadata.origin?.position, 50_000)
        const again = yield* Import.run(file([...many, event(100_000, "s0", 2)]), { batchSize: 10_000 })
        assert.deepStrictEqual([again.events, again.written], [50_002, 2])
      })
    )
  )

  it.effect("tells of each batch, and in the end of the whole file", () =>
    inMemory(
      Effect.gen(function* () {
        const events = [1, 2, 3, 4, 5].map((position) => event(position))
        const steps = yield* Stream.runCollect(Import.steps(file(events), { batchSize: 2 }))
        assert.deepStrictEqual(
          steps.map(({ events, phase, total, written }) => [phase, events, written, total?.events]),
          [
            ["checking", 0, 0, undefined],
            ["checking", 2, 0, undefined],
            ["checking", 4, 0, undefined],
            ["checking", 5, 0, undefined],
            ["checking", 5, 0, undefined],
            ["writing", 0, 0, 5],
            ["writing", 2, 2, 5],
            ["writing", 4, 4, 5],
            ["writing", 5, 5, 5],
            ["writing", 5, 5, 5]
          ]
        )
      })
    )
  )

  it.effect("ends a batch that has many bytes before it has many events", () =>
    inMemory(
      Effect.gen(function* () {
        const large = [1, 2, 3].map((position) => ({ ...event(position), data: "x".repeat(3_000_000) }))
        const steps = yield* Stream.runCollect(Import.steps(file(large)))
        assert.deepStrictEqual(
          steps.flatMap(({ events, phase }) => (phase === "writing" ? [events] : [])),
          [0, 2, 3, 3]
        )
      })
    )
  )
})
