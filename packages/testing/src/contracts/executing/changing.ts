import { assert } from "@effect/vitest"
import { EventStore, Executor, Metadata, Subscription } from "@hexfold/core"
import { Effect, Option, Result, Stream } from "effect"
import { type Node, open } from "../nodes.ts"
import type { Cases } from "../plan.ts"
import { append, Device, newName, OldDevice, oldTillOf, past, present, stored, tillOf } from "../changing/tills.ts"

const on = (node: Node) => Effect.provideService(EventStore.EventStore, node.eventStore)

/** Stored events become current events when they are read, and are never rewritten. */
export const changing: Cases = {
  "a command is decided on what events of all programs have become": Effect.gen(function* () {
    const node = yield* open
    const till = tillOf(newName())
    yield* append(node, till, "a", past())
    const expected = { cents: 1_050, fees: 25, notes: ["first", "last"] }
    assert.deepStrictEqual(yield* Executor.load(till, "a").pipe(on(node)), { state: expected, version: 7 })
    const receipt = yield* Executor.execute(till, "a", { _tag: "Pay", cents: 7 }).pipe(on(node))
    assert.strictEqual(receipt.version, 8)
    const events = yield* Stream.runCollect(node.eventStore.readStream(till.streamId("a")))
    assert.deepStrictEqual(
      events.map(({ schemaVersion, type }) => `${type} ${schemaVersion}`),
      ["Opened 1", "Paid 1", "PaidWithFee 1", "Marked 1", "Paid 2", "Paid 3", "Noted 1", "Paid 3"]
    )
    assert.deepStrictEqual(events[1]!.data, { euros: 1.5 })
  }),

  "a subscription gives current events, each with its part, and goes on before or after all parts of an event":
    Effect.gen(function* () {
      const node = yield* open
      const till = tillOf(newName())
      const { events: recorded } = yield* append(node, till, "a", past())
      const upTo = recorded.at(-1)!.position
      const read = (options: Subscription.EventsOptions<"Paid" | "FeeCharged" | "Noted">) =>
        Stream.runCollect(Subscription.eventSteps([till], { ...options, upTo })).pipe(on(node))
      const steps = yield* read({})
      const given = steps.flatMap(({ event }) => (event === undefined ? [] : [[event.data, event.part] as const]))
      assert.deepStrictEqual(given, present.map(([event, part]) => [event, part] as const)) // prettier-ignore
      for (const [i, { resume }] of steps.entries()) {
        const rest = (yield* read({ after: resume })).flatMap(({ event }) => event?.data ?? [])
        const seen = steps.slice(0, i + 1).flatMap(({ event }) => event?.data ?? [])
        const position = resume.position
        const isAfterPart = steps[i]!.event?.position === position + 1
        assert.deepStrictEqual([...seen.slice(0, isAfterPart ? -1 : undefined), ...rest], given.map(([data]) => data)) // prettier-ignore
      }
      const fees = yield* read({ types: ["FeeCharged"] })
      assert.deepStrictEqual(
        fees.flatMap(({ event }) => event ?? []).map(({ data, part, type }) => [data._tag, part, type]),
        [["FeeCharged", 1, "PaidWithFee"]]
      )
    }),

  "an event of a newer program fails a command retryably, and nothing goes past it": Effect.gen(function* () {
    const node = yield* open
    for (const unknown of [
      stored("Refunded", { cents: 3 }),
      stored("Paid", { euros: 1, currency: "EUR" }, 2),
      stored("Noted", { text: "" })
    ]) {
      const till = oldTillOf(newName())
      yield* append(node, till, "a", [stored("Opened", {}), unknown, stored("Marked", { mark: "x" })])
      const { type, schemaVersion = 1 } = unknown
      const facts = { _tag: "UnknownEvent", type, version: 2, schemaVersion, isRetryable: true }
      for (const work of [
        Executor.execute(till, "a", { _tag: "Pay", euros: 1 }),
        Executor.load(till, "a"),
        Stream.runCollect(Subscription.events([till], { types: ["Paid", "Marked"] }))
      ]) {
        const error = yield* Effect.flip(Effect.asVoid<unknown, unknown, EventStore.EventStore>(work)).pipe(on(node))
        assert.include(error, facts)
      }
      assert.lengthOf(yield* Stream.runCollect(node.eventStore.readStream(till.streamId("a"))), 3)
    }
  }),

  "a command of an older client is the same command when it is repeated after a deployment of a new version":
    Effect.gen(function* () {
      const node = yield* open
      const name = newName()
      const [before, today] = [oldTillOf(name), tillOf(name)]
      const commandId = `request-${name}`
      const given = { _tag: "Pay", euros: 1.5 }
      const first = yield* Executor.executeUnknown(before, "a", given, { commandId }).pipe(on(node))
      const again = yield* Executor.executeUnknown(today, "a", given, { commandId }).pipe(on(node))
      assert.include(again, { repeated: true, position: first.position, version: 1 })
      assert.deepStrictEqual(again.events.map(({ data }) => ({ ...data })), [{ _tag: "Paid", cents: 150, currency: "EUR" }]) // prettier-ignore
      for (const other of [
        { _tag: "Pay", euros: 2 },
        { _tag: "Pay", cents: 150, _version: 2 }
      ]) {
        const refused = yield* Effect.flip(Executor.executeUnknown(today, "a", other, { commandId })).pipe(on(node))
        assert.strictEqual(refused._tag, "CommandIdReused")
      }
      const newer = yield* Effect.flip(
        Executor.executeUnknown(before, "a", { _tag: "Pay", cents: 7, _version: 2 }, { commandId: `${commandId}-2` })
      ).pipe(on(node))
      assert.include(newer, { _tag: "UnknownCommandVersion", schemaVersion: 2, known: 1, isRetryable: true })
      yield* Executor.executeUnknown(today, "a", { _tag: "Pay", euros: 0.5 }).pipe(on(node))
      assert.strictEqual((yield* Executor.load(today, "a").pipe(on(node))).state.cents, 200)
    }),

  "a field of the metadata has its current value, whatever version it was written with": Effect.gen(function* () {
    const node = yield* open
    const till = tillOf(newName())
    const pay = (setting: Metadata.Setting) =>
      Executor.execute(till, "a", { _tag: "Pay", cents: 1 }).pipe(Metadata.with({ fields: [setting] }), on(node))
    yield* pay(OldDevice.set("till 1"))
    yield* pay(Device.set({ name: "till 2" }))
    const events = yield* Stream.runCollect(node.eventStore.readStream(till.streamId("a")))
    assert.deepStrictEqual(
      events.map(({ metadata }) => Device.get(metadata)),
      ["till 1", "till 2"].map((name) => Result.succeed(Option.some({ name })))
    )
    assert.deepStrictEqual(events.map(({ metadata }) => metadata.versions), [undefined, { device: 2 }]) // prettier-ignore
    const old = events.map(({ metadata }) => Result.getFailure(OldDevice.get(metadata)))
    assert.deepStrictEqual(old.map(Option.map(({ _tag }) => _tag)), [Option.none(), Option.some("UnknownMetadata" as const)]) // prettier-ignore
  })
}
