import { assert } from "@effect/vitest"
import { Executor, Metadata, Topic } from "@hexfold/core"
import { Effect, Option, Schema, SchemaTransformation } from "effect"
import { versionOf } from "../eventStore/streams.ts"
import { open } from "../nodes.ts"
import type { Cases } from "../plan.ts"
import {
  type Bounced,
  eventsOf,
  newName,
  notesOf,
  oldPaymentsOf,
  on,
  paymentsOf,
  type Received,
  received
} from "./payments.ts"

/** What can be published, and what is refused before anything is written. */
export const publishable: Cases = {
  "an event that its schema refuses, or that no store gives back as it is, is refused by name, and none is written":
    Effect.gen(function* () {
      const node = yield* open
      const topic = paymentsOf(newName())
      let deep: Schema.Json = 1
      for (let level = 0; level < 100_000; level++) deep = [deep]
      const event = (fields: object) => ({ _tag: "Received", cents: 1, note: "", ...fields }) as Received
      const cases: ReadonlyArray<readonly [event: Received | Bounced, detail: string]> = [
        [event({ cents: 1.5 }), `["cents"]`],
        [event({ cents: undefined }), `["cents"]`],
        [event({ note: 7 }), `["note"]`],
        [event({ note: "a\0b" }), "NUL"],
        [event({ note: "\ud800" }), "surrogate"],
        [event({ note: "x".repeat(17 << 20) }), "longer than"],
        [event({ _tag: "Lost" }), `the _tag is "Lost", expected one of Received, Bounced`],
        [event({ _tag: undefined }), "there is no _tag"],
        [null as unknown as Received, "there is no _tag"],
        [{ _tag: "Bounced", reasons: [deep] }, "levels deep"],
        [{ _tag: "Bounced", reasons: [new Date()] } as unknown as Bounced, `["reasons"][0]`]
      ]
      for (const [wrong, detail] of cases) {
        for (const options of [{}, { commandId: `wrong of ${topic.name}` }]) {
          const alone = yield* Effect.flip(Executor.publish(topic, 1, wrong, options).pipe(on(node)))
          assert.include(alone, { _tag: "InvalidCommand", target: topic.name, part: "event" })
          assert.include(alone.message, detail)
          const all = [received(1), wrong, received(2)]
          const among = yield* Effect.flip(Executor.publish(topic, 1, all, options).pipe(on(node)))
          assert.include(among.message, `${topic.name}: not a valid event: 2 of 3: `)
        }
      }
      assert.strictEqual(yield* versionOf(node.eventStore, topic.streamId(1)), 0)
      // None of them has used the id.
      const { repeated } = yield* Executor.publish(topic, 1, received(1), { commandId: `wrong of ${topic.name}` }).pipe(
        on(node)
      )
      assert.isFalse(repeated)
    }),

  "an event that would be read back as another one is refused, with the field": Effect.gen(function* () {
    const node = yield* open
    // Its decoding cuts what its encoding writes.
    const Short = Schema.String.pipe(
      Schema.decodeTo(
        Schema.String,
        SchemaTransformation.transform({ decode: (text) => text.slice(0, 3), encode: (text) => text })
      )
    )
    const Named = Schema.TaggedStruct("Named", { name: Short })
    const topic = Topic.make(newName(), { key: Schema.String, events: [Named] })
    const publish = (name: string) => Executor.publish(topic, "a", Named.make({ name })).pipe(on(node))
    const refused = yield* Effect.flip(publish("anna"))
    assert.include(refused, { _tag: "InvalidCommand", part: "event" })
    assert.include(refused.message, "not a valid event: Named: ")
    assert.include(refused.message, "name")
    const { version } = yield* publish("ann")
    assert.strictEqual(version, 1)
  }),

  "a key that its schema refuses, or that no store keeps, is refused, and so is such a command id": Effect.gen(
    function* () {
      const node = yield* open
      const topic = paymentsOf(newName())
      for (const key of [0, 1.5, 2 ** 41, "7" as never, undefined as never]) {
        const refused = yield* Effect.flip(Executor.publish(topic, key, received(1)).pipe(on(node)))
        assert.include(refused, { _tag: "InvalidCommand", target: topic.name, part: "key" })
      }
      const notes = notesOf(newName())
      for (const key of ["a\0b", "\udc00", "k".repeat(2_000), 7 as never]) {
        const refused = yield* Effect.flip(Executor.publish(notes, key, received(1)).pipe(on(node)))
        assert.include(refused, { _tag: "InvalidCommand", target: notes.name, part: "key" })
      }
      for (const commandId of ["", "a\0b", "i".repeat(1_001)]) {
        const refused = yield* Effect.flip(
          Executor.publish(notes, "a", received(1), { commandId }).pipe(Metadata.with({ actor: "anna" }), on(node))
        )
        assert.include(refused, { _tag: "InvalidCommand", target: notes.name, part: "commandId" })
      }
      assert.deepStrictEqual(yield* eventsOf(node, notes), [])
      assert.deepStrictEqual(yield* eventsOf(node, topic), [])
    }
  ),

  "keys of any text have streams of their own": Effect.gen(function* () {
    const node = yield* open
    const topic = notesOf(newName())
    const keys = ["a", "A", "a-b", "-", "é", "e\u0301", "\ud83d\ude00", " ", `"`, "a/b?c=d"]
    yield* Effect.forEach(keys, (key, i) => Executor.publish(topic, key, received(i)).pipe(on(node)))
    const events = yield* eventsOf(node, topic)
    assert.deepStrictEqual(
      events.map(({ data, streamId, version }) => [Option.getOrThrow(topic.idOf(streamId)), version, data.cents]),
      keys.map((key, i) => [key, 1, i])
    )
  }),

  "what older programs have published is read as what it has become, also by a receipt": Effect.gen(function* () {
    const node = yield* open
    const name = newName()
    const [old, topic] = [oldPaymentsOf(name), paymentsOf(name)]
    const before = { commandId: `before ${name}` }
    const events = [{ _tag: "Received", euros: 1.5 }, { _tag: "Split", cents: [1, 2] }, { _tag: "Announced" }] as const
    yield* Executor.publish(old, 1, events, before).pipe(on(node))
    yield* Executor.publish(topic, 1, received(9)).pipe(on(node))
    const read = yield* eventsOf(node, topic)
    assert.deepStrictEqual(
      read.map(({ data, part, version }) => [version, part, data]),
      [
        [1, 0, received(150)],
        [2, 0, received(1, "split")],
        [2, 1, received(2, "split")],
        [4, 0, received(9)]
      ]
    )
    const repeated = yield* Executor.publish(old, 1, events, before).pipe(on(node))
    assert.isTrue(repeated.repeated)
    // What the older program has published is the content of the id.
    const reused = yield* Effect.flip(Executor.publish(topic, 1, received(150), before).pipe(on(node)))
    assert.strictEqual(reused._tag, "CommandIdReused")
    const unknown = yield* Effect.flip(eventsOf(node, old))
    assert.include(unknown, { _tag: "UnknownEvent", version: 4, type: "Received", schemaVersion: 2 })
  })
}
