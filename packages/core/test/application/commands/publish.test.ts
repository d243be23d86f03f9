import { assert, describe, expect, it } from "@effect/vitest"
import { MemoryEventStore, MemoryStores } from "@hexfold/adapters-memory"
import {
  EventStore,
  EventStoreError,
  Executor,
  Export,
  Import,
  Metadata,
  Projection,
  Reason,
  Records,
  Subscription,
  Topic,
  View
} from "@hexfold/core"
import { Cause, Effect, Exit, Fiber, Metric, Option, Schedule, Schema, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, OpenAccount } from "../../support/account.ts"
import { type PaymentReceived, Payments, received } from "../../support/payments.ts"
import { unavailable, watched } from "../../support/watched.ts"

const keyed = { commandId: "message-1", retryStore: Schedule.recurs(2) }
const failing = Effect.fail(unavailable("append"))

describe("a store that fails", () => {
  it.effect("is tried again where a policy says so and there is a command id", () =>
    Effect.gen(function* () {
      const { appends, beforeAppends, reads, run } = yield* watched
      beforeAppends.push(failing, failing)
      const receipt = yield* run(Executor.publish(Payments, 1, received(1), keyed))
      assert.include(receipt, { version: 1, attempts: 3, repeated: false })
      assert.strictEqual(appends.length, 3)
      assert.strictEqual(reads.length, 0)
    })
  )

  it.effect("has recorded the events once, also if its answer was lost", () =>
    Effect.gen(function* () {
      const { afterAppends, behind, run } = yield* watched
      afterAppends.push(failing)
      const receipt = yield* run(Executor.publish(Payments, 1, [received(1), received(2)], keyed))
      assert.include(receipt, { version: 2, attempts: 0, repeated: true })
      const events = yield* behind(Stream.runCollect(Subscription.events([Payments], { upTo: 2 })).pipe(Effect.orDie))
      assert.deepStrictEqual(
        events.map(({ data }) => data),
        [received(1), received(2)]
      )
    })
  )

  it.effect("fails with the stream and the attempts when the policy gives up, and at once without a command id", () =>
    Effect.gen(function* () {
      const { appends, beforeAppends, run } = yield* watched
      beforeAppends.push(...Array.from({ length: 9 }, () => failing))
      const given = yield* Effect.flip(run(Executor.publish(Payments, 1, received(1), keyed)))
      assert.deepInclude({ ...given }, { _tag: "EventStoreError", streams: ["Payments-1"], attempts: 3 })
      const without = Executor.publish(Payments, 1, received(1), { retryStore: Schedule.forever })
      const once = yield* Effect.flip(run(without))
      assert.deepInclude({ ...once }, { _tag: "EventStoreError", streams: ["Payments-1"], attempts: 1 })
      assert.strictEqual(appends.length, 4)
    })
  )

  it.effect("waits as the policy says, and stops when the caller is interrupted", () =>
    Effect.gen(function* () {
      const { appends, beforeAppends, run } = yield* watched
      beforeAppends.push(failing, failing)
      const options = { ...keyed, retryStore: Schedule.spaced("1 minute") }
      const fiber = yield* Effect.forkChild(run(Executor.publish(Payments, 1, received(1), options)), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(appends.length, 2)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(appends.length, 2)
    })
  )

  it.effect("is not tried again for a reason that does not pass", () =>
    Effect.gen(function* () {
      const { appends, beforeAppends, run } = yield* watched
      const reason = new Reason.Corrupt({ detail: "torn" })
      beforeAppends.push(Effect.fail(new EventStoreError({ operation: "append", reason })))
      const options = { ...keyed, retryStore: Schedule.forever }
      const error = yield* Effect.flip(run(Executor.publish(Payments, 1, received(1), options)))
      assert.deepInclude({ ...error }, { _tag: "EventStoreError", reason })
      assert.strictEqual(appends.length, 1)
    })
  )
})

describe("what is wrong with an event", () => {
  it.effect("is said with its place, its tag and its field, and nothing is asked of the store", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* watched
      const wrong: typeof PaymentReceived.Encoded = { _tag: "PaymentReceived", cents: 1.5, note: "" }
      const alone = yield* Effect.flip(run(Executor.publish(Payments, 1, wrong)))
      assert.strictEqual(
        alone.message,
        'Payments: not a valid event: PaymentReceived: Expected an integer\n  at ["cents"]'
      )
      assert.isTrue("cause" in alone && Schema.isSchemaError(alone.cause))
      const among = yield* Effect.flip(run(Executor.publish(Payments, 1, [received(1), wrong])))
      assert.include(among.message, "Payments: not a valid event: 2 of 2: PaymentReceived: ")
      const key = yield* Effect.flip(run(Executor.publish(Payments, 1.5, received(1))))
      assert.include(key.message, "Payments: not a valid key: ")
      assert.isTrue(Executor.isCallerError(alone) && Executor.isCallerError(key))
      assert.deepStrictEqual([appends.length, reads.length], [0, 0])
    })
  )

  it.effect("is that it is too deep, or has no end, and no stack overflows", () =>
    Effect.gen(function* () {
      interface Tree {
        readonly children: ReadonlyArray<Tree>
      }
      const Tree: Schema.Codec<Tree> = Schema.Struct({
        children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
      })
      const Grown = Topic.make("Grown", { key: Schema.Int, events: [Schema.TaggedStruct("Grew", { tree: Tree })] })
      const { run } = yield* watched
      let deep: Tree = { children: [] }
      for (let level = 0; level < 100_000; level++) deep = { children: [deep] }
      const children: Array<Tree> = []
      const endless: Tree = { children }
      children.push(endless)
      for (const tree of [deep, endless]) {
        const refused = yield* Effect.flip(run(Executor.publish(Grown, 1, { _tag: "Grew", tree })))
        assert.include(refused.message, "Grown: not a valid event: it is nested more than 1000 levels deep")
      }
    })
  )

  it.effect("is a setting of the metadata that no store keeps", () =>
    Effect.gen(function* () {
      const { run } = yield* watched
      const refused = yield* Effect.flip(
        run(Executor.publish(Payments, 1, received(1)).pipe(Metadata.with({ actor: "a\0b" })))
      )
      assert.include(refused.message, "metadata")
      assert.strictEqual(refused._tag, "EventStoreError")
    })
  )
})

it.effect("a command id that a command has is not one for events", () =>
  Effect.gen(function* () {
    const id = { commandId: "one" }
    yield* Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" }), id)
    const reused = yield* Effect.flip(Executor.publish(Payments, 1, received(1), id))
    assert.strictEqual(reused._tag, "CommandIdReused")
  }).pipe(Effect.provide(MemoryEventStore.layer()))
)

it.effect("a repeat may be a plain object, with its fields in another order", () =>
  Effect.gen(function* () {
    const { run } = yield* watched
    const first = yield* run(Executor.publish(Payments, 1, received(1, "a"), { commandId: "m" }))
    const again = yield* run(
      Executor.publish(Payments, 1, { note: "a", cents: 1, _tag: "PaymentReceived" }, { commandId: "m" })
    )
    assert.deepStrictEqual(again, { ...first, attempts: 0, repeated: true })
  })
)

it.effect("nothing meets a conflict that a store in memory makes up", () =>
  Effect.gen(function* () {
    for (let i = 0; i < 20; i++) yield* Executor.publish(Payments, 1, received(i))
    const { version } = yield* Executor.publish(Payments, 1, received(20), { commandId: "last" })
    assert.strictEqual(version, 21)
  }).pipe(Effect.provide(MemoryEventStore.layer({ conflictEvery: 2, yields: 1 })))
)

describe("metrics", () => {
  const series = (name: string) =>
    Effect.map(Metric.snapshot, (snapshot) =>
      snapshot.flatMap((metric) =>
        metric.id === name && (metric.type === "Counter" || metric.type === "Histogram")
          ? [[metric.attributes, Number(metric.state.count)] as const]
          : []
      )
    )

  it.effect("count what is published by topic and outcome, and the events", () =>
    Effect.gen(function* () {
      const { beforeAppends, run } = yield* watched
      yield* run(Executor.publish(Payments, 1, [received(1), received(2)], { commandId: "a" }))
      yield* run(Executor.publish(Payments, 1, [received(1), received(2)], { commandId: "a" }))
      yield* Effect.flip(run(Executor.publish(Payments, 1.5, received(1))))
      beforeAppends.push(failing)
      yield* Effect.flip(run(Executor.publish(Payments, 1, received(1))))
      const labels = { topic: "Payments", command: "publish" }
      const durations = yield* series("hexfold_command_duration_seconds")
      assert.deepStrictEqual(
        new Map(durations.map(([attributes, count]) => [attributes!["outcome"], count])),
        new Map([
          ["accepted", 1],
          ["repeated", 1],
          ["failed", 2]
        ])
      )
      for (const [attributes] of durations) expect(attributes).toMatchObject(labels)
      assert.deepStrictEqual(yield* series("hexfold_events_total"), [[labels, 2]])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("with a tracer", () => {
  it.effect(
    "publishing is a span that names the topic, the stream and the command id, around that of the store",
    () => {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      return Effect.gen(function* () {
        const { events } = yield* Executor.publish(Payments, 1, received(1), { commandId: "m-1" })
        const { run, beforeAppends } = yield* watched
        beforeAppends.push(failing)
        yield* Effect.exit(run(Executor.publish(Payments, 2, received(1))))
        const [publishing, appending, other] = spans
        assert.deepStrictEqual(
          [publishing, appending, other].map((span) => span!.name),
          ["Executor.publish", "EventStore.append", "Executor.publish"]
        )
        assert.deepStrictEqual(Object.fromEntries(publishing!.attributes), {
          "hexfold.topic": "Payments",
          "hexfold.stream": "Payments-1",
          "hexfold.command": "publish",
          "hexfold.command_id": "m-1",
          "hexfold.outcome": "accepted"
        })
        assert.deepStrictEqual(appending!.parent, Option.some(publishing!))
        assert.deepStrictEqual(events[0]!.metadata, { correlationId: publishing!.traceId, causationId: "m-1" })
        assert.strictEqual(other!.attributes.get("hexfold.outcome"), "failed")
        assert.isTrue(other!.status._tag === "Ended" && Exit.isFailure(other!.status.exit))
      }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.withTracer(tracer))
    }
  )
})

it.effect("a mistake in a store is a defect, and counts as failed", () =>
  Effect.gen(function* () {
    const { store } = yield* watched
    const broken = { ...store, append: () => Effect.die(new Error("a mistake")) }
    const exit = yield* Effect.exit(
      Executor.publish(Payments, 1, received(1), keyed).pipe(Effect.provideService(EventStore.EventStore, broken))
    )
    assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
  })
)

it.effect("the events of a topic move to another log, with their receipts", () =>
  Effect.gen(function* () {
    const publish = Executor.publish(Payments, 7, [received(1), received(2)], { commandId: "moved" })
    const { file, first } = yield* Effect.gen(function* () {
      yield* Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" }))
      const first = yield* publish
      return { first, file: yield* Stream.runCollect(Export.lines({ aggregates: ["Payments"] })) }
    }).pipe(Effect.provide(MemoryStores.layer()))
    yield* Effect.gen(function* () {
      yield* Import.run(Stream.fromIterable(file))
      const again = yield* publish
      assert.isTrue(again.repeated)
      assert.deepStrictEqual(
        again.events.map(({ data, id, version }) => [data, id, version]),
        first.events.map(({ data, id, version }) => [data, id, version])
      )
      const Sums = View.make("Sums", {
        from: [Payments],
        state: Schema.Int,
        evolve: { PaymentReceived: (sum = 0, { cents }) => sum + cents }
      })
      yield* Projection.catchUp(Sums)
      assert.deepStrictEqual(yield* Records.get(Sums, "7"), Option.some(3))
    }).pipe(Effect.provide(MemoryStores.layer()))
  })
)
