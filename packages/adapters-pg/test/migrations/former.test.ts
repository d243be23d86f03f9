import { assert, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Effect } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const streamOf = (name: string) => StreamId.make("Account", name)

interface Row {
  readonly o_failed: ReadonlyArray<number>
  readonly o_repeated: ReadonlyArray<number>
  readonly o_bases: ReadonlyArray<bigint>
  readonly o_positions: ReadonlyArray<bigint>
}

describe("a library of revision 2 beside this one", () => {
  it.live("appends with command ids, and both see the receipts of the other", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* append(store, streamOf("c"), 1)
      const known = { id: "1", fingerprint: "f" }
      const first = yield* appendOne(store, {
        writes: [{ streamId: streamOf("d"), events: [event()] }],
        conditions: [],
        command: known
      })
      // Four appends: of a and b, with a key; of c, with a wrong version and a key; of d, with a key that is known; of e, without.
      const [row] = yield* sql.unsafe<Row>(
        `select o_failed, o_repeated, o_bases, o_positions from ${schema}.append_2(
           array['Account-a', 'Account-b', 'Account-c', 'Account-d', 'Account-e'], null, '{-1,0,7,-1,-1}', '{2,1,1,1,1}',
           '{0,0,1,2,3}', '{1,1,2,3,4,5}', '{1,2,1,1,1,1}',
           array(select gen_random_uuid() from generate_series(1, 6)), array_fill('Happened'::text, '{6}'),
           array_fill('{"n": 1}'::jsonb, '{6}'), array_fill('{"causationId": "c", "correlationId": "c"}'::jsonb, '{6}'), null,
           '{2,0,1}', '{c:1,c:2,c:3}', '{f,f,f}', false, '{}', '{}', 0, 1)`
      )
      assert.deepStrictEqual([row!.o_failed, row!.o_repeated], [[1], [2]])
      assert.strictEqual(row!.o_positions.length, 4)
      const receiptOf = (id: string) =>
        Effect.map(store.readStreams([], { id, fingerprint: "f" }), ({ appended }) => appended)
      assert.deepStrictEqual((yield* receiptOf("1"))?.events, first.events)
      assert.isUndefined(yield* receiptOf("3"))
      const receipt = yield* receiptOf("2")
      assert.deepStrictEqual(receipt?.streams, [
        { streamId: streamOf("a"), version: 2 },
        { streamId: streamOf("b"), version: 1 }
      ])
      assert.deepStrictEqual(
        receipt?.events.map(({ position, streamId }) => [streamId, position]),
        [streamOf("a"), streamOf("a"), streamOf("b")].map((streamId, i) => [streamId, Number(row!.o_positions[i])])
      )
    })
  )
})
