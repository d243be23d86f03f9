import { assert } from "@effect/vitest"
import { Query, Records, ViewStore } from "@hexfold/core"
import { Effect, Option, Schema } from "effect"
import fc from "fast-check"
import type { Cases } from "../plan.ts"
import { begin, newGeneration, open, type Store } from "../projectionStore/generations.ts"

const state = Schema.Struct({
  status: Schema.Literals(["open", "closed"]).pipe(Schema.withDecodingDefaultKey(Effect.succeed("open" as const))),
  owner: Schema.NullOr(Schema.Struct({ rank: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(2))) })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed({ rank: 3 }))
  ),
  note: Schema.Option(Schema.String),
  name: Schema.OptionFromNullOr(Schema.String),
  ratio: Schema.Number,
  done: Schema.optionalKey(Schema.Boolean),
  tags: Schema.Record(Schema.String, Schema.Int),
  cents: Schema.BigInt,
  at: Schema.DateTimeUtc
})

type State = typeof state.Type

// The JSON of a record, also as an earlier definition of the view has written it.
const json = fc.record(
  {
    status: fc.constantFrom("open", "closed"),
    owner: fc.oneof(fc.constant(null), fc.record({ rank: fc.integer({ min: 1, max: 4 }) }, { requiredKeys: [] })),
    note: fc.constantFrom({ _tag: "None" }, { _tag: "Some", value: "x" }),
    name: fc.constantFrom(null, "", "x"),
    ratio: fc.constantFrom("-Infinity", -1.5, 0, 2, 1e21, "Infinity", "NaN"),
    done: fc.boolean(),
    tags: fc.dictionary(fc.constantFrom("a", "ann@example.com", "ann@example"), fc.constantFrom(1, 2)),
    cents: fc.constantFrom("1", "10", "9"),
    at: fc.constantFrom("1969-12-31T23:59:59.999Z", "2026-01-31T09:00:00.000Z")
  },
  { requiredKeys: ["note", "name", "ratio", "tags", "cents", "at"], noNullPrototype: true }
)

const records = fc
  .array(json, { maxLength: 12 })
  .map((all) => all.map((each, i) => ({ key: `k${i}`, state: JSON.parse(JSON.stringify(each)) as Schema.Json })))

type Question = readonly [filter: (filters: Query.Filters<State>) => Query.Filter, shows: (state: State) => boolean]

const questions = (n: number): ReadonlyArray<Question> => {
  const ratio = [-Infinity, -1.5, 0, 2, 1e21, Infinity, NaN, 1][n % 8]!
  const rank = (n % 4) + 1
  const status = n % 2 === 0 ? "open" : "closed"
  return [
    [({ eq }) => eq("status", status), (state) => state.status === status],
    [({ ne }) => ne("status", status), (state) => state.status !== status],
    [({ oneOf }) => oneOf("status", [status]), (state) => state.status === status],
    [({ isNull }) => isNull("status"), () => false],
    [({ contains }) => contains("status", "pe"), (state) => state.status === "open"],
    [({ eq }) => eq("owner.rank", rank), ({ owner }) => owner?.rank === rank],
    [({ gt }) => gt("owner.rank", rank), ({ owner }) => owner !== null && owner.rank > rank],
    [
      ({ between }) => between("owner.rank", 2, rank),
      ({ owner }) => owner !== null && owner.rank >= 2 && owner.rank <= rank
    ],
    [({ isNull }) => isNull("owner"), ({ owner }) => owner === null],
    [({ isNull }) => isNull("note"), ({ note }) => Option.isNone(note)],
    [({ isNull }) => isNull("name"), ({ name }) => Option.isNone(name)],
    [({ isNull }) => isNull("done"), ({ done }) => done === undefined],
    [({ eq }) => eq("done", true), ({ done }) => done === true],
    [({ eq }) => eq("ratio", ratio), (state) => Object.is(state.ratio, ratio)],
    [({ gt }) => gt("ratio", ratio), (state) => state.ratio > ratio],
    [({ gte }) => gte("ratio", ratio), (state) => state.ratio >= ratio],
    [({ lt }) => lt("ratio", ratio), (state) => state.ratio < ratio],
    [({ lte }) => lte("ratio", ratio), (state) => state.ratio <= ratio],
    [({ gte }) => gte("tags.ann@example.com", 2), ({ tags }) => (tags["ann@example.com"] ?? 0) >= 2],
    [({ eq }) => eq("tags.a", 1), ({ tags }) => tags["a"] === 1],
    [({ eq }) => eq("cents", 10n), ({ cents }) => cents === 10n]
  ]
}

// Where a number stands in an order.
const place = (ratio: number) => (Number.isNaN(ratio) ? [1, 0] : [0, ratio]) as readonly [number, number]

const inOrder = (a: number, b: number): boolean => {
  const [x, y] = [place(a), place(b)]
  return x[0] < y[0] || (x[0] === y[0] && x[1] <= y[1])
}

const agree = Effect.fnUntraced(function* (store: Store, rows: ReadonlyArray<Query.Row<Schema.Json>>, n: number) {
  const generation = newGeneration()
  const epoch = yield* begin(store, generation)
  yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1, records: { put: rows, remove: [] } })
  const view = {
    name: generation.view,
    version: generation.version,
    schemas: { state },
    indexes: ["ratio", ["status", "ratio"]]
  }
  const shown = (yield* Records.query(view, Query.from(view))).rows
  for (const [where, shows] of questions(n)) {
    const query = Query.from(view, { where })
    const expected = shown.filter((row) => shows(row.state))
    assert.deepStrictEqual((yield* Records.query(view, query)).rows, expected, JSON.stringify([query, rows]))
    assert.strictEqual(yield* Records.count(view, query), expected.length)
    assert.strictEqual((yield* Records.page(view, { ...query, limit: 1 })).total, expected.length)
  }
  for (const direction of ["asc", "desc"] as const) {
    const query = Query.from(view, { orderBy: [["ratio", direction]], limit: 5 })
    const found: Array<number> = []
    for (let after: string | undefined, more = true; more;) {
      const page = yield* Records.query(view, query, { after })
      found.push(...page.rows.map((row) => row.state.ratio))
      after = page.next
      more = after !== undefined
    }
    const ascending = direction === "asc" ? found : found.toReversed()
    assert.strictEqual(found.length, rows.length)
    assert.isTrue(
      ascending.every((ratio, i) => i === 0 || inOrder(ascending[i - 1]!, ratio)),
      String(found)
    )
  }
  const groups = yield* Records.groups(
    view,
    Query.groups(view, {
      by: ["status"],
      values: ({ count, min, sum }) => ({ n: count(), ranks: sum("owner.rank"), first: min("at") })
    })
  )
  for (const status of ["closed", "open"] as const) {
    const all = shown.filter((row) => row.state.status === status)
    const group = groups.find(({ by }) => by[0] === status)
    assert.strictEqual(group?.values.n ?? 0, all.length)
    assert.strictEqual(
      group?.values.ranks ?? 0,
      all.reduce((sum, row) => sum + (row.state.owner?.rank ?? 0), 0)
    )
    const first = all.map((row) => row.state.at.epochMilliseconds).toSorted((a, b) => a - b)[0]
    assert.strictEqual(group?.values.first?.epochMilliseconds, first)
  }
})

/** Promise 5, as applications see it: a query finds the records whose rows show what it asks. */
export const meaning: Cases = {
  "5 a query finds the records whose rows show what it asks": Effect.gen(function* () {
    const store = yield* open
    const samples = fc.sample(fc.tuple(records, fc.nat({ max: 31 })), 12)
    for (const [rows, n] of samples) {
      yield* agree(store, rows, n).pipe(Effect.provideService(ViewStore.ViewStore, store.views))
    }
  })
}
