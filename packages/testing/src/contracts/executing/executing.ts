import { assert } from "@effect/vitest"
import { Aggregate, Decision, EventStore, Executor } from "@hexfold/core"
import { Effect, Result, Schedule, Schema } from "effect"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { appendTo, event, newStream, open } from "../eventStore/streams.ts"

class Take extends Schema.TaggedClass<Take>()("Take", { count: Schema.Int }) {}
class Taken extends Schema.TaggedClass<Taken>()("Taken", { count: Schema.Int, at: Schema.DateTimeUtcFromString }) {}
class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { left: Schema.Int }) {}

class Reset extends Schema.TaggedClass<Reset>()("Reset", {}) {}

const Steps = Schema.Record(Schema.String, Schema.Number)
const Plan = Schema.TaggedStruct("Plan", { steps: Steps })
const Planned = Schema.TaggedStruct("Planned", { steps: Steps })
class Named extends Schema.TaggedClass<Named>()("Named", { zero: Schema.Number, name: Schema.String }) {}
const Job = Aggregate.make("ContractJob", {
  id: Schema.String,
  state: Steps,
  initial: {},
  commands: [Plan],
  events: [Planned, Named],
  decide: {
    // The second event has its members in another order, one that its class does not have, and a zero with a sign.
    Plan: ({ steps }) =>
      Decision.accept({ steps, _tag: "Planned" as const }, {
        more: 1,
        name: "a",
        zero: -0,
        _tag: "Named"
      } as never as Named)
  },
  evolve: { Planned: (_, { steps }) => steps, Named: (steps) => steps }
})

const epoch = Schema.decodeSync(Schema.DateTimeUtcFromString)("2026-01-01T00:00:00.000Z")

const Stock = Aggregate.make("ContractStock", {
  id: Schema.String,
  state: Schema.Int,
  initial: 100,
  commands: [Take],
  events: [Taken, Reset],
  errors: [SoldOut],
  decide: {
    Take: ({ count }, left) =>
      count > left ? Decision.reject(new SoldOut({ left })) : Decision.accept(new Taken({ count, at: epoch }))
  },
  evolve: { Taken: (left, { count }) => left - count, Reset: () => 100 }
})

const on = (node: Node) => Effect.provideService(EventStore.EventStore, node.eventStore)
const patient = { retry: Schedule.spaced("1 millis") }

/** The promises of the executor, on this store. */
export const executing: Cases = {
  "an executor on a hot stream sells each item once, and no more than there are": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    const id = newStream()
    const results = yield* Effect.forEach(
      Array.from({ length: 60 }, (_, i) => i),
      (i) => Effect.result(Executor.execute(Stock, id, new Take({ count: 3 }), patient).pipe(on(nodes[i % 2]!))),
      { concurrency: "unbounded" }
    )
    const sold = results.filter(Result.isSuccess)
    assert.strictEqual(sold.length, 33)
    assert.deepStrictEqual(new Set(sold.map(({ success }) => success.version)).size, 33)
    for (const result of results) {
      if (Result.isFailure(result)) assert.deepStrictEqual({ ...result.failure }, { ...new SoldOut({ left: 1 }) })
    }
    assert.deepStrictEqual(yield* Executor.load(Stock, id).pipe(on(nodes[0]!)), { state: 1, version: 33 })
  }),

  "an executor's first receipt says what the repeated one says, to the byte": Effect.gen(function* () {
    const node = yield* open
    const id = newStream()
    const plan = Executor.execute(Job, id, Plan.make({ steps: { unload: -0, wash: 2, dry: 3 } }), { commandId: id })
    const [first, again] = [yield* on(node)(plan), yield* on(node)(plan)]
    assert.isTrue(again.repeated)
    const said = (receipt: typeof first) =>
      receipt.events.map(({ data }) => [JSON.stringify(data), data instanceof Named, "zero" in data && data.zero])
    assert.deepStrictEqual(said(first), said(again))
    const { state } = yield* on(node)(Executor.load(Job, id))
    assert.strictEqual(JSON.stringify(state), JSON.stringify((first.events[0]!.data as typeof Planned.Type).steps))
  }),

  "an executor's command with an id has an effect once, and returns its first receipt": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open]
      const id = newStream()
      const commandId = `sale-${id}`
      const receipts = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, i) => i),
        (i) => Executor.execute(Stock, id, new Take({ count: 60 }), { commandId, ...patient }).pipe(on(nodes[i % 2]!)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(receipts.filter(({ repeated }) => !repeated).length, 1)
      for (const receipt of receipts) {
        assert.deepStrictEqual(
          { ...receipt, repeated: true, attempts: 0 },
          { ...receipts[0]!, repeated: true, attempts: 0 }
        )
      }
      assert.deepStrictEqual(receipts[0]!.events[0]!.data, new Taken({ count: 60, at: epoch }))
      const reused = yield* Effect.flip(
        Executor.execute(Stock, id, new Take({ count: 1 }), { commandId }).pipe(on(nodes[0]!))
      )
      assert.strictEqual(reused._tag, "CommandIdReused")
    }
  ),

  "an event that is not known or cannot be decoded is never skipped: the error has stream, version, type and what is wrong":
    Effect.gen(function* () {
      const node = yield* open
      const sell = (id: string) => Executor.execute(Stock, id, new Take({ count: 1 })).pipe(on(node))
      for (const [spoilt, detail] of [
        [event({ count: 1 }, "Stolen"), undefined],
        [{ ...event({ count: 1, at: "2026-01-01T00:00:00Z" }, "Taken"), schemaVersion: 2 }, undefined],
        [event({ count: "many", at: "2026-01-01T00:00:00Z" }, "Taken"), "count"],
        [event(null, "Taken"), "null"],
        [event([1], "Taken"), "[1]"],
        [event("garbage", "Reset"), "garbage"]
      ] as const) {
        const id = newStream()
        yield* sell(id)
        yield* appendTo(node.eventStore, Stock.streamId(id), [spoilt])
        for (const failing of [sell(id), Executor.load(Stock, id).pipe(on(node))]) {
          const error = yield* Effect.flip(failing as Effect.Effect<unknown, unknown>)
          const { detail: found, stream, type, version, _tag } = error as { [key: string]: unknown }
          assert.deepStrictEqual(
            { _tag, stream, version, type },
            {
              _tag: detail === undefined ? "UnknownEvent" : "EventDecodeError",
              stream: Stock.streamId(id),
              version: 2,
              type: spoilt.type
            }
          )
          if (detail !== undefined) assert.include(String(found), detail)
        }
      }
    })
}
