import { assert, it } from "@effect/vitest"
import { EventStoreError, Reason } from "@hexfold/core"
import { Cause, Duration, Effect, Exit, Fiber, Scope } from "effect"
import { afterEach, beforeEach, describe, vi } from "vitest"
// With calls that the test itself answers, every order of events can be made.
// oxlint-disable-next-line no-restricted-imports
import * as batcher from "../../src/events/batcher.ts"

interface Request {
  readonly name: string
  readonly key: string
}

/** A call under way, which the test ends. */
interface Call {
  readonly names: string
  readonly lockTimeout: number
  isInterrupted: boolean
  readonly succeed: () => void
  /** It has waited for a lock too long. */
  readonly block: () => void
  /** The server has ended it after a time that it allows, and it has done nothing. */
  readonly expire: () => void
  /** It has done nothing, and one of its requests may be the reason. */
  readonly refuse: () => void
  /** Nobody knows what it has done. */
  readonly lose: () => void
}

const storeError = (reason: Reason.Reason) => new EventStoreError({ operation: "append", reason })
const tagged = (tag: Reason.Reason["_tag"]) => (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  return error instanceof EventStoreError && error.reason._tag === tag
}

const failures = {
  block: new Reason.Timeout({ detail: "blocked" }),
  expire: new Reason.Unknown({ detail: "expired" }),
  refuse: new Reason.Rejected({ detail: "refused" }),
  lose: new Reason.Unavailable({ detail: "lost" })
}

/** Lets everything happen that does not wait for time or for a call. */
const settle = Effect.promise(async () => {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve))
})

const pass = (millis: number) =>
  Effect.andThen(
    Effect.promise(() => vi.advanceTimersByTimeAsync(millis)),
    settle
  )

const opened = (
  options: Partial<Pick<batcher.Options<Request, string, never>, "maxInFlight" | "spare" | "maxBatch">>
) =>
  Effect.gen(function* () {
    const calls: Array<Call> = []
    const scope = yield* Scope.make()
    const send = yield* batcher
      .make<Request, string, never>({
        operation: "append",
        call: (batch, lockTimeout) =>
          Effect.callback((resume) => {
            const fail = (reason: Reason.Reason) => () => resume(Effect.fail(storeError(reason)))
            const call: Call = {
              names: batch.map(({ name }) => name).join(""),
              lockTimeout,
              isInterrupted: false,
              succeed: () => resume(Effect.succeed(batch.map(({ name }) => Exit.succeed(name)))),
              block: fail(failures.block),
              expire: fail(failures.expire),
              refuse: fail(failures.refuse),
              lose: fail(failures.lose)
            }
            calls.push(call)
            return Effect.sync(() => void (call.isInterrupted = true))
          }),
        isUndone: tagged("Rejected"),
        isBlocked: tagged("Timeout"),
        isExpired: tagged("Unknown"),
        touches: ({ key }) => ({ exclusive: [key], shared: [] }),
        describe: ({ name }) => name,
        maxInFlight: 2,
        spare: 1,
        maxBatch: 10,
        lockTimeout: Duration.seconds(10),
        ...options
      })
      .pipe(Scope.provide(scope))
    /** Sends a request for a key of its own, or for a key that others want too. */
    const request = (name: string, key: string = name) =>
      Effect.forkChild(Effect.exit(send({ name, key })), { startImmediately: true })
    const requests = (names: string) =>
      Effect.tap(
        Effect.forEach([...names], (name) => request(name)),
        settle
      )
    const made = () => calls.map(({ names }) => names)
    const step = (n: number, end: "succeed" | "block" | "expire" | "refuse" | "lose") =>
      Effect.andThen(
        Effect.sync(() => calls[n]![end]()),
        settle
      )
    return { calls, made, request, requests, scope, step }
  })

type Sent = Fiber.Fiber<Exit.Exit<string, EventStoreError>>

const answer = (sent: Sent): string => {
  const exit = sent.pollUnsafe()
  if (exit === undefined) return "under way"
  if (Exit.isFailure(exit)) return "interrupted"
  if (Exit.isSuccess(exit.value)) return exit.value.value
  const error = Cause.squash(exit.value.cause)
  return error instanceof EventStoreError ? `${error.reason._tag}: ${error.reason.detail}` : String(error)
}

const answers = (sent: ReadonlyArray<Sent>) => sent.map(answer)

describe("the batcher", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }))
  afterEach(() => void vi.useRealTimers())

  it.live("tries the requests of a blocked call alone and in parallel, and blocked ones take no place", () =>
    Effect.gen(function* () {
      const { calls, made, requests, step } = yield* opened({ maxInFlight: 2 })
      const sent = yield* requests("abcd")
      yield* step(0, "block")
      assert.deepStrictEqual(made(), ["abcd", "a", "b"])
      yield* step(1, "block")
      // "a" has left the shared call, and "c" has its turn in it.
      assert.deepStrictEqual(made(), ["abcd", "a", "b", "a", "c"])
      assert.isBelow(calls[0]!.lockTimeout, calls[3]!.lockTimeout)
      yield* step(2, "block")
      yield* step(4, "block")
      assert.deepStrictEqual(made().slice(5), ["d"])
      yield* step(5, "succeed")
      // All places are free, although three requests are blocked.
      const [e] = yield* requests("e")
      const [f] = yield* requests("f")
      assert.deepStrictEqual(made().slice(6), ["e", "f"])
      yield* step(6, "succeed")
      yield* step(7, "succeed")
      assert.deepStrictEqual(answers([...sent, e!, f!]), ["under way", "under way", "under way", "d", "e", "f"])
    })
  )

  it.live("divides many requests that come at once, if nothing is under way and two calls may be", () =>
    Effect.gen(function* () {
      const sizesOf = (names: ReadonlyArray<string>) => names.map(({ length }) => length)
      const many = (count: number, first = 0) =>
        String.fromCodePoint(...Array.from({ length: count }, (_, i) => 200 + first + i))
      const both = yield* opened({ maxBatch: 500 })
      yield* both.requests(many(80))
      assert.deepStrictEqual(sizesOf(both.made()), [40, 40])
      yield* both.requests(many(100, 80))
      yield* both.step(0, "succeed")
      assert.deepStrictEqual(sizesOf(both.made()), [40, 40, 100])
      const few = yield* opened({ maxBatch: 500 })
      yield* few.requests(many(63))
      assert.deepStrictEqual(sizesOf(few.made()), [63])
      const single = yield* opened({ maxBatch: 500, maxInFlight: 1 })
      yield* single.requests(many(80))
      assert.deepStrictEqual(sizesOf(single.made()), [80])
      const limited = yield* opened({ maxBatch: 30 })
      yield* limited.requests(many(80))
      assert.deepStrictEqual(sizesOf(limited.made()), [30, 30])
    })
  )

  it.live("tries the requests of a call that the server has ended for its time alone, and each fails for itself", () =>
    Effect.gen(function* () {
      const { made, requests, step } = yield* opened({ maxInFlight: 2 })
      const sent = yield* requests("abcd")
      yield* step(0, "expire")
      // One after the other: a server that has too much to do gets no more at once than before.
      assert.deepStrictEqual(made(), ["abcd", "a"])
      yield* step(1, "expire")
      assert.deepStrictEqual(made().slice(2), ["b"])
      yield* step(2, "succeed")
      yield* step(3, "succeed")
      assert.deepStrictEqual(made().slice(3), ["c", "d"])
      yield* step(4, "block")
      // "d" waits for a lock, and the server ends its next call.
      yield* step(5, "expire")
      assert.deepStrictEqual(made().slice(5), ["d"])
      const [e] = yield* requests("e")
      yield* step(6, "succeed")
      assert.deepStrictEqual(answers([...sent, e!]), ["Unknown: expired", "b", "c", "Unknown: expired", "e"])
    })
  )

  for (const spare of [1, 2]) {
    it.live(`lets blocked requests take turns, ${spare} at once`, () =>
      Effect.gen(function* () {
        const { calls, made, requests, step } = yield* opened({ spare, maxInFlight: 4 })
        const sent = yield* requests("abc")
        for (const n of [0, 1, 2, 3]) yield* step(n, "block")
        assert.deepStrictEqual(made().slice(4), spare === 1 ? ["a"] : ["a", "b"])
        // A turn is short, so the others are tried long before their time is over.
        assert.isAtMost(calls[4]!.lockTimeout, 500)
        yield* pass(500)
        yield* step(4, "block")
        assert.deepStrictEqual(made().slice(4), spare === 1 ? ["a", "b"] : ["a", "b", "c"])
        yield* step(5, "succeed")
        assert.deepStrictEqual(made().at(-1), spare === 1 ? "c" : "a")
        assert.deepStrictEqual(answers(sent), ["under way", "b", "under way"])
      })
    )
  }

  it.live("ends a blocked request after its time, and one that a lower limit of its connection has ended at once", () =>
    Effect.gen(function* () {
      const { calls, made, requests, step } = yield* opened({})
      const [a] = yield* requests("a")
      yield* step(0, "block")
      for (let n = 1; answer(a!) === "under way"; n++) {
        assert.strictEqual(calls[n]?.names, "a")
        assert.isBelow(n, 30)
        yield* pass(calls[n]!.lockTimeout)
        yield* step(n, "block")
      }
      assert.strictEqual(answer(a!), "Timeout: blocked")
      const before = calls.length
      assert.isAbove(before, 10)
      const [b] = yield* requests("b")
      yield* step(before, "block")
      yield* pass(10)
      yield* step(before + 1, "block")
      assert.strictEqual(answer(b!), "Timeout: blocked")
      assert.lengthOf(made(), before + 2)
    })
  )

  it.live("splits a call that has done nothing until the guilty request stands alone", () =>
    Effect.gen(function* () {
      const { made, requests, step } = yield* opened({})
      const sent = yield* requests("abcd")
      yield* step(0, "refuse")
      yield* step(1, "succeed")
      yield* step(2, "refuse")
      yield* step(3, "refuse")
      yield* step(4, "succeed")
      assert.deepStrictEqual(made(), ["abcd", "ab", "cd", "c", "d"])
      assert.deepStrictEqual(answers(sent), ["a", "b", "Rejected: refused", "d"])
    })
  )

  it.live("never repeats a call that may have happened", () =>
    Effect.gen(function* () {
      const { made, requests, step } = yield* opened({})
      const sent = yield* requests("ab")
      yield* step(0, "lose")
      assert.deepStrictEqual(made(), ["ab"])
      assert.deepStrictEqual(answers(sent), ["Unavailable: lost", "Unavailable: lost"])
    })
  )

  it.live("sends nothing again after its time, and nothing that its caller no longer wants", () =>
    Effect.gen(function* () {
      const { made, requests, step } = yield* opened({})
      const [a, b] = yield* requests("ab")
      yield* Fiber.interrupt(a!)
      yield* step(0, "refuse")
      assert.deepStrictEqual(made(), ["ab", "b"])
      yield* step(1, "succeed")
      const late = yield* requests("cd")
      yield* pass(10_000)
      yield* step(2, "refuse")
      assert.lengthOf(made(), 3)
      for (const text of answers(late)) assert.match(text, /^Timeout: it did not get its turn/)
      assert.strictEqual(answer(b!), "b")
    })
  )

  it.live("ends a request that waits for its keys after its time, and names it", () =>
    Effect.gen(function* () {
      const { made, request, step } = yield* opened({})
      const first = yield* request("a", "key")
      yield* pass(1)
      const second = yield* request("b", "key")
      yield* pass(5_000)
      const third = yield* request("c", "key")
      yield* pass(4_999)
      assert.strictEqual(answer(second), "under way")
      yield* pass(1)
      assert.match(answer(second), /^Timeout: it did not get its turn within 10s, and has done nothing: b$/)
      // The time of the later one is over later.
      assert.strictEqual(answer(third), "under way")
      yield* step(0, "succeed")
      yield* step(1, "succeed")
      assert.deepStrictEqual(made(), ["a", "c"])
      assert.deepStrictEqual(answers([first, third]), ["a", "c"])
    })
  )

  it.live("gives the keys of a request that is interrupted to the next, whether it waited or was under way", () =>
    Effect.gen(function* () {
      const { calls, made, request, step } = yield* opened({})
      const a = yield* request("a", "key")
      yield* settle
      const b = yield* request("b", "key")
      const c = yield* request("c", "key")
      yield* Fiber.interrupt(b)
      yield* settle
      assert.deepStrictEqual(made(), ["a"])
      yield* Fiber.interrupt(a)
      yield* settle
      assert.isTrue(calls[0]!.isInterrupted)
      assert.deepStrictEqual(made(), ["a", "c"])
      yield* step(1, "succeed")
      assert.strictEqual(answer(c), "c")
    })
  )

  it.live(
    "gives the keys of a blocked request to the next if its caller has gone, also while others have their turns",
    () =>
      Effect.gen(function* () {
        const { made, request, requests, step } = yield* opened({ maxInFlight: 1, spare: 1 })
        yield* requests("x")
        yield* step(0, "block")
        const [a] = yield* requests("abc")
        yield* step(2, "block")
        assert.deepStrictEqual(made(), ["x", "x", "abc", "a"])
        yield* Fiber.interrupt(a!)
        const next = yield* request("n", "a")
        yield* step(3, "block")
        yield* step(4, "succeed")
        yield* step(5, "succeed")
        assert.deepStrictEqual(made().slice(4), ["b", "c", "n"])
        yield* step(6, "succeed")
        assert.strictEqual(answer(next), "n")
      })
  )

  it.live("interrupts a call only if nobody wants it any more, and a request that left it goes on", () =>
    Effect.gen(function* () {
      const { calls, made, requests, step } = yield* opened({ maxInFlight: 1 })
      const [a, b, c] = yield* requests("abc")
      yield* Fiber.interrupt(a!)
      yield* settle
      assert.isFalse(calls[0]!.isInterrupted)
      yield* step(0, "block")
      yield* step(1, "block")
      // "b" waits alone now, and "c" is in the shared call.
      assert.deepStrictEqual(made(), ["abc", "b", "b", "c"])
      yield* Fiber.interrupt(c!)
      yield* settle
      assert.isTrue(calls[3]!.isInterrupted)
      assert.isFalse(calls[2]!.isInterrupted)
      // The place of the shared call is free again.
      const [d] = yield* requests("d")
      yield* step(4, "succeed")
      yield* step(2, "succeed")
      assert.deepStrictEqual(answers([b!, d!]), ["b", "d"])
    })
  )

  it.live("begins another call when one has become slow, up to the spare places, which come back", () =>
    Effect.gen(function* () {
      const { made, requests, step } = yield* opened({ maxInFlight: 1, spare: 2, maxBatch: 1 })
      yield* requests("abcdefg")
      assert.deepStrictEqual(made(), ["a"])
      yield* pass(499)
      assert.deepStrictEqual(made(), ["a"])
      yield* pass(1)
      assert.deepStrictEqual(made(), ["a", "b"])
      yield* pass(500)
      yield* pass(500)
      yield* pass(500)
      assert.deepStrictEqual(made(), ["a", "b", "c"])
      // All three are slow. The end of one of them makes room for one.
      yield* step(0, "succeed")
      assert.deepStrictEqual(made(), ["a", "b", "c", "d"])
      yield* step(1, "succeed")
      yield* step(2, "succeed")
      assert.deepStrictEqual(made(), ["a", "b", "c", "d"])
      yield* step(3, "succeed")
      assert.deepStrictEqual(made(), ["a", "b", "c", "d", "e"])
    })
  )

  it.live("fails what waits and what is under way when it is closed, and what comes later", () =>
    Effect.gen(function* () {
      const { calls, request, requests, scope } = yield* opened({ maxInFlight: 1, maxBatch: 1 })
      const sent = yield* requests("abc")
      yield* Scope.close(scope, Exit.void)
      yield* settle
      const late = yield* request("d")
      assert.isTrue(calls[0]!.isInterrupted)
      assert.lengthOf(calls, 1)
      assert.deepStrictEqual(
        answers([...sent, late]),
        [1, 2, 3, 4].map(() => "Unavailable: the store is closed")
      )
    })
  )
})
