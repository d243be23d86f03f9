import { assert, layer } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Export, Import, LogFile, LogTransfer, StateCache } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { grantBudgets, replay } from "../src/replay.ts"
import { readLog } from "../src/readLog.ts"
import { sample } from "./log.ts"
import { Server, server, storesIn } from "./server.ts"

/** What the stores have, without what a move changes. */
const contents = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  const transfer = yield* LogTransfer.LogTransfer
  const events = yield* Stream.runCollect(store.readAll())
  const commands = yield* Stream.runCollect(transfer.commands(events.at(-1)!.position))
  return {
    events: events.map(({ imported: _, metadata: { origin: __, ...metadata }, position: ___, ...event }) => ({
      ...event,
      metadata
    })),
    commands: commands.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }
})

/** All of a file, compressed. */
const exported = Effect.map(Stream.runCollect(LogFile.gzip(Export.lines())), (chunks) => Stream.fromIterable(chunks))

layer(server, { excludeTestServices: true })((it) => {
  it.effect("moves from memory to Postgres and back, and nothing of it is executed again", () =>
    Effect.gen(function* () {
      const { rows } = yield* readLog(sample, { skipMalformed: false })
      const executed = Effect.gen(function* () {
        yield* grantBudgets(rows, 100_000_000)
        return yield* replay(rows, { concurrency: 8, onRow: () => {} })
      }).pipe(Effect.provide(StateCache.layer({ capacity: 100 })))
      const first = yield* Effect.gen(function* () {
        const { accepted } = yield* executed
        return { accepted, ...(yield* contents), file: yield* exported }
      }).pipe(Effect.provide(MemoryStores.layer()))

      const database = yield* (yield* Server).newDatabase()
      const second = yield* Effect.gen(function* () {
        yield* Import.run(LogFile.gunzip(first.file))
        return { ...(yield* contents), file: yield* exported }
      }).pipe(Effect.provide(storesIn(database)))
      assert.deepStrictEqual(second.events, first.events)
      assert.deepStrictEqual(second.commands, first.commands)

      yield* Effect.gen(function* () {
        yield* Import.run(LogFile.gunzip(second.file))
        const third = yield* contents
        assert.deepStrictEqual(third.events, first.events)
        assert.deepStrictEqual(third.commands, first.commands)
        const again = yield* executed
        assert.strictEqual(again.repeated, first.accepted)
        assert.deepStrictEqual((yield* contents).events, first.events)
      }).pipe(Effect.provide(MemoryStores.layer()))
    })
  )
})
