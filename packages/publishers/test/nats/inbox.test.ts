import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, type Publisher } from "@hexfold/core"
import { CloudEvent, NatsInbox, NatsPublisher } from "@hexfold/publishers/nats"
import { type ConsumerConfig, jetstream } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Deferred, Effect, Fiber, Logger, Metric, Schedule, type Scope, Stream } from "effect"
import { charge, putAside, recorded } from "../support/billing.ts"
import { message, tags } from "../support/messages.ts"
import { isInstalled, manager, natsServer } from "../support/natsServer.ts"

const ackWait = 1e9
const billing = { durable_name: "billing", ack_policy: "explicit", max_ack_pending: 1, ack_wait: ackWait } as const

/** A server with the stream `orders` and its consumer `billing`. */
const opened = Effect.gen(function* () {
  const server = yield* natsServer
  const { consumers, streams } = yield* manager(server.connection)
  const make = (config: Partial<ConsumerConfig> = {}, stream: object = {}) =>
    Effect.tryPromise(async () => {
      await streams.add({ name: "orders", subjects: ["orders.v1.*"], ...stream })
      await consumers.add("orders", { ...billing, ...config })
    }).pipe(Effect.retry({ times: 3 }))
  const info = Effect.retry(
    Effect.tryPromise(() => consumers.info("orders", "billing")),
    Schedule.forever
  )
  /** Waits until nothing is left to be handled. */
  const isDone = Effect.repeat(info, {
    until: ({ num_ack_pending, num_pending }) => num_ack_pending + num_pending === 0,
    schedule: Schedule.spaced("20 millis")
  })
  const publish = (...given: ReadonlyArray<Publisher.Message>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const publisher = yield* NatsPublisher.make({ connection: server.connection })
        return tags(yield* publisher.publish(given))
      })
    )
  const options = { connection: server.connection, stream: "orders", consumer: "billing" }
  return { ...server, consumers, info, isDone, make, options, publish, streams }
})

type Opened = Effect.Success<typeof opened>

const running = (
  { options }: Opened,
  more: Partial<NatsInbox.Options<unknown, EventStore.EventStore, unknown, EventStore.EventStore>> = {}
) =>
  Effect.forkScoped(
    NatsInbox.run({ ...options, handle: charge, onPoison: putAside, retry: Schedule.recurs(1), ...more }),
    { startImmediately: true }
  )

const of = (key: string, cents: number, more: Partial<Publisher.Message> = {}) =>
  message({ key, body: { cents }, ...more })

/** Runs a test with a store in memory, and what was logged. */
const test = (
  name: string,
  body: (logged: ReadonlyArray<string>) => Effect.Effect<unknown, unknown, EventStore.EventStore | Scope.Scope>
) =>
  it.live(name, () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ message }) => void logged.push(String(message)))
    return body(logged).pipe(
      Effect.scoped,
      Effect.provide(MemoryStores.layer()),
      Effect.provide(Logger.layer([logger]))
    )
  })

describe.skipIf(!isInstalled)("an inbox", () => {
  test("executes each message as a command, in the order of the stream, under the id of the message", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      const given = [of("a", 1), of("b", 2), of("a", 3), of("b", 4)]
      yield* running(server)
      assert.deepStrictEqual(yield* server.publish(...given), ["Taken", "Taken", "Taken", "Taken"])
      yield* server.isDone
      const events = yield* Stream.runCollect((yield* EventStore.EventStore).readAll())
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1", "Bill-b 2", "Bill-a 3", "Bill-b 4"])
      assert.deepStrictEqual(
        events.map(({ metadata: { causationId, correlationId } }) => [causationId, correlationId]),
        given.map(({ correlationId, id }) => [id, correlationId])
      )
    }))

  test("executes a message once that the stream has twice, because its window of de-duplication has passed", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make({}, { duplicate_window: 100e6 })
      const given = of("a", 1)
      // Each time the sender does not know whether the former one has arrived.
      const state = Effect.promise(async () => (await server.streams.info("orders")).state)
      yield* Effect.repeat(Effect.andThen(server.publish(given), state), {
        until: ({ messages }) => messages >= 3,
        schedule: Schedule.spaced("50 millis")
      })
      yield* running(server)
      yield* server.publish(of("a", 2))
      yield* server.isDone
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1", "Bill-a 2"])
    }))

  test("acknowledges a message whose command is rejected, and goes on", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      yield* running(server)
      yield* server.publish(of("a", 5_000), of("a", 1))
      yield* server.isDone
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1"])
    }))

  test("waits for a store that cannot be reached, and lets no later message come first", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      let attempts = 0
      const handled: Array<unknown> = []
      yield* running(server, {
        handle: (each, commandId) => {
          // More often than the retries of other errors.
          if (++attempts < 5) return Effect.fail({ isRetryable: true })
          handled.push(each.body)
          return charge(each, commandId)
        }
      })
      yield* server.publish(of("a", 1), of("b", 2))
      yield* server.isDone
      assert.deepStrictEqual(handled, [{ cents: 1 }, { cents: 2 }])
    }))

  test("keeps a message for longer than the ack wait while it is handled", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      const release = yield* Deferred.make<void>()
      const link = yield* Effect.acquireRelease(
        Effect.promise(() => connect(server.connection)),
        (each) => Effect.promise(() => each.close())
      )
      let holds = 0
      link.subscribe("$JS.ACK.>", {
        callback: (_, { data }) => void (new TextDecoder().decode(data) === "+WPI" && holds++)
      })
      const handled: Array<string> = []
      const handle = (each: Publisher.Message, commandId: string) => {
        handled.push(each.id)
        return Effect.andThen(Deferred.await(release), charge(each, commandId))
      }
      yield* running(server, { handle })
      yield* running(server, { handle })
      const given = of("a", 1)
      yield* server.publish(given, of("a", 2))
      // A message is held every third of the ack wait.
      yield* Effect.repeat(
        Effect.sync(() => holds),
        {
          until: (count) => count >= 8,
          schedule: Schedule.spaced("50 millis")
        }
      )
      assert.deepStrictEqual(handled, [given.id])
      yield* Deferred.succeed(release, undefined)
      yield* server.isDone
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1", "Bill-a 2"])
    }))

  test("repeats without effect what a process still executes that was given the message before", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      const given = of("a", 1)
      yield* server.publish(given, of("a", 2))
      // The other process takes the message, and does not say that it is at work.
      const link = yield* Effect.acquireRelease(
        Effect.promise(() => connect(server.connection)),
        (each) => Effect.promise(() => each.close())
      )
      const taken = yield* Effect.promise(async () => (await jetstream(link).consumers.get("orders", "billing")).next())
      yield* running(server)
      yield* server.isDone
      yield* charge(given, CloudEvent.commandIdOf(given))
      taken?.ack()
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1", "Bill-a 2"])
    }))

  test("records what it cannot handle, and goes on with the next message", (logged) =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      yield* running(server, {
        handle: (each, commandId) => {
          if (each.key === "c") throw new Error("a mistake of the program")
          return charge(each, commandId)
        }
      })
      const link = yield* Effect.acquireRelease(
        Effect.promise(() => connect(server.connection)),
        (each) => Effect.promise(() => each.close())
      )
      yield* Effect.promise(() => jetstream(link).publish("orders.v1.x", "no message"))
      yield* server.publish(of("a", 1), message({ key: "b", body: { cents: "x" } }), of("c", 3), of("a", 4))
      yield* server.isDone
      const all = yield* recorded
      assert.deepStrictEqual(
        all.map((each) => each.slice(0, 40)),
        [
          "DeadMessages-orders.v1.x not a message of a publication: the payload is not JSON",
          "Bill-a 1",
          all[2]!,
          "DeadMessages-orders.v1.c a mistake of the program",
          "Bill-a 4"
        ].map((each) => each.slice(0, 40))
      )
      assert.match(all[2]!, /^DeadMessages-orders\.v1\.b Expected/)
      assert.strictEqual(logged.filter((each) => each.includes("aside")).length, 3)
    }))

  test("without a place for what it cannot handle it stops before it, and loses nothing", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      yield* server.publish(of("a", 1), message({ key: "b", body: "?" }), of("a", 3))
      const error = yield* Effect.flip(NatsInbox.run({ ...server.options, handle: charge, retry: Schedule.recurs(1) }))
      assert.strictEqual(error._tag, "InboxStopped")
      assert.match(
        error.message,
        /^the inbox "billing" of the stream "orders" has stopped: message 2 cannot be handled:/
      )
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1"])
      yield* running(server)
      yield* server.isDone
      assert.deepStrictEqual((yield* recorded).at(-1), "Bill-a 3")
    }))

  test("that is slow tells how many messages are behind, and handles each", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      const given = Array.from({ length: 200 }, (_, i) => of(`k${i % 3}`, i))
      yield* server.publish(...given)
      const release = yield* Deferred.make<void>()
      yield* running(server, {
        handle: (each, commandId) => Effect.andThen(Deferred.await(release), charge(each, commandId))
      })
      const pending = Effect.map(Metric.snapshot, (all) => {
        const gauge = all.find(({ id }) => id === "hexfold_inbox_pending")
        return gauge?.type === "Gauge" ? Number(gauge.state.value) : undefined
      })
      yield* Effect.repeat(pending, { until: (count) => count === 199, schedule: Schedule.spaced("10 millis") })
      yield* Deferred.succeed(release, undefined)
      yield* server.isDone
      assert.strictEqual(yield* pending, 0)
      assert.strictEqual((yield* recorded).length, 200)
    }))

  test("gives a message that it has not settled to the next process at once when it is ended", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make({ ack_wait: 3_600e9 })
      const begun = yield* Deferred.make<void>()
      const first = yield* running(server, {
        handle: () => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
      })
      yield* server.publish(of("a", 1))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(first)
      yield* running(server)
      yield* server.isDone
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1"])
    }))

  test("keeps the order over several processes that end and begin while messages come", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      const count = 300
      const given = Array.from({ length: count }, (_, i) => of(`k${i % 7}`, i))
      const sending = yield* Effect.forkScoped(server.publish(...given), { startImmediately: true })
      let inboxes = [yield* running(server), yield* running(server)]
      const length = Effect.map(recorded, (all) => all.length)
      for (const at of [20, 60, 120, 200]) {
        yield* Effect.repeat(length, { until: (now) => now >= at, schedule: Schedule.spaced("5 millis") })
        yield* Fiber.interrupt(inboxes[0]!)
        inboxes = [inboxes[1]!, yield* running(server)]
      }
      yield* Fiber.join(sending)
      yield* server.isDone
      const all = yield* recorded
      assert.strictEqual(all.length, count)
      for (let k = 0; k < 7; k++) {
        const own = all.filter((each) => each.startsWith(`Bill-k${k} `)).map((each) => Number(each.split(" ")[1]))
        assert.deepStrictEqual(
          own,
          own.toSorted((a, b) => a - b)
        )
      }
    }))

  test("makes room in a stream that is full and takes no more, and the sender goes on", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make({}, { max_msgs: 3, discard: "new", retention: "workqueue" })
      const publisher = yield* NatsPublisher.make({
        connection: server.connection,
        retry: Schedule.recurs(0)
      })
      const given = Array.from({ length: 20 }, (_, i) => of("a", i))
      assert.include(tags(yield* publisher.publish(given)), "Failed")
      yield* running(server)
      let left = given
      yield* Effect.repeat(
        Effect.gen(function* () {
          const outcomes = yield* publisher.publish(left)
          left = left.filter((_, i) => outcomes[i]?._tag !== "Taken")
          return left.length
        }),
        { until: (count) => count === 0, schedule: Schedule.spaced("10 millis") }
      )
      yield* server.isDone
      assert.deepStrictEqual(
        yield* recorded,
        given.map((_, i) => `Bill-a ${i}`)
      )
    }))
})

describe.skipIf(!isInstalled)("what is lost is told", () => {
  test("messages that a stream has dropped before they were handled", (logged) =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make({}, { max_msgs: 3, discard: "old" })
      const first = yield* running(server)
      yield* server.publish(of("a", 100))
      yield* server.isDone
      yield* Fiber.interrupt(first)
      yield* server.publish(...Array.from({ length: 10 }, (_, i) => of("a", i)))
      yield* running(server)
      yield* server.isDone
      assert.deepStrictEqual(yield* recorded, ["Bill-a 100", "Bill-a 7", "Bill-a 8", "Bill-a 9"])
      assert.include(logged.join("\n"), 'the stream "orders" drops messages that the inbox "billing" has not handled')
      assert.include(
        logged.join("\n"),
        '7 messages of the stream "orders" were gone before the inbox "billing" was given'
      )
    }))

  test("nothing is told where nothing is lost, also to an inbox that begins in the middle", (logged) =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      yield* server.publish(of("a", 1), of("a", 2))
      yield* Effect.promise(async () => {
        await server.consumers.delete("orders", "billing")
        await server.consumers.add("orders", { ...billing, deliver_policy: "new" })
      })
      const first = yield* running(server)
      yield* server.publish(of("a", 3), of("a", 4))
      yield* server.isDone
      yield* Fiber.interrupt(first)
      yield* running(server)
      yield* server.publish(of("a", 5))
      yield* server.isDone
      assert.deepStrictEqual(yield* recorded, ["Bill-a 3", "Bill-a 4", "Bill-a 5"])
      assert.deepStrictEqual(logged, [])
    }))

  test("a server that comes back with an empty storage", () =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      const inbox = yield* running(server)
      yield* server.publish(of("a", 1))
      yield* server.isDone
      yield* Effect.promise(async () => {
        await server.stop("SIGKILL")
        server.empty()
        await server.start()
      })
      const error = yield* Effect.flip(Fiber.join(inbox))
      assert.strictEqual(error._tag, "InboxStopped")
      assert.include(error.message, "the stream or the consumer is gone, and with it what was not handled")
      const again = yield* Effect.flip(NatsInbox.run({ ...server.options, handle: charge }))
      assert.include(again.message, "there is no such stream, or no such consumer of it: make both before")
      // The sender is told too.
      const publisher = yield* NatsPublisher.make({ connection: server.connection, retry: Schedule.recurs(0) })
      assert.deepStrictEqual(tags(yield* publisher.publish([of("a", 2)])), ["Failed"])
    }))

  test("a stream that was made anew, by the publisher, once", (logged) =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      const publisher = yield* NatsPublisher.make({ connection: server.connection })
      const many = () => Array.from({ length: 40 }, (_, i) => of(`k${i}`, i))
      yield* publisher.publish(many())
      const again = many()
      yield* publisher.publish(again)
      // The stream has them.
      yield* publisher.publish(again)
      assert.deepStrictEqual(logged, [])
      yield* Effect.promise(async () => {
        await server.streams.delete("orders")
        await server.streams.add({ name: "orders", subjects: ["orders.v1.*"] })
      })
      for (let i = 0; i < 3; i++) yield* publisher.publish(many())
      assert.deepStrictEqual(logged, [
        'hexfold: the stream "orders" was made anew: it had 80 messages, and what nobody had handled of them is lost'
      ])
    }))

  test("a stream that was made anew while the inbox was disconnected", (logged) =>
    Effect.gen(function* () {
      const server = yield* opened
      yield* server.make()
      // It does not notice before the stream is there again.
      yield* Effect.forkScoped(
        NatsInbox.run({
          ...server.options,
          connection: { ...server.connection, reconnectDelayHandler: () => 6_000 },
          handle: charge
        }),
        { startImmediately: true }
      )
      yield* server.publish(of("a", 1), of("a", 2))
      yield* server.isDone
      yield* Effect.promise(async () => {
        await server.stop("SIGKILL")
        server.empty()
        await server.start()
      })
      yield* server.make()
      yield* server.publish(of("a", 3))
      yield* server.isDone
      assert.deepStrictEqual(yield* recorded, ["Bill-a 1", "Bill-a 2", "Bill-a 3"])
      assert.include(logged.join("\n"), 'the stream "orders" was made anew')
    }))
})

describe.skipIf(!isInstalled)("a consumer that would lose or swap messages is refused:", () => {
  const cases: ReadonlyArray<readonly [what: string, config: Partial<ConsumerConfig>, said: string]> = [
    ["several at once", { max_ack_pending: 100 }, "max_ack_pending must be 1"],
    ["a limit of deliveries", { max_deliver: 5 }, "drops a message after 5 deliveries"],
    ["no acknowledgements", { ack_policy: "none", max_ack_pending: 0 }, "does not have each message acknowledged"],
    ["all at once acknowledged", { ack_policy: "all" }, "does not have each message acknowledged"],
    ["one that pushes", { deliver_subject: "pushed" }, "pushes messages"]
  ]
  for (const [what, config, said] of cases) {
    test(what, () =>
      Effect.gen(function* () {
        const server = yield* opened
        yield* server.make(config)
        const error = yield* Effect.flip(NatsInbox.run({ ...server.options, handle: charge }))
        assert.strictEqual(error._tag, "InboxStopped")
        assert.include(error.message, said)
      })
    )
  }
})

it("the command id of a message is another one for every other message", () => {
  const ids = [
    { source: "/a", id: "b c" },
    { source: "/a b", id: "c" },
    { source: "/a%20b", id: "c" },
    { source: "/a", id: "b%20c" }
  ].map(CloudEvent.commandIdOf)
  assert.strictEqual(new Set(ids).size, ids.length)
  assert.strictEqual(CloudEvent.commandIdOf(message({ id: "7" })), "message:/shop/orders 7")
})
