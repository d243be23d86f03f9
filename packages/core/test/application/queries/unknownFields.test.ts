import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Decision, Executor, Projection, Query, Records, View } from "@hexfold/core"
import { Effect, Schema } from "effect"

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

// Writes records with fields that the view of the tests does not have.
const Before = View.make("Docs", { from: [Doc], state: Schema.Json, evolve: { WasPut: (_, { json }) => json } })

const state = Schema.Struct({
  n: Schema.Int,
  note: Schema.Option(Schema.Int),
  inner: Schema.Struct({ m: Schema.Int }),
  tags: Schema.Record(Schema.String, Schema.Int)
})
const Docs = View.make("Docs", { from: [Doc], state, evolve: { WasPut: (before) => before } })

const stored: ReadonlyArray<readonly [string, Schema.Json]> = [
  ["a", { n: 1, note: { _tag: "Some", value: 7 }, inner: { m: 1, gone: "x" }, tags: {}, gone: { deep: "x" } }],
  ["b", { n: 2, note: { _tag: "None" }, inner: { m: 2 }, tags: {} }]
]

const onStores = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    for (const [id, json] of stored) yield* Executor.execute(Doc, id, Put.make({ json }))
    yield* Projection.catchUp(Before)
    yield* program
  }).pipe(Effect.provide(MemoryStores.layer()))

const asked = (parts: object) =>
  Effect.flatMap(
    Schema.decodeUnknownEffect(Query.QuerySchema)({ _tag: "Records", view: "Docs", orderBy: [], ...parts }),
    (query) => Records.query(Docs, query)
  )

const keys = (parts: object) => Effect.map(asked(parts), ({ rows }) => rows.map(({ key }) => key))

const unknown = [["gone"], ["gone", "deep"], ["inner", "gone"], ["n", "x"], ["__proto__"]]

describe("a field that a record has and its view does not", () => {
  it.effect("is null in selections, filters and orders", () =>
    onStores(
      Effect.gen(function* () {
        const { rows } = yield* asked({ select: [["gone"], ["inner", "gone"], ["n"]] })
        assert.deepStrictEqual(
          rows.map(({ state }) => state),
          [
            { gone: null, inner: { gone: null }, n: 1 },
            { gone: null, inner: { gone: null }, n: 2 }
          ]
        )
        for (const path of unknown) {
          const compare = { _tag: "Compare", path, is: "eq", value: "x" }
          assert.deepStrictEqual(yield* keys({ where: compare }), [], path.join("."))
          assert.deepStrictEqual(yield* keys({ where: { _tag: "Not", filter: compare } }), ["a", "b"])
          assert.deepStrictEqual(yield* keys({ where: { _tag: "IsNull", path } }), ["a", "b"])
          const orderBy = [{ path, direction: "desc" }]
          assert.deepStrictEqual(yield* keys({ orderBy }), ["a", "b"])
          const first = yield* asked({ orderBy, limit: 1 })
          assert.notInclude(Buffer.from(first.next!, "base64url").toString(), "deep")
          assert.deepStrictEqual(yield* keys({ orderBy, limit: 1, after: first.next }), ["b"])
        }
      })
    )
  )

  it.effect("is null in groups and in their values", () =>
    onStores(
      Effect.gen(function* () {
        for (const path of unknown) {
          const query = yield* Schema.decodeUnknownEffect(Query.GroupsSchema)({
            _tag: "Groups",
            view: "Docs",
            by: [path],
            values: { count: { _tag: "count" }, most: { _tag: "max", path }, sum: { _tag: "sum", path } }
          })
          assert.deepStrictEqual(yield* Records.groups(Docs, query), [
            { by: [null], values: { count: 2, most: null, sum: 0 } }
          ])
        }
      })
    )
  )

  it.effect("is another matter than the JSON of an option, which has fields of its own", () =>
    onStores(
      Effect.gen(function* () {
        const compare = (path: ReadonlyArray<string>, value: Query.Scalar) => ({
          _tag: "Compare",
          path,
          is: "eq",
          value
        })
        assert.deepStrictEqual(yield* keys({ where: compare(["note", "value"], 7) }), ["a"])
        assert.deepStrictEqual(yield* keys({ where: compare(["note", "_tag"], "None") }), ["b"])
        const { rows } = yield* asked({ select: [["note", "value"]] })
        assert.deepStrictEqual(
          rows.map(({ state }) => state),
          [{ note: { value: 7 } }, { note: {} }]
        )
      })
    )
  )
})
