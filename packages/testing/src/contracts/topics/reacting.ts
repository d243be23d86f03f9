import { assert } from "@effect/vitest"
import { Executor, Reactor } from "@hexfold/core"
import { Effect, Layer, Schedule } from "effect"
import { eventually } from "../eventually.ts"
import type { Cases } from "../plan.ts"
import { two } from "../projections/trouble.ts"
import { Bounced, eventsOf, newName, on, paymentsOf, received } from "./payments.ts"

/** A reactor is given the events of a topic, and may publish. */
export const reacting: Cases = {
  "a reactor of a topic publishes once what it publishes, though it handles events again, and in the order of the keys":
    Effect.gen(function* () {
      const [node, client] = yield* two
      const [source, target] = [paymentsOf(newName()), paymentsOf(newName())]
      const failed = new Set<number>()
      let handled = 0
      const reactor = Reactor.make(`Copy_${source.name}`, {
        from: [source],
        start: "beginning",
        retry: Schedule.spaced("1 millis"),
        on: {
          Received: ({ cents }, { id }) =>
            Effect.gen(function* () {
              handled++
              yield* Executor.publish(target, id, received(cents))
              // The first publication of each event has happened when it fails.
              if (cents % 3 === 0 && !failed.has(cents)) {
                failed.add(cents)
                return yield* Effect.fail("again")
              }
              return yield* Executor.publish(target, id, new Bounced({ reasons: [cents] }))
            })
        }
      })
      for (let i = 0; i < 30; i++) yield* Executor.publish(source, 1 + (i % 3), received(i)).pipe(on(client))
      yield* Effect.forkScoped(
        node.run(Layer.launch(Reactor.layer([reactor], { lease: "10 seconds", pause: "20 millis" })))
      )
      const published = eventsOf(client, target)
      yield* eventually(
        "each event has led to two",
        Effect.map(published, ({ length }) => length >= 60)
      )
      assert.isAtLeast(handled, 40)
      const events = yield* published
      for (const key of [1, 2, 3]) {
        assert.deepStrictEqual(
          events.filter(({ streamId }) => streamId === target.streamId(key)).map(({ data }) => data),
          Array.from({ length: 10 }, (_, i) => 3 * i + key - 1).flatMap((cents) => [
            received(cents),
            new Bounced({ reasons: [cents] })
          ])
        )
      }
      const causes = yield* eventsOf(client, source)
      for (const { data, metadata } of events) {
        const cents = data._tag === "Received" ? data.cents : data.reasons[0]
        const cause = causes.find((each) => each.data._tag === "Received" && each.data.cents === cents)
        assert.strictEqual(metadata.causationId, cause!.id)
      }
    })
}
