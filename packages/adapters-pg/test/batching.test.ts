import { assert, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Effect, Exit, Fiber } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "./database.ts"
import { append, event } from "./events.ts"

const streams = (count: number) => Array.from({ length: count }, (_, i) => StreamId.make("Account", String(i)))
const together = { concurrency: "unbounded" } as const

describe("batching", () => {
  it.live("appends at the same moment share calls", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema, maxBatch: 100 })
      yield* Effect.forEach(streams(500), (streamId) => append(store, streamId, 1), together)
      const rows = yield* sql.unsafe(`select distinct xmin::text from ${schema}.events`)
      assert.strictEqual(rows.length, 5)
    })
  )

  it.live("appends to one stream go one after the other, in the order they came", () =>
    Effect.gen(function* () {
      const { store } = yield* openStore({ schema: yield* newSchema })
      const [streamId] = streams(1)
      const appended = yield* Effect.forEach(Array.from({ length: 40 }), () => append(store, streamId!, 1), together)
      assert.deepStrictEqual(
        appended.map(({ events }) => events[0]!.version),
        appended.map((_, i) => i + 1)
      )
    })
  )

  it.live("an append that waits for one of its streams is not overtaken on the others", () =>
    Effect.gen(function* () {
      const { store } = yield* openStore({ schema: yield* newSchema })
      const [x, y] = streams(2)
      const both = store.append({
        writes: [x!, y!].map((streamId) => ({ streamId, events: [event()] })),
        conditions: []
      })
      const [, second, third] = yield* Effect.all([append(store, x!, 1), both, append(store, y!, 1)], together)
      assert.deepStrictEqual(
        second.events.map(({ version }) => version),
        [2, 1]
      )
      assert.deepStrictEqual(
        third.events.map(({ version }) => version),
        [2]
      )
    })
  )

  it.live("an append that breaks a call fails alone", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* sql.unsafe(`create function ${schema}.poison() returns trigger language plpgsql as $$ begin
        if new.type = 'Poison' then raise exception 'poisoned' using errcode = '22000'; end if; return new; end $$`)
      yield* sql.unsafe(
        `create trigger poison before insert on ${schema}.events for each row execute function ${schema}.poison()`
      )
      const exits = yield* Effect.forEach(
        streams(100),
        (streamId, i) => Effect.exit(append(store, streamId, 2, i % 30 === 7 ? "Poison" : "Happened")),
        together
      )
      exits.forEach((exit, i) => {
        assert.strictEqual(Exit.isFailure(exit), i % 30 === 7)
        if (Exit.isFailure(exit)) assert.include(String(exit.cause), "poisoned")
      })
      const { streams: slices } = yield* store.readStreams(streams(100).map((streamId) => ({ streamId })))
      assert.deepStrictEqual(
        slices.map(({ version }) => version),
        exits.map((exit) => (Exit.isSuccess(exit) ? 2 : 0))
      )
    })
  )

  it.live("an append that waits for its call when its store closes fails, and does not hang", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const fibers = yield* Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* openStore({ schema, maxBatch: 1, maxInFlight: 1 })
          return yield* Effect.forEach(streams(20), (streamId) =>
            Effect.forkDetach(append(store, streamId, 1), { startImmediately: true })
          )
        })
      )
      const exits = yield* Effect.forEach(fibers, Fiber.await)
      assert.isAbove(exits.filter(Exit.isFailure).length, 15)
    })
  )
})
