import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Redacted, Scope } from "effect"
import { describe } from "vitest"
import { newSchema, url } from "../../../../adapters-pg/test/support/database.ts"
import { framesOf } from "../frames.ts"
import { send, type Server, startServer } from "./processes.ts"

const commands = 60
/** After how many answers a server ends, and how. */
const ends = new Map([
  [10, "SIGKILL"],
  [20, "SIGTERM"],
  [30, "SIGKILL"],
  [40, "SIGTERM"]
] as const)

/** A server that is started anew when it has ended. */
const restarted = Effect.gen(function* () {
  const schema = yield* newSchema
  const start = Effect.suspend(() => startServer(Redacted.value(url()), schema))
  let present: Server = yield* start
  const scope = yield* Effect.scope
  return {
    port: () => present.port,
    endWith: (signal: "SIGTERM" | "SIGKILL") =>
      Effect.gen(function* () {
        const former = present
        former.end(signal)
        present = yield* Scope.provide(start, scope)
        yield* Effect.promise(() => former.ended)
      })
  }
})

/** What a follower of the feed has seen: it comes again with the last id, wherever a stream has broken. */
const followed = (port: () => number, count: number) =>
  Effect.gen(function* () {
    const seen: Array<{ readonly id: string; readonly version: number }> = []
    let last: string | undefined
    while (seen.length < count) {
      const reading = Effect.gen(function* () {
        const headers = last === undefined ? {} : { "last-event-id": last }
        const frames = framesOf(yield* Effect.promise(() => fetch(`http://127.0.0.1:${port()}/events`, { headers })))
        yield* Effect.addFinalizer(() => Effect.promise(frames.cancel))
        while (seen.length < count) {
          const { data, id } = yield* frames.next
          last = id!
          seen.push({ id: last, version: (JSON.parse(data) as { readonly version: number }).version })
        }
      })
      const exit = yield* Effect.exit(Effect.scoped(reading))
      if (Exit.isFailure(exit)) yield* Effect.sleep("20 millis")
    }
    return seen
  })

/** Sends a command until it is answered. */
const answered = (port: () => number, path: string, body: object, key: string) =>
  Effect.promise(async () => {
    for (;;) {
      const found = await send(port(), path, { body, headers: { "idempotency-key": key } }).outcome.catch(
        () => undefined
      )
      if (found?.isWhole === true && found.status === 200)
        return JSON.parse(found.text) as { readonly repeated: boolean }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })

describe("over servers that are killed or ended, and started again", () => {
  it.live("a client with Last-Event-ID misses and doubles nothing, and a command that is repeated has one effect", () =>
    Effect.gen(function* () {
      const { endWith, port } = yield* restarted
      yield* answered(port, "/aggregates/Account/a/Open", { owner: "ann" }, "open")
      const follower = yield* Effect.forkScoped(followed(port, commands + 1))
      const signals = new Map<number, Deferred.Deferred<void>>(
        [...ends.keys()].map((at) => [at, Deferred.makeUnsafe<void>()])
      )
      let count = 0
      const killing = Effect.forEach(ends, ([at, signal]) =>
        Effect.andThen(Deferred.await(signals.get(at)!), endWith(signal))
      )
      const killer = yield* Effect.forkScoped(killing)
      for (let i = 0; i < commands; i++) {
        // Three clients send the same command.
        const receipts = yield* Effect.forEach(
          [1, 2, 3],
          () => answered(port, "/aggregates/Account/a/Deposit", { cents: 1 }, `deposit ${i}`),
          { concurrency: "unbounded" }
        )
        // If the first answer was lost, all three are repeats.
        assert.isAtMost(receipts.filter(({ repeated }) => !repeated).length, 1)
        const signal = signals.get(++count)
        if (signal !== undefined) yield* Deferred.succeed(signal, undefined)
      }
      yield* Fiber.join(killer)
      const seen = yield* Fiber.join(follower)
      assert.deepStrictEqual(
        seen.map(({ version }) => version),
        Array.from({ length: commands + 1 }, (_, i) => i + 1)
      )
      assert.strictEqual(new Set(seen.map(({ id }) => id)).size, commands + 1)
      const state = yield* Effect.promise(() => send(port(), "/aggregates/Account/a").outcome)
      assert.deepStrictEqual(JSON.parse(state.text), {
        state: { owner: "ann", balance: commands },
        version: commands + 1
      })
    })
  )
})
