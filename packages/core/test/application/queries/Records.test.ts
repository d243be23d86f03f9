import { describe, expect, it } from "@effect/vitest"
import { InvalidCursor, Projection, ProjectionStore, Query, RecordDecodeError, Records, View } from "@hexfold/core"
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import { Account } from "../../support/account.ts"
import { deposited, stores } from "../../support/projected.ts"

const Sums = View.make("Sums", {
  from: [Account],
  state: Schema.Struct({ sum: Schema.Int, since: Schema.DateTimeUtc }),
  evolve: {
    MoneyDeposited: (state, { amount }, { recordedAt }) => ({
      sum: (state?.sum ?? 0) + amount,
      since: state?.since ?? recordedAt
    })
  }
})

const since = DateTime.makeUnsafe(0)

const filled = Effect.gen(function* () {
  yield* deposited("a", 1)
  yield* deposited("b", 3)
  yield* deposited("c", 2)
  yield* Projection.catchUp(Sums)
})

describe("records", () => {
  it.effect("are read by key, decoded", () =>
    Effect.gen(function* () {
      yield* filled
      expect(yield* Records.get(Sums, "a")).toEqual(Option.some({ sum: 1, since }))
      expect(yield* Records.get(Sums, "z")).toEqual(Option.none())
      expect(yield* Records.getMany(Sums, ["c", "z", "b"])).toEqual(
        new Map([
          ["c", { sum: 2, since }],
          ["b", { sum: 3, since }]
        ])
      )
    }).pipe(Effect.provide(stores))
  )

  it.effect("are read by query, decoded, page by page, and counted", () =>
    Effect.gen(function* () {
      yield* filled
      const query = Query.from(Sums, { orderBy: [["sum", "desc"]], limit: 2 })
      const first = yield* Records.query(Sums, query)
      expect(first.rows).toEqual([
        { key: "b", state: { sum: 3, since } },
        { key: "c", state: { sum: 2, since } }
      ])
      const second = yield* Records.query(Sums, Query.after(query, first.next!))
      expect(second).toEqual({ rows: [{ key: "a", state: { sum: 1, since } }], next: undefined })
      expect(yield* Records.query(Sums, query, { after: first.next })).toEqual(second)
      const selected = yield* Records.query(Sums, Query.from(Sums, { select: ["since"], limit: 1 }))
      expect(selected.rows).toEqual([{ key: "a", state: { since } }])
      expect(yield* Records.count(Sums, query)).toBe(3)
      expect(yield* Effect.flip(Records.query(Sums, Query.after(query, "?")))).toBeInstanceOf(InvalidCursor)
    }).pipe(Effect.provide(stores))
  )

  it.effect("that do not match the schema are an error with their key, never left out", () =>
    Effect.gen(function* () {
      yield* filled
      const { claim, commit } = yield* ProjectionStore.ProjectionStore
      const generation = { view: "Sums", version: 1 }
      yield* claim({ generation, owner: "other", lease: Duration.zero })
      const put = [{ key: "c", state: { sum: "two" } }]
      yield* commit({ owner: { generation, epoch: 2 }, from: 3, to: 3, records: { put, remove: [] } })
      const error = new RecordDecodeError({ view: "Sums", key: "c", cause: expect.anything() })
      expect(yield* Effect.flip(Records.get(Sums, "c"))).toEqual(error)
      expect(yield* Effect.flip(Records.query(Sums, Query.from(Sums)))).toEqual(error)
      expect(yield* Records.get(Sums, "a")).toEqual(Option.some({ sum: 1, since }))
    }).pipe(Effect.provide(stores))
  )
})
