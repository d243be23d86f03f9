import { assert, describe, it } from "@effect/vitest"
import type { Publisher } from "@hexfold/core"
import { NatsMessage, NatsPublisher } from "@hexfold/publishers/nats"
import { Effect, Fiber, Schedule } from "effect"
import { errorOf, message, tags } from "../support/messages.ts"
import { isInstalled, manager, natsServer } from "../support/natsServer.ts"

/** A server, what manages its streams, and the stream `orders`. */
const opened = Effect.gen(function* () {
  const server = yield* natsServer
  const { streams } = yield* manager(server.connection)
  yield* Effect.promise(() => streams.add({ name: "orders", subjects: ["orders.v1.*"] }))
  // An answer may get lost with the server.
  const state = Effect.map(
    Effect.retry(
      Effect.tryPromise(() => streams.info("orders")),
      Schedule.forever
    ),
    (info) => info.state
  )
  const stored = Effect.gen(function* () {
    const { messages } = yield* state
    return yield* Effect.forEach(
      Array.from({ length: messages }, (_, i) => i + 1),
      (seq) =>
        Effect.flatMap(
          Effect.promise(() => streams.getMessage("orders", { seq })),
          (each) => NatsMessage.decode({ headers: each!.header, data: each!.data })
        )
    )
  })
  /** Waits until the stream has so many messages. */
  const reaches = (count: number) => Effect.repeat(state, { until: ({ messages }) => messages >= count })
  return { ...server, reaches, streams, stored }
})

const once = { retry: Schedule.recurs(0) }

/** Publishes what is not taken again and again, as an application does. Returns the ids in the order in which they were taken. */
const untilTaken = (publisher: Publisher.Publisher["Service"], given: ReadonlyArray<Publisher.Message>, size: number) =>
  Effect.gen(function* () {
    let left = given
    const taken: Array<string> = []
    while (left.length > 0) {
      const batch = left.slice(0, size)
      const outcomes = yield* publisher.publish(batch)
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome._tag === "Taken") taken.push(batch[i]!.id)
        if (outcome._tag === "Failed") assert.isTrue(outcome.error.isRetryable, outcome.error.message)
      }
      left = left.filter((_, i) => outcomes[i]?._tag !== "Taken")
    }
    return taken
  })

const keys = ["a", "b", "c", "d"]
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => message({ key: keys[i % keys.length]!, body: i }))

/** Every message is there, and those of each key have their order, without the copies of a message. */
const isComplete = (stored: ReadonlyArray<Publisher.Message>, given: ReadonlyArray<Publisher.Message>) => {
  for (const key of keys) {
    const ids = [...new Set(stored.filter((each) => each.key === key).map(({ id }) => id))]
    assert.deepStrictEqual(
      ids,
      given.filter((each) => each.key === key).map(({ id }) => id)
    )
  }
}

describe.skipIf(!isInstalled)("a server of NATS", () => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it.live(`that is ended by ${signal} while messages are sent, and started again, loses and swaps none`, () =>
      Effect.gen(function* () {
        const { connection, reaches, start, stop, stored } = yield* opened
        const publisher = yield* NatsPublisher.make({ connection, stream: "orders", acknowledgementLimit: "2 seconds" })
        const given = many(2_000)
        const sending = yield* Effect.forkChild(untilTaken(publisher, given, 200), { startImmediately: true })
        for (const at of [200, 700, 1_200]) {
          yield* reaches(at)
          yield* Effect.promise(async () => {
            await stop(signal)
            await start()
          })
        }
        assert.strictEqual((yield* Fiber.join(sending)).length, given.length)
        isComplete(yield* stored, given)
      })
    )
  }

  it.live("that is restarted during one call makes the call longer, and no message fails", () =>
    Effect.gen(function* () {
      const { connection, reaches, start, stop, stored } = yield* opened
      const publisher = yield* NatsPublisher.make({
        connection,
        retry: Schedule.spaced("50 millis"),
        limit: "2 minutes"
      })
      const given = many(2_000)
      const calling = yield* Effect.forkChild(publisher.publish(given), { startImmediately: true })
      yield* reaches(200)
      yield* Effect.promise(async () => {
        await stop("SIGKILL")
        await start()
      })
      assert.deepStrictEqual([...new Set(tags(yield* Fiber.join(calling)))], ["Taken"])
      isComplete(yield* stored, given)
    })
  )

  it.live("that is not there makes messages fail at once, until it is there again", () =>
    Effect.gen(function* () {
      const { connection, start, stop } = yield* opened
      const hour = { acknowledgementLimit: "1 hour", limit: "1 hour" } as const
      const publisher = yield* NatsPublisher.make({ connection, ...once, ...hour })
      yield* Effect.promise(() => stop("SIGKILL"))
      // The first one may still find the connection, and lose it.
      yield* publisher.publish([message()])
      const failed = errorOf((yield* publisher.publish([message()]))[0])
      assert.strictEqual(failed.reason._tag, "Unavailable")
      assert.include(failed.message, "there is no connection to NATS")
      yield* Effect.promise(() => start())
      const outcomes = yield* Effect.repeat(publisher.publish([message()]), {
        until: ([outcome]) => outcome?._tag === "Taken",
        schedule: Schedule.spaced("20 millis")
      })
      assert.deepStrictEqual(tags(outcomes), ["Taken"])
    })
  )

  it.live("stores a message once that is published again within the window of its stream", () =>
    Effect.gen(function* () {
      const { connection, stored } = yield* opened
      const given = [message({ id: "1" }), message({ id: "2" }), message({ id: "1", source: "/shop/payments" })]
      for (let i = 0; i < 3; i++) {
        const publisher = yield* NatsPublisher.make({ connection })
        assert.deepStrictEqual(tags(yield* publisher.publish(given)), ["Taken", "Taken", "Taken"])
      }
      assert.deepStrictEqual(yield* stored, given)
    }).pipe(Effect.scoped)
  )

  it.live("without a stream for the publication: the error says which subject no stream takes", () =>
    Effect.gen(function* () {
      const { connection } = yield* opened
      const publisher = yield* NatsPublisher.make({ connection, ...once })
      const error = errorOf((yield* publisher.publish([message({ publication: "payments.v1", key: "a b" })]))[0])
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.include(
        error.message,
        `no stream takes the subject "payments.v1.a%20b": is there one with "payments.v1.*"`
      )
    })
  )

  it.live("without the stream that the publisher names: it does not open, and says so", () =>
    Effect.gen(function* () {
      const { connection } = yield* opened
      const error = yield* Effect.flip(NatsPublisher.make({ connection, stream: "payments" }))
      assert.strictEqual(error._tag, "NatsUnavailable")
      assert.include(error.message, `there is no stream "payments": make it`)
    })
  )

  it.live("whose other stream would take a message: it is not stored there", () =>
    Effect.gen(function* () {
      const { connection, stored, streams } = yield* opened
      yield* Effect.promise(() => streams.add({ name: "payments", subjects: ["payments.v1.*"] }))
      const publisher = yield* NatsPublisher.make({ connection, stream: "payments", ...once })
      const error = errorOf((yield* publisher.publish([message()]))[0])
      assert.isTrue(error.isRetryable)
      assert.strictEqual(error.code, 10_060)
      assert.deepStrictEqual(yield* stored, [])
    })
  )

  it.live("refuses a message that is larger than its max_payload, and goes on with others", () =>
    Effect.gen(function* () {
      const { connection, stored } = yield* opened
      const publisher = yield* NatsPublisher.make({ connection })
      const [large, small] = [message({ body: "x".repeat(1 << 20) }), message({ key: "other" })]
      const outcomes = yield* publisher.publish([large, small])
      const error = errorOf(outcomes[0])
      assert.strictEqual(error.reason._tag, "Rejected")
      assert.include(error.message, "larger than the max_payload of 1048576 bytes of the server")
      assert.strictEqual(error.attempts, 1)
      assert.deepStrictEqual(yield* stored, [small])
    })
  )

  it.live("whose max_payload became smaller while it was away: a large message is refused, others are not", () =>
    Effect.gen(function* () {
      const { connection, start, stop } = yield* opened
      const publisher = yield* NatsPublisher.make({
        connection,
        limit: "1 minute",
        retry: Schedule.spaced("50 millis")
      })
      yield* Effect.promise(async () => {
        await stop("SIGKILL")
        await start("max_payload: 2000")
      })
      const outcomes = yield* publisher.publish([message({ body: "x".repeat(4_000) }), message({ key: "other" })])
      assert.include(errorOf(outcomes[0]).message, "larger than the max_payload of 2000 bytes")
      assert.strictEqual(outcomes[1]?._tag, "Taken")
    })
  )

  it.live("whose stream is full cannot take messages, and one whose message is too large for it refuses them", () =>
    Effect.gen(function* () {
      const { connection, streams } = yield* opened
      const limits = { max_msgs: 1, discard: "new", max_msg_size: 2_000 } as const
      yield* Effect.promise(() => streams.update("orders", limits))
      const publisher = yield* NatsPublisher.make({ connection, ...once })
      const outcomes = yield* publisher.publish([
        message(),
        message(),
        message({ key: "large", body: "x".repeat(2_000) })
      ])
      assert.strictEqual(outcomes[0]?._tag, "Taken")
      assert.isTrue(errorOf(outcomes[1]).isRetryable, errorOf(outcomes[1]).message)
      assert.strictEqual(errorOf(outcomes[2]).reason._tag, "Rejected")
      assert.strictEqual(errorOf(outcomes[2]).code, 10_054)
    })
  )

  it.live("that does not permit a subject refuses its messages", () =>
    Effect.gen(function* () {
      const { connection, start, stop } = yield* opened
      yield* Effect.promise(async () => {
        await stop("SIGTERM")
        await start(`authorization { users: [
          { user: hexfold, password: "${connection.pass}", permissions: { publish: { deny: "orders.v1.secret" } } }
        ] }`)
      })
      const publisher = yield* NatsPublisher.make({ connection, ...once })
      const outcomes = yield* publisher.publish([message({ key: "secret" }), message()])
      assert.strictEqual(errorOf(outcomes[0]).reason._tag, "Rejected", errorOf(outcomes[0]).message)
      assert.include(errorOf(outcomes[0]).message, "does not permit")
      assert.strictEqual(outcomes[1]?._tag, "Taken")
    })
  )

  it.live("that does not answer makes the call end at its limit, and it goes on when it answers again", () =>
    Effect.gen(function* () {
      const { connection, freeze, stored } = yield* opened
      const publisher = yield* NatsPublisher.make({ connection, limit: "500 millis" })
      const given = message()
      const thaw = yield* freeze
      const error = errorOf((yield* publisher.publish([given]))[0])
      assert.strictEqual(error.reason._tag, "Timeout")
      thaw()
      const outcomes = yield* Effect.repeat(publisher.publish([given]), {
        until: ([outcome]) => outcome?._tag === "Taken"
      })
      assert.deepStrictEqual(tags(outcomes), ["Taken"])
      // The first one may have come, too: JetStream knows it by its id.
      assert.deepStrictEqual(yield* stored, [given])
    })
  )

  it.live("that is lost before it has answered: the message fails at once, not after the limit of its answer", () =>
    Effect.gen(function* () {
      const { connection, freeze, stop } = yield* opened
      const publisher = yield* NatsPublisher.make({
        connection,
        ...once,
        acknowledgementLimit: "1 hour",
        limit: "1 hour"
      })
      yield* freeze
      const calling = yield* Effect.forkChild(publisher.publish([message()]), { startImmediately: true })
      yield* Effect.promise(() => stop("SIGKILL"))
      const error = errorOf((yield* Fiber.join(calling))[0])
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.include(error.message, "lost before an answer came")
    })
  )

  it.live("is left when the publisher's scope ends", () =>
    Effect.gen(function* () {
      const { connections, connection } = yield* opened
      const before = yield* connections
      yield* Effect.scoped(
        Effect.gen(function* () {
          const publisher = yield* NatsPublisher.make({ connection })
          yield* publisher.publish([message()])
          assert.strictEqual(yield* connections, before + 1)
        })
      )
      yield* Effect.repeat(connections, { until: (now) => now === before, schedule: Schedule.spaced("10 millis") })
    })
  )

  it.live("with a wrong password: the publisher does not open, and the error does not have the password", () =>
    Effect.gen(function* () {
      const { connection } = yield* opened
      const error = yield* Effect.flip(NatsPublisher.make({ connection: { ...connection, pass: "a-wrong-password" } }))
      assert.strictEqual(error._tag, "NatsUnavailable")
      assert.notInclude(`${JSON.stringify(error)} ${String(error.cause)}`, "a-wrong-password")
    })
  )
})
