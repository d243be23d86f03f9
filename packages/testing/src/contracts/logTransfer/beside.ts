import { assert } from "@effect/vitest"
import { Effect, Fiber, Ref, Stream } from "effect"
import type { EventStore } from "@hexfold/core"
import { appendTo, events, newStream, readAfter } from "../eventStore/streams.ts"
import { open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { history, imported, linesOf, newAggregate } from "./world.ts"

/** An import beside an application that runs. */
export const beside: Cases = {
  "an application appends to other streams beside the import, and readers miss no event": needs("otherProcesses")(
    function* () {
      const [importer, application, reader] = [yield* open, yield* open, yield* open]
      const [moved, own] = [newAggregate(), newAggregate()]
      const given = history(moved, 400, 50)
      const options = { aggregates: [moved, own] }
      const start = 0
      const seen: Array<EventStore.RecordedEvent> = []
      // Reads up to each horizon, and goes on after the last event that it has seen.
      const following = Stream.runForEach(reader.eventStore.horizons, () =>
        Effect.map(readAfter(reader.eventStore, seen.at(-1)?.position ?? start, options), (page) => seen.push(...page))
      )
      const follower = yield* Effect.forkChild(following, { startImmediately: true })
      const isDone = yield* Ref.make(false)
      const appended = yield* Ref.make(0)
      const appending = Effect.gen(function* () {
        const streamId = newStream(own)
        while (!(yield* Ref.get(isDone))) {
          yield* appendTo(application.eventStore, streamId, events(2))
          yield* Ref.update(appended, (n) => n + 2)
        }
      })
      const appenders = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(appending))
      yield* imported(importer, yield* linesOf(given), { batchSize: 20 })
      yield* Ref.set(isDone, true)
      for (const appender of appenders) yield* Fiber.join(appender)
      yield* Fiber.interrupt(follower)
      seen.push(...(yield* readAfter(reader.eventStore, seen.at(-1)?.position ?? start, options)))
      const log = yield* readAfter(reader.eventStore, 0, options)
      assert.deepStrictEqual(
        seen.map(({ id, position }) => ({ id, position })),
        log.map(({ id, position }) => ({ id, position }))
      )
      assert.strictEqual(log.length, 400 + (yield* Ref.get(appended)))
      assert.isAbove(yield* Ref.get(appended), 0)
      const ids = log.flatMap(({ id, streamId }) => (streamId.startsWith(moved) ? [id] : []))
      assert.deepStrictEqual(
        ids,
        given.map(({ id }) => id)
      )
    }
  )
}
