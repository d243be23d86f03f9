import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Decision, Executor, Projection, Query, Records, View } from "@hexfold/core"
import { BigDecimal, DateTime, Effect, Option, Result, Schema } from "effect"

const Put = Schema.TaggedStruct("Put", { json: Schema.Json })
const WasPut = Schema.TaggedStruct("WasPut", { json: Schema.Json })
const Doc = Aggregate.make("Doc", {
  id: Schema.String,
  state: Schema.Null,
  initial: null,
  commands: [Put],
  events: [WasPut],
  errors: [],
  decide: { Put: ({ json }) => Decision.accept(WasPut.make({ json })) },
  evolve: { WasPut: () => null }
})

// Writes records as an earlier definition of the view has written them.
const Before = View.make("Docs", { from: [Doc], state: Schema.Json, evolve: { WasPut: (_, { json }) => json } })

const Status = Schema.Literals(["open", "closed"])
const Docs = View.make("Docs", {
  from: [Doc],
  state: Schema.Struct({
    status: Status.pipe(Schema.withDecodingDefaultKey(Effect.succeed("open" as const))),
    owner: Schema.NullOr(
      Schema.Struct({ rank: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(5))) })
    ).pipe(Schema.withDecodingDefaultKey(Effect.succeed({ rank: 7 }))),
    note: Schema.Option(Schema.String),
    ratio: Schema.Number,
    tags: Schema.Record(Schema.String, Schema.Int),
    price: Schema.BigDecimal,
    cents: Schema.BigInt,
    at: Schema.DateTimeUtc
  }),
  indexes: ["ratio"],
  evolve: { WasPut: (state) => state }
})

const base = { note: { _tag: "None" }, ratio: 0, tags: {}, price: "1", cents: "1", at: "2026-01-31T09:00:00.000Z" }
const stored: ReadonlyArray<readonly [string, { readonly [name: string]: Schema.Json }]> = [
  ["a", {}],
  ["b", { status: "closed", owner: { rank: 1 }, ratio: "-Infinity" }],
  ["c", { owner: {}, ratio: "Infinity", note: { _tag: "Some", value: "hi" } }],
  ["d", { owner: null, ratio: "NaN", tags: { "ann@example.com": 1 } }],
  ["e", { status: "open", ratio: -1.5, tags: { "ann@example.com": 2, ann: 1 }, price: "1.1", cents: "10" }]
]

const filled = Effect.gen(function* () {
  for (const [id, json] of stored) yield* Executor.execute(Doc, id, Put.make({ json: { ...base, ...json } }))
  yield* Projection.catchUp(Before)
})

const onStores = <E>(program: Effect.Effect<void, E, Effect.Services<typeof filled>>) =>
  Effect.provide(Effect.andThen(filled, program), MemoryStores.layer())

type State = (typeof Docs)["schemas"]["state"]["Type"]

const keys = (query: Query.Query<unknown, "Docs">) =>
  Effect.map(Records.query(Docs, query), ({ rows }) => rows.map(({ key }) => key))

const where = (filter: (filters: Query.Filters<State>) => Query.Filter) => Query.from(Docs, { where: filter })

describe("a query finds the records that its rows show", () => {
  it.effect("for fields with decoding defaults, options, odd numbers and keys with dots", () =>
    onStores(
      Effect.gen(function* () {
        const { rows } = yield* Records.query(Docs, Query.from(Docs))
        const agree = Effect.fnUntraced(function* (
          filter: (filters: Query.Filters<State>) => Query.Filter,
          shows: (state: State) => boolean
        ) {
          const expected = rows.filter(({ state }) => shows(state)).map(({ key }) => key)
          assert.deepStrictEqual(yield* keys(where(filter)), expected, String(filter))
          assert.strictEqual(yield* Records.count(Docs, where(filter)), expected.length)
        })
        yield* agree(
          ({ eq }) => eq("status", "open"),
          ({ status }) => status === "open"
        )
        yield* agree(
          ({ isNull }) => isNull("status"),
          () => false
        )
        yield* agree(
          ({ ne }) => ne("status", "open"),
          ({ status }) => status !== "open"
        )
        yield* agree(
          (filters) => filters.oneOf("status", ["open"]),
          ({ status }) => status === "open"
        )
        yield* agree(
          ({ startsWith }) => startsWith("status", "o"),
          ({ status }) => status.startsWith("o")
        )
        for (const rank of [1, 5, 7]) {
          yield* agree(
            ({ eq }) => eq("owner.rank", rank),
            ({ owner }) => owner?.rank === rank
          )
          yield* agree(
            ({ gte }) => gte("owner.rank", rank),
            ({ owner }) => owner !== null && owner.rank >= rank
          )
        }
        yield* agree(
          ({ isNull }) => isNull("owner"),
          ({ owner }) => owner === null
        )
        yield* agree(
          ({ isNull }) => isNull("note"),
          ({ note }) => Option.isNone(note)
        )
        for (const ratio of [-Infinity, -1.5, 0, 1, Infinity, NaN]) {
          yield* agree(
            ({ gt }) => gt("ratio", ratio),
            (state) => state.ratio > ratio
          )
          yield* agree(
            ({ gte }) => gte("ratio", ratio),
            (state) => state.ratio >= ratio
          )
          yield* agree(
            ({ lt }) => lt("ratio", ratio),
            (state) => state.ratio < ratio
          )
          yield* agree(
            ({ lte }) => lte("ratio", ratio),
            (state) => state.ratio <= ratio
          )
          yield* agree(
            ({ eq }) => eq("ratio", ratio),
            (state) => Object.is(state.ratio, ratio)
          )
        }
        yield* agree(
          ({ eq }) => eq("tags.ann@example.com", 1),
          ({ tags }) => tags["ann@example.com"] === 1
        )
        yield* agree(
          ({ gt }) => gt("tags.ann@example\\.com", 1),
          ({ tags }) => tags["ann@example.com"]! > 1
        )
        yield* agree(
          ({ eq }) => eq("tags.ann", 1),
          ({ tags }) => tags["ann"] === 1
        )
        yield* agree(
          ({ eq }) => eq("cents", 10n),
          ({ cents }) => cents === 10n
        )
      })
    )
  )

  it.effect("in the order of what the rows show", () =>
    onStores(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* keys(Query.from(Docs, { orderBy: ["ratio"] })), ["b", "e", "a", "c", "d"])
        const descending = Query.from(Docs, { orderBy: [["ratio", "desc"]], limit: 2 })
        const first = yield* Records.query(Docs, descending)
        assert.deepStrictEqual(
          first.rows.map(({ key }) => key),
          ["d", "c"]
        )
        const second = yield* Records.query(Docs, descending, { after: first.next })
        assert.deepStrictEqual(
          second.rows.map(({ key }) => key),
          ["a", "e"]
        )
        assert.deepStrictEqual(yield* keys(Query.from(Docs, { orderBy: ["status"] })), ["b", "a", "c", "d", "e"])
        const ranks = ["owner.rank", "asc", { nulls: "last" }] as const
        assert.deepStrictEqual(yield* keys(Query.from(Docs, { orderBy: [ranks] })), ["b", "c", "a", "e", "d"])
        assert.deepStrictEqual(yield* keys(Query.from(Docs, { orderBy: ["owner.rank"] })), ["d", "b", "c", "a", "e"])
      })
    )
  )

  it.effect("and selects what the whole rows show", () =>
    onStores(
      Effect.gen(function* () {
        const all = yield* Records.query(Docs, Query.from(Docs))
        const some = yield* Records.query(Docs, Query.from(Docs, { select: ["status", "owner.rank", "note"] }))
        assert.deepStrictEqual(
          some.rows.map(({ state }) => [state.status, state.owner?.rank, state.note]),
          all.rows.map(({ state }) => [state.status, state.owner?.rank, state.note])
        )
      })
    )
  )

  it.effect("and groups by what the rows show", () =>
    onStores(
      Effect.gen(function* () {
        const query = Query.groups(Docs, {
          by: ["status"],
          values: ({ avg, count, max, min, sum }) => ({
            docs: count(),
            ranks: sum("owner.rank"),
            rank: avg("owner.rank"),
            least: min("ratio"),
            last: max("at")
          })
        })
        const at = DateTime.makeUnsafe("2026-01-31T09:00:00.000Z")
        assert.deepStrictEqual(yield* Records.groups(Docs, query), [
          { by: ["closed"], values: { docs: 1, ranks: 1, rank: 1, least: -Infinity, last: at } },
          { by: ["open"], values: { docs: 4, ranks: 19, rank: 19 / 3, least: -1.5, last: at } }
        ])
        const all = Query.groups(Docs, { where: { status: "open" }, values: ({ sum }) => ({ ratios: sum("ratio") }) })
        assert.deepStrictEqual(yield* Records.groups(Docs, all), [{ by: [], values: { ratios: NaN } }])
        const none = Query.groups(Docs, {
          where: ({ eq }) => eq("owner.rank", 100),
          values: ({ avg, max, sum }) => ({ sum: sum("ratio"), avg: avg("ratio"), max: max("at") })
        })
        assert.deepStrictEqual(yield* Records.groups(Docs, none), [
          { by: [], values: { sum: 0, avg: null, max: null } }
        ])
      })
    )
  )
})

describe("a page with its total", () => {
  it.effect("counts the records of all pages", () =>
    onStores(
      Effect.gen(function* () {
        const query = Query.from(Docs, { where: { status: "open" }, limit: 3 })
        const first = yield* Records.page(Docs, query)
        assert.deepStrictEqual([first.rows.length, first.total], [3, 4])
        const last = yield* Records.page(Docs, query, { after: first.next })
        assert.deepStrictEqual([last.rows.length, last.total, last.next], [1, 4, undefined])
        assert.deepStrictEqual((yield* Records.query(Docs, Query.from(Docs, { limit: 1, total: true }))).total, 5)
        assert.notProperty(yield* Records.query(Docs, query), "total")
      })
    )
  )
})

describe("what a field's JSON cannot answer", () => {
  it("does not compile, or throws when the query is made", () => {
    // @ts-expect-error a decimal number of any size has no order in JSON
    assert.isFunction(() => Query.from(Docs, { orderBy: ["price"] }))
    // @ts-expect-error a decimal number of any size is written in several ways
    assert.isFunction(() => where(({ eq }) => eq("price", BigDecimal.make(1n, 0))))
    // @ts-expect-error whole numbers of any size are written as text
    assert.isFunction(() => Query.from(Docs, { orderBy: ["cents"] }))
    const view = { name: "Texts", schemas: { state: Schema.Struct({ rate: Schema.FiniteFromString }) } }
    assert.throws(() => Query.from(view, { orderBy: ["rate"] }), "the numbers of rate are written as text")
    assert.throws(
      () => Query.groups(view, { values: ({ max }) => ({ most: max("rate") }) }),
      "the numbers of rate are written as text"
    )
  })
})

describe("a field that the view does not have", () => {
  it.effect("is null in what a query selects, and not in the rest", () =>
    onStores(
      Effect.gen(function* () {
        const decode = Schema.decodeUnknownEffect(Query.QuerySchema)
        const select = [["nope"], ["constructor"], ["status", "x"], ["nope", "too"], ["ratio"]]
        for (const orderBy of [[], [{ path: ["nope"], direction: "asc" }]]) {
          const query = yield* decode({ _tag: "Records", view: "Docs", orderBy, limit: 1, select })
          const { rows } = yield* Records.query(Docs, query)
          assert.deepStrictEqual(rows, [{ key: "a", state: { nope: null, constructor: null, status: null, ratio: 0 } }])
        }
        const hostile = yield* decode({
          _tag: "Records",
          view: "Docs",
          orderBy: [],
          select: [["__proto__"], ["__proto__", "x"]]
        })
        assert.strictEqual((yield* Records.query(Docs, hostile)).rows.length, 5)
      })
    )
  )

  it("has one meaning in all members of a union, or cannot be asked for", () => {
    const state = Schema.Union([
      Schema.TaggedStruct("A", { n: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1))) }),
      Schema.TaggedStruct("B", { n: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(2))) })
    ])
    const view = { name: "Unions", schemas: { state } }
    assert.throws(() => Query.from(view, { orderBy: ["n"] }), "a missing field n has several meanings")
    assert.isTrue(Result.isResult(Query.decoder(view, Query.from(view))({ rows: [], next: undefined })))
  })
})
