import { assert, it } from "@effect/vitest"
import { EventStoreError } from "@hexfold/core"
import { Deferred, Duration, Effect, Exit, Fiber, Semaphore } from "effect"
import { describe } from "vitest"
// oxlint-disable-next-line no-restricted-imports -- What a limit does with queries of every kind shows only here.
import { limitOf } from "../../src/database/disconnect.ts"
import { client } from "../support/database.ts"

describe("the limit of a statement", () => {
  const waits: Readonly<Record<string, Effect.Effect<unknown>>> = {
    "gets no answer": Effect.never,
    "waits for a place in a pool": Effect.flatMap(Semaphore.make(0), (semaphore) => semaphore.take(1)),
    "ends at once when it is interrupted": Effect.callback(() => Effect.void),
    "does not end when it is interrupted": Effect.uninterruptible(Effect.never)
  }
  for (const [name, query] of Object.entries(waits)) {
    it.live(`is a Timeout for a query that ${name}`, () =>
      Effect.gen(function* () {
        const sql = yield* client()
        const error = yield* Effect.flip(limitOf(sql, Duration.millis(20))("append")(query))
        assert.instanceOf(error, EventStoreError)
        assert.strictEqual(error.reason._tag, "Timeout")
      })
    )
  }

  it.live("passes an answer, a failure and an interruption on", () =>
    Effect.gen(function* () {
      const sql = yield* client()
      const limited = limitOf(sql, Duration.hours(1))("append")
      assert.strictEqual(yield* limited(Effect.as(Effect.yieldNow, 1)), 1)
      assert.strictEqual(yield* Effect.flip(limited(Effect.fail("no"))), "no")
      const interrupted = yield* Deferred.make<void>()
      const query = Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      const calling = yield* Effect.forkChild(limited(query), { startImmediately: true })
      yield* Fiber.interrupt(calling)
      yield* Deferred.await(interrupted)
    })
  )

  it.live("lets nothing be committed inside a caller's transaction after a query that does not end", () =>
    Effect.gen(function* () {
      const sql = yield* client()
      const limited = limitOf(sql, Duration.millis(20))("append")
      const silent = Effect.uninterruptible(Effect.never)
      const leaving: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
        timeout: Effect.flip(limited(silent)),
        interruption: Effect.gen(function* () {
          const calling = yield* Effect.forkChild(limited(silent), { startImmediately: true })
          yield* Fiber.interrupt(calling)
        })
      }
      for (const [name, leave] of Object.entries(leaving)) {
        const exit = yield* Effect.exit(sql.withTransaction(Effect.andThen(leave, Effect.void)))
        assert.isTrue(Exit.isFailure(exit), name)
        const error = yield* Effect.flip(sql.withTransaction(Effect.andThen(leave, sql.unsafe("select 1"))))
        assert.strictEqual((error as { readonly _tag: string })._tag, "SqlError", name)
      }
    })
  )
})
