/** Declarations whose events earlier programs have recorded, as they stand in the log, mean what they always have meant. */
import { assert, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Executor, Projection, Query, Records, StreamId } from "@hexfold/core"
import { DateTime, Effect, Schema, Stream } from "effect"
import { readFileSync } from "node:fs"
import { Approve, Declaration } from "../src/Declaration.ts"
import { Declarations } from "../src/views.ts"

const Stored = Schema.Array(
  Schema.Struct({
    declaration: Schema.String,
    type: Schema.String,
    schemaVersion: Schema.Int,
    data: Schema.Record(Schema.String, Schema.Json)
  })
)

const Fixture = Schema.Struct({ events: Stored, states: Schema.Record(Schema.String, Declaration.schemas.state) })

const fixture = Schema.decodeUnknownSync(Fixture)(
  JSON.parse(readFileSync(new URL("former.json", import.meta.url), "utf8"))
)

const newEvent = ({ data, schemaVersion, type }: (typeof fixture.events)[number]): EventStore.NewEvent => {
  const id = crypto.randomUUID()
  return { id, type, schemaVersion, data, metadata: { correlationId: id, causationId: id } }
}

const appended = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  for (const [declaration, events] of Map.groupBy(fixture.events, (event) => event.declaration)) {
    const streamId = Declaration.streamId(declaration)
    const writes = [{ streamId, events: events.map(newEvent) }]
    yield* store.append({ conditions: [], parts: [{ writes }] })
  }
})

it.effect("have the states that they had, and the views show them", () =>
  Effect.gen(function* () {
    yield* appended
    const types = new Set(fixture.events.map(({ schemaVersion, type }) => `${type} ${schemaVersion}`))
    assert.includeMembers(
      [...types],
      [
        "DeclarationSaved 1",
        "DeclarationSubmitted 1",
        "DeclarationSubmitted 2",
        "DeclarationApprovedByAdministration 1"
      ]
    )
    for (const [declaration, expected] of Object.entries(fixture.states)) {
      assert.deepStrictEqual((yield* Executor.load(Declaration, declaration)).state, expected)
    }
    yield* Projection.catchUp(Declarations)
    const { rows } = yield* Records.query(Declarations, Query.from(Declarations))
    const found = Object.fromEntries(rows.map(({ key, state }) => [key, state.cents]))
    for (const [declaration, { cents }] of Object.entries(fixture.states)) {
      assert.strictEqual(found[declaration], cents)
    }
  }).pipe(Effect.provide(MemoryStores.layer()))
)

it.effect("go on, and nothing that was stored is rewritten", () =>
  Effect.gen(function* () {
    yield* appended
    const [declaration, { step }] = Object.entries(fixture.states).find(([, { status }]) => status === "submitted")!
    const at = DateTime.makeUnsafe("2018-05-01T10:00:00Z")
    yield* Executor.execute(Declaration, declaration, new Approve({ step: step + 1, at, by: "PRE_APPROVER" }))
    const store = yield* EventStore.EventStore
    const events = yield* Stream.runCollect(store.readStream(StreamId.make("Declaration", declaration)))
    const before = fixture.events.filter((event) => event.declaration === declaration)
    assert.deepStrictEqual(
      events.slice(0, -1).map(({ data, schemaVersion, type }) => ({ declaration, type, schemaVersion, data })),
      before
    )
    assert.include(events.at(-1), { type: "DeclarationApproved", schemaVersion: 1 })
  }).pipe(Effect.provide(MemoryStores.layer()))
)
