import { assert } from "@effect/vitest"
import { Aggregate, Decision, Executor, Metadata, Subscription } from "@hexfold/core"
import { Effect, Exit, Fiber, Schedule, Schema, Stream } from "effect"
import { versionOf } from "../eventStore/streams.ts"
import { type Node, open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { Bounced, eventsOf, newName, on, pay, paymentsOf, type Received, received } from "./payments.ts"

const together = { concurrency: "unbounded" } as const

const Count = Schema.TaggedStruct("Count", {})
const Counted = Schema.TaggedStruct("Counted", {})

/** An aggregate that no other case uses. */
const newCounter = () =>
  Aggregate.make(`Counter_${crypto.randomUUID().replaceAll("-", "")}`, {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [Count],
    events: [Counted],
    decide: { Count: () => Decision.accept(Counted.make({})) },
    evolve: { Counted: (count) => count + 1 }
  })

const centsOf = (event: Received | Bounced): number => (event._tag === "Received" ? event.cents : -1)

/** The promises of publishing, on this store. */
export const publishing: Cases = {
  "what is published follows what its key has already, and the receipt says where it is": Effect.gen(function* () {
    const node = yield* open
    const topic = paymentsOf(newName())
    const one = yield* Executor.publish(topic, 17, received(100)).pipe(on(node))
    const bounced = new Bounced({ reasons: ["closed", { code: 3 }] })
    const two = yield* Executor.publish(topic, 17, [bounced, received(200)]).pipe(on(node))
    const other = yield* Executor.publish(topic, 18, received(300)).pipe(on(node))
    assert.deepStrictEqual(
      [one, two, other].map(({ attempts, repeated, streamId, version }) => [streamId, version, attempts, repeated]),
      [
        [`${topic.name}-17`, 1, 1, false],
        [`${topic.name}-17`, 3, 1, false],
        [`${topic.name}-18`, 1, 1, false]
      ]
    )
    const events = [...one.events, ...two.events, ...other.events]
    assert.deepStrictEqual(
      events.map(({ data }) => data),
      [received(100), bounced, received(200), received(300)]
    )
    assert.deepStrictEqual(
      [one, two, other].map(({ position }) => position),
      [events[0]!, events[2]!, events[3]!].map(({ position }) => position)
    )
    const positions = events.map(({ position }) => position)
    assert.deepStrictEqual(
      [...positions].sort((a, b) => a - b),
      positions
    )
    const stored = yield* Stream.runCollect(node.eventStore.readStream(topic.streamId(17)))
    assert.deepStrictEqual(
      stored.map(({ data, schemaVersion, type }) => [type, schemaVersion, data]),
      [
        ["Received", 2, { cents: 100, note: "" }],
        ["Bounced", 1, { reasons: ["closed", { code: 3 }] }],
        ["Received", 2, { cents: 200, note: "" }]
      ]
    )
    assert.deepStrictEqual(yield* eventsOf(node, topic), events)
  }),

  "several events are published together: nobody's event comes between them": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    const topic = paymentsOf(newName())
    const receipts = yield* Effect.forEach(
      Array.from({ length: 60 }, (_, i) => 3 * i),
      (first, i) => pay(nodes[i % 2]!, topic, 1, first, first + 1, first + 2),
      together
    )
    const stored = yield* Stream.runCollect(nodes[0]!.eventStore.readStream(topic.streamId(1)))
    const cents = stored.map(({ data }) => (data as { readonly cents: number }).cents)
    assert.strictEqual(cents.length, 180)
    for (let i = 0; i < 180; i += 3)
      assert.deepStrictEqual(
        cents.slice(i, i + 3),
        [0, 1, 2].map((n) => cents[i]! + n)
      )
    assert.deepStrictEqual(
      receipts.map(({ version }) => version).sort((a, b) => a - b),
      Array.from({ length: 60 }, (_, i) => 3 * (i + 1))
    )
    for (const { events, version } of receipts) assert.strictEqual(cents[version - 1], centsOf(events[2]!.data))
  }),

  "publishing beside commands and other publishers never conflicts, and nothing is lost or doubled": needs(
    "otherProcesses"
  )(function* () {
    const nodes = [yield* open, yield* open]
    const [topic, counter] = [paymentsOf(newName()), newCounter()]
    const never = { retry: Schedule.recurs(0), retryStore: Schedule.recurs(0) }
    const published = yield* Effect.forEach(
      Array.from({ length: 120 }, (_, i) => i),
      (i) =>
        i % 3 === 0
          ? Effect.asVoid(Executor.execute(counter, `c${i}`, Count.make({}), never).pipe(on(nodes[i % 2]!)))
          : Effect.asVoid(
              Executor.publish(topic, 1 + (i % 4), received(i), { retryStore: never.retryStore }).pipe(
                on(nodes[i % 2]!)
              )
            ),
      together
    )
    assert.strictEqual(published.length, 120)
    const events = yield* eventsOf(nodes[0]!, topic)
    assert.deepStrictEqual(
      events.map(({ data }) => centsOf(data)).sort((a, b) => a - b),
      Array.from({ length: 120 }, (_, i) => i).filter((i) => i % 3 !== 0)
    )
    for (const [, own] of Map.groupBy(events, ({ streamId }) => streamId)) {
      assert.deepStrictEqual(
        own.map(({ version }) => version),
        own.map((_, i) => i + 1)
      )
    }
  }),

  "what is published one after the other under a key is read in this order": Effect.gen(function* () {
    const node = yield* open
    const topic = paymentsOf(newName())
    const reading = yield* Effect.forkChild(
      Stream.runCollect(Stream.take(Subscription.events([topic]), 40)).pipe(on(node)),
      { startImmediately: true }
    )
    for (let i = 0; i < 40; i++) yield* pay(node, topic, 1 + (i % 2), i)
    const seen = yield* Fiber.join(reading)
    for (const key of [1, 2]) {
      const own = seen.filter(({ streamId }) => streamId === topic.streamId(key))
      assert.deepStrictEqual(
        own.map(({ data, version }) => [version, centsOf(data)]),
        Array.from({ length: 20 }, (_, i) => [i + 1, 2 * i + key - 1])
      )
    }
  }),

  "under a command id the same is recorded once, with one receipt, and nothing else is": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open]
      const topic = paymentsOf(newName())
      const commandId = `message of ${topic.name}`
      const events = [received(1), new Bounced({ reasons: [{ b: 1, a: -0 }] })]
      const publish = (node: Node) => Executor.publish(topic, 7, events, { commandId }).pipe(on(node))
      const receipts = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, i) => i),
        (i) => publish(nodes[i % 2]!),
        together
      )
      assert.strictEqual(receipts.filter(({ repeated }) => !repeated).length, 1)
      const again = yield* publish(nodes[1]!)
      assert.include(again, { repeated: true, attempts: 0 })
      for (const receipt of receipts) assert.deepStrictEqual({ ...receipt, repeated: true, attempts: 0 }, again)
      assert.strictEqual(yield* versionOf(nodes[0]!.eventStore, topic.streamId(7)), 2)
      assert.deepStrictEqual(
        again.events.map(({ metadata }) => metadata),
        events.map(() => ({ correlationId: commandId, causationId: commandId }))
      )
      // A plain object is as good as an instance, and a list of one as the event itself.
      const single = { commandId: `${commandId}, one` }
      const plain: typeof Received.Encoded = { _tag: "Received", cents: 5, note: "" }
      yield* Executor.publish(topic, 8, plain, single).pipe(on(nodes[0]!))
      assert.isTrue((yield* Executor.publish(topic, 8, [received(5)], single).pipe(on(nodes[0]!))).repeated)
      const others = [
        Effect.asVoid(Executor.publish(topic, 8, received(6), single)),
        Effect.asVoid(Executor.publish(topic, 9, received(5), single)),
        Effect.asVoid(Executor.publish(topic, 8, [received(5), received(5)], single)),
        Effect.asVoid(Executor.publish(topic, 8, [], single)),
        Effect.asVoid(Executor.execute(newCounter(), "a", Count.make({}), single))
      ]
      for (const other of others) {
        assert.strictEqual((yield* Effect.flip(other.pipe(on(nodes[0]!))))._tag, "CommandIdReused")
      }
      assert.strictEqual(yield* versionOf(nodes[0]!.eventStore, topic.streamId(8)), 1)
      assert.strictEqual(yield* versionOf(nodes[0]!.eventStore, topic.streamId(9)), 0)
    }
  ),

  "no events are published as nothing, and their command id is used": Effect.gen(function* () {
    const node = yield* open
    const topic = paymentsOf(newName())
    yield* pay(node, topic, 1, 100)
    const options = { commandId: `nothing of ${topic.name}` }
    const nothing = Executor.publish(topic, 1, [], options).pipe(on(node))
    const [first, again] = [yield* nothing, yield* nothing]
    assert.deepStrictEqual(first, {
      streamId: topic.streamId(1),
      events: [],
      version: 1,
      position: 0,
      history: 1,
      attempts: 1,
      repeated: false
    })
    assert.deepStrictEqual(again, { ...first, attempts: 0, repeated: true })
    const reused = yield* Effect.flip(Executor.publish(topic, 1, received(1), options).pipe(on(node)))
    assert.strictEqual(reused._tag, "CommandIdReused")
  }),

  "published events have the metadata of their program": Effect.gen(function* () {
    const node = yield* open
    const topic = paymentsOf(newName())
    const { events } = yield* Executor.publish(topic, 1, [received(1), received(2)]).pipe(
      Metadata.with({
        actor: "anna",
        correlationId: "request-1",
        fields: [Metadata.field("tenant", Schema.String).set("acme")]
      }),
      on(node)
    )
    for (const { metadata } of events) {
      assert.deepStrictEqual(metadata, {
        actor: "anna",
        correlationId: "request-1",
        causationId: events[0]!.id,
        fields: { tenant: "acme" }
      })
    }
  }),

  "what is published in a transaction is there when it commits, and not when it rolls back": needs("transactions")(
    function* () {
      const node = yield* open
      const [topic, counter] = [paymentsOf(newName()), newCounter()]
      const commandId = `transaction of ${topic.name}`
      const both = Effect.gen(function* () {
        yield* Executor.publish(topic, 1, received(1), { commandId })
        yield* Executor.execute(counter, "a", Count.make({}))
        return yield* Executor.publish(topic, 1, received(2))
      }).pipe(on(node))
      const undone = yield* Effect.exit(node.transaction(Effect.andThen(both, Effect.fail("back"))))
      assert.isTrue(Exit.isFailure(undone))
      assert.strictEqual(yield* versionOf(node.eventStore, topic.streamId(1)), 0)
      const { version } = yield* node.transaction(both)
      assert.strictEqual(version, 2)
      assert.deepStrictEqual(
        (yield* eventsOf(node, topic)).map(({ data }) => data),
        [received(1), received(2)]
      )
      assert.strictEqual((yield* Executor.load(counter, "a").pipe(on(node))).version, 1)
      const { repeated } = yield* node.transaction(
        Executor.publish(topic, 1, received(1), { commandId }).pipe(on(node))
      )
      assert.isTrue(repeated)
    }
  )
}
