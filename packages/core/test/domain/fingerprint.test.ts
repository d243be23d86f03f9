import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Decision, View } from "@hexfold/core"
import { Brand, Effect, Schema } from "effect"

const aggregate = (name: string, ...types: ReadonlyArray<string>) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [Schema.TaggedStruct("Do", {})],
    events: types.map((type) => Schema.TaggedStruct(type, {})),
    decide: { Do: () => Decision.accept() },
    evolve: Object.fromEntries(types.map((type) => [type, (n: number) => n + 1])) as never
  })

const Order = aggregate("Order", "Placed", "Cancelled", "Paid")
const Parcel = aggregate("Parcel", "Placed", "Sent")

const handlers = (...names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, () => undefined]))

/** The fingerprint of a view that differs from a common one by these parts. */
const of = (parts: Readonly<Record<string, unknown>> = {}): string => {
  const definition = { from: [Order], state: Schema.Int, evolve: handlers("Placed"), ...parts }
  return (View.make as (name: string, definition: object) => View.Any)("Orders", definition).fingerprint
}

const ofState = (state: Schema.Top) => of({ state })

describe("the fingerprint of a view", () => {
  it("is the same for the same definition", () => {
    assert.strictEqual(of(), of())
  })

  it("is known for ever: stores have it", () => {
    assert.strictEqual(of(), "e90aed548d4b-c49fea4fe009-id-8d83488bdcb8")
    const state = Schema.Struct({ a: Schema.optionalKey(Schema.Literals(["x", "y"])), at: Schema.DateTimeUtc })
    assert.strictEqual(
      of({ state, from: [Order, Parcel], evolve: handlers("*"), indexes: ["a"] }),
      "a10e2a64bf7a-69927cd2c8f9-stream-23d5db931f73"
    )
  })

  it("does not depend on what has no meaning for the records", () => {
    const state = Schema.Struct({ a: Schema.String, b: Schema.Int })
    const same: ReadonlyArray<readonly [string, string, string]> = [
      ["version", of(), of({ version: 2 })],
      ["consistency", of(), of({ consistency: "inline" })],
      ["onPoison", of(), of({ onPoison: "park" })],
      ["order of sources", of({ from: [Order, Parcel] }), of({ from: [Parcel, Order] })],
      ["order of handlers", of({ evolve: handlers("Placed", "Paid") }), of({ evolve: handlers("Paid", "Placed") })],
      [
        "order of events of an aggregate",
        of({ evolve: handlers("*") }),
        of({ evolve: handlers("*"), from: [aggregate("Order", "Paid", "Placed", "Cancelled")] })
      ],
      ["an event without handler", of(), of({ from: [aggregate("Order", "Placed", "New")] })],
      ["order of indexes", of({ state, indexes: ["a", "b"] }), of({ state, indexes: ["b", "a"] })],
      ["an index twice", of({ state, indexes: ["a", ["a"]] }), of({ state, indexes: ["a"] })],
      ["body of a key", of({ key: () => "a" }), of({ key: () => "b" })],
      ["no key of one source", of({ key: undefined }), of()]
    ]
    for (const [what, one, other] of same) assert.strictEqual(one, other, what)
  })

  it("depends on sources, handled events, kinds of keys and indexes", () => {
    const state = Schema.Struct({ a: Schema.String, b: Schema.Int })
    const all = [
      of(),
      of({ from: [Order, Parcel] }),
      of({ from: [aggregate("Orders", "Placed")] }),
      of({ evolve: handlers("Placed", "Paid") }),
      of({ evolve: handlers("Paid") }),
      of({ evolve: handlers("*") }),
      of({ evolve: handlers("*", "Placed") }),
      of({ evolve: handlers("*"), from: [aggregate("Order", "Placed", "Cancelled", "Paid", "New")] }),
      of({ from: [Order, Parcel], evolve: handlers("Order/Placed") }),
      of({ from: [Order, Parcel], evolve: handlers("Parcel/Placed") }),
      of({ from: [Order, Parcel], evolve: handlers("Sent") }),
      of({ key: View.perEvent }),
      of({ key: () => "a" }),
      of({ from: [Order, Parcel], key: () => "a" }),
      of({ state }),
      of({ state, indexes: ["a"] }),
      of({ state, indexes: ["b"] }),
      of({ state, indexes: ["a", "b"] }),
      of({ state, indexes: [["a", "b"]] }),
      of({ state, indexes: [["b", "a"]] })
    ]
    assert.strictEqual(new Set(all).size, all.length)
  })
})

interface Tree {
  readonly name: string
  readonly children: ReadonlyArray<Tree>
}

const tree = (label: Schema.Codec<string>): Schema.Codec<Tree> => {
  const made: Schema.Codec<Tree> = Schema.Struct({
    name: label,
    children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => made))
  })
  return made
}

// The same trees, written with one step more before they come back to themselves.
const unrolled = (): Schema.Codec<Tree> => {
  const inner = tree(Schema.String)
  return Schema.Struct({ name: Schema.String, children: Schema.Array(Schema.suspend(() => inner)) })
}

// It never comes back to the same schema.
const endless = (leaf: Schema.Codec<number>): Schema.Codec<unknown> =>
  Schema.Struct({ leaf, next: Schema.optionalKey(Schema.suspend(() => endless(leaf))) })

class Point extends Schema.Class<Point>("Point")({ x: Schema.Int, y: Schema.Int }) {}
class Renamed extends Schema.Class<Renamed>("Another")({ y: Schema.Int, x: Schema.Int }) {}
class Node_ extends Schema.Class<Node_>("Node")({
  value: Schema.Int,
  next: Schema.NullOr(Schema.suspend((): Schema.Codec<Node_, unknown> => Node_ as never))
}) {}

const members = Array.from({ length: 80 }, (_, i) =>
  Schema.TaggedStruct(`Member${i}`, { value: Schema.Int, text: Schema.optionalKey(Schema.String) })
)

const Id = Schema.String.pipe(Schema.brand("Id"))
const Nominal = Schema.String.pipe(Schema.fromBrand("Nominal", Brand.nominal<string & Brand.Brand<"Nominal">>()))

describe("the fingerprint of a state", () => {
  it("is that of its JSON", () => {
    const struct = Schema.Struct({ x: Schema.Int, y: Schema.Int })
    const same: ReadonlyArray<readonly [string, Schema.Top, Schema.Top]> = [
      ["order of fields", struct, Schema.Struct({ y: Schema.Int, x: Schema.Int })],
      ["documentation", struct, struct.annotate({ identifier: "P", title: "t", description: "d" })],
      [
        "documentation of a field",
        struct,
        Schema.Struct({ x: Schema.Int.annotate({ description: "x" }), y: Schema.Int })
      ],
      ["a class", struct, Point],
      ["the name of a class", Point, Renamed],
      ["a class in an array", Schema.Array(struct), Schema.Array(Point)],
      ["a brand", Schema.String, Id],
      ["another brand", Id, Nominal],
      ["one schema twice", Schema.Struct({ a: struct, b: struct }), Schema.Struct({ a: struct, b: Point })],
      ["mutability", Schema.Array(Schema.Int), Schema.mutable(Schema.Array(Schema.Int))],
      ["order of literals", Schema.Literals(["a", "b", "c"]), Schema.Literals(["c", "b", "a"])],
      ["order of tagged members", Schema.Union(members), Schema.Union(members.toReversed())],
      ["a date and its text", Schema.DateTimeUtc, Schema.DateTimeUtcFromString],
      ["a recursive schema", tree(Schema.String), tree(Schema.String)],
      ["a recursive schema with one step more", tree(Schema.String), unrolled()],
      ["a suspended schema", struct, Schema.suspend(() => Point)],
      ["an endless schema", endless(Schema.Int), endless(Schema.Int)],
      ["a message of a check", Schema.Int, Schema.Number.check(Schema.isInt({ message: "no" }))]
    ]
    for (const [what, one, other] of same) assert.strictEqual(ofState(one), ofState(other), what)
  })

  it("differs if the JSON does", () => {
    const nested = (leaf: Schema.Top) =>
      Schema.Struct({ a: Schema.Struct({ b: Schema.Array(Schema.Struct({ c: Schema.NullOr(leaf) })) }) })
    const all: ReadonlyArray<Schema.Top> = [
      Schema.String,
      Schema.NonEmptyString,
      Schema.String.check(Schema.isMaxLength(3)),
      Schema.String.check(Schema.isMaxLength(4)),
      Schema.String.check(Schema.isPattern(/a/)),
      Schema.String.check(Schema.isPattern(/b/)),
      Schema.Number,
      Schema.Int,
      Schema.BigInt,
      Schema.NumberFromString,
      Schema.DateTimeUtc,
      Schema.Date,
      Schema.Boolean,
      Schema.Null,
      Schema.NullOr(Schema.Int),
      Schema.Option(Schema.Int),
      Schema.OptionFromNullOr(Schema.Int),
      Schema.Array(Schema.Int),
      Schema.NonEmptyArray(Schema.Int),
      Schema.Tuple([Schema.Int]),
      Schema.Tuple([Schema.Int, Schema.Int]),
      Schema.Record(Schema.String, Schema.Int),
      Schema.Struct({}),
      Schema.Struct({ a: Schema.Int }),
      Schema.Struct({ b: Schema.Int }),
      Schema.Struct({ a: Schema.optionalKey(Schema.Int) }),
      Schema.Struct({ a: Schema.optional(Schema.Int) }),
      Schema.Struct({ a: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1))) }),
      Schema.Struct({ a: Schema.Int, b: Schema.Int }),
      Schema.Literals(["a", "b"]),
      Schema.Literals(["a", "b", "c"]),
      Schema.Literals(["1", "2"]),
      Schema.Literals([1, 2]),
      Schema.Union(members),
      Schema.Union(members.slice(1)),
      Schema.Union([...members.slice(1), Schema.TaggedStruct("Member0", { value: Schema.Int, text: Schema.String })]),
      nested(Schema.Int),
      nested(Schema.String),
      tree(Schema.String),
      tree(Schema.NonEmptyString),
      Schema.Struct({ name: Schema.String, children: Schema.Array(Schema.Struct({ name: Schema.String })) }),
      Node_,
      endless(Schema.Int),
      endless(Schema.Number)
    ]
    const seen = new Map<string, number>()
    for (const [i, each] of all.entries()) {
      const fingerprint = ofState(each)
      assert.isUndefined(seen.get(fingerprint), `${i} and ${seen.get(fingerprint)}`)
      seen.set(fingerprint, i)
    }
  })
})
