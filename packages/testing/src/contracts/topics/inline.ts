import { assert } from "@effect/vitest"
import { Executor, Records, View } from "@hexfold/core"
import { Effect, Option, Schema } from "effect"
import { catchUp, isInline, on as onStores, openWith } from "../inline/notes.ts"
import { type Cases, needs } from "../plan.ts"
import { newName, on, paymentsOf, received } from "./payments.ts"

const together = { concurrency: "unbounded" } as const

const newView = () => {
  const topic = paymentsOf(newName())
  const view = View.make(`Sums_${topic.name}`, {
    from: [topic],
    consistency: "inline",
    state: Schema.Struct({ sum: Schema.Int, order: Schema.Int }),
    evolve: {
      Received: (state, { cents }, { id }) => {
        if (cents < 0) throw new Error("it cannot be applied")
        return { sum: (state?.sum ?? 0) + cents, order: id }
      }
    }
  })
  return { topic, view }
}

/** Promise 8, of views of a topic. */
export const ofTopics: Cases = {
  "8 a record of what was published is there as soon as the receipt is": needs("otherProcesses")(function* () {
    const { topic, view } = newView()
    const [one, other] = [yield* openWith([view]), yield* openWith([view])]
    const recordOf = (key: number) => onStores(one, Records.get(view, String(key)))
    yield* Executor.publish(topic, 1, received(1)).pipe(on(other))
    yield* catchUp(one, [view])
    assert.isTrue(yield* isInline(one, view))
    yield* Effect.forEach(
      Array.from({ length: 40 }, (_, i) => i),
      (i) =>
        Effect.gen(function* () {
          const key = 2 + (i % 5)
          yield* Executor.publish(topic, key, [received(i), received(1)]).pipe(on(i % 2 === 0 ? one : other))
          assert.strictEqual(Option.getOrThrow(yield* recordOf(key)).order, key)
        }),
      together
    )
    for (const key of [0, 1, 2, 3, 4]) {
      const sum = Array.from({ length: 8 }, (_, n) => 5 * n + key + 1).reduce((all, each) => all + each)
      assert.deepStrictEqual(yield* recordOf(key + 2), Option.some({ sum, order: key + 2 }))
    }
    assert.deepStrictEqual(yield* recordOf(1), Option.some({ sum: 1, order: 1 }))
    assert.isTrue(yield* isInline(one, view))
  }),

  "8 what is published twice under a command id is applied once": Effect.gen(function* () {
    const { topic, view } = newView()
    const node = yield* openWith([view])
    yield* catchUp(node, [view])
    const publish = Executor.publish(topic, 3, received(4), { commandId: `once ${topic.name}` }).pipe(on(node))
    const receipts = yield* Effect.all([publish, publish, publish], together)
    assert.strictEqual(receipts.filter(({ repeated }) => repeated).length, 2)
    assert.deepStrictEqual(yield* onStores(node, Records.get(view, "3")), Option.some({ sum: 4, order: 3 }))
  })
}
