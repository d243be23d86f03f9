import { assert, it } from "@effect/vitest"
import { Context, DateTime, Deferred, Effect, Fiber, identity } from "effect"
import { describe } from "vitest"
// Requests for the horizon are private to the store, and only a server that answers at will shows what it makes of each answer.
// oxlint-disable-next-line no-restricted-imports
import { askHorizon } from "../../src/events/horizon.ts"

/** An answer of the server, after some seconds of its clock. */
const answer = (seconds: number, position: number, drawn: number, heldFrom?: number) => ({
  o_log: "log",
  o_history: 1n,
  o_horizon: BigInt(position),
  o_last: BigInt(drawn),
  o_noted: 0n,
  o_now: new Date(seconds * 1_000),
  o_holders: heldFrom === undefined ? null : [{ pid: 7, application: "a", prepared: false, since: heldFrom * 1_000 }]
})

type Answer = Effect.Effect<ReturnType<typeof answer>>

/** Asks a server that gives these answers, one after the other. */
const asking = (answers: ReadonlyArray<Answer>) => {
  const observed: Array<number> = []
  let next = 0
  const ask = askHorizon({
    sql: {
      transactionService: Context.Service<never, never>("none"),
      unsafe: () => Effect.map(answers[next++]!, (row) => [row])
    } as never,
    schema: "hexfold",
    limited: () => identity,
    known: { log: "log", checked: 1n, check: () => Effect.succeed("log") },
    watch: { wantsNames: () => false, observe: (_, held) => Effect.sync(() => void observed.push(held / 1_000)) }
  })("horizons")
  return {
    ask,
    observed,
    heldSince: Effect.map(ask, ({ heldSince }) => heldSince && DateTime.toEpochMillis(heldSince) / 1_000)
  }
}

describe("a horizon that is held back", () => {
  it.effect("is held since the same time, whether or not its holders are named", () =>
    Effect.gen(function* () {
      const { heldSince, observed } = asking(
        [answer(20, 2, 6, 10), answer(21, 2, 6), answer(22, 2, 7, 15), answer(23, 2, 7)].map((row) =>
          Effect.succeed(row)
        )
      )
      assert.deepStrictEqual(yield* Effect.replicateEffect(heldSince, 4), [10, 10, 10, 10])
      assert.deepStrictEqual(observed, [10, 11, 12, 13])
    })
  )

  it.effect("is held anew once it has moved, or once no append was under way", () =>
    Effect.gen(function* () {
      const { heldSince, observed } = asking(
        [answer(20, 2, 6, 10), answer(21, 4, 6, 10), answer(22, 6, 6), answer(30, 6, 7), answer(31, 6, 7, 5)].map(
          (row) => Effect.succeed(row)
        )
      )
      assert.deepStrictEqual(yield* Effect.replicateEffect(heldSince, 5), [10, 21, undefined, 22, 22])
      assert.deepStrictEqual(observed, [10, 0, 0, 8, 9])
    })
  )

  it.effect("is not reported again by an answer that comes after that of a later request", () =>
    Effect.gen(function* () {
      const late = yield* Deferred.make<void>()
      const { ask, observed } = asking([
        Effect.as(Deferred.await(late), answer(20, 2, 6, 10)),
        Effect.succeed(answer(21, 6, 6))
      ])
      const first = yield* Effect.forkChild(ask, { startImmediately: true })
      yield* ask
      yield* Deferred.succeed(late, undefined)
      yield* Fiber.join(first)
      assert.deepStrictEqual(observed, [0])
    })
  )
})
