import { assert, describe, it } from "@effect/vitest"
import { MemoryEventStore, MemoryStores } from "@hexfold/adapters-memory"
import {
  Aggregate,
  Boundary,
  Decision,
  EventStoreError,
  Executor,
  Projection,
  ProjectionFailed,
  View
} from "@hexfold/core"
import { Chunk, Effect, Equal, HashMap, Option, Schema, SchemaGetter } from "effect"

const definition = { id: Schema.String, state: Schema.Null, initial: null }
const eventsWith = (value: Schema.Codec<unknown, unknown>) =>
  Aggregate.make("Profile", {
    ...definition,
    events: [Schema.TaggedStruct("Changed", { value })],
    evolve: { Changed: () => null }
  })
const stateWith = (value: Schema.Codec<unknown, unknown>) =>
  View.make("Profiles", { from: [eventsWith(Schema.Json)], state: value, evolve: { Changed: () => undefined } })

class Wrapped extends Schema.TaggedClass<Wrapped>()("Wrapped", {
  value: Schema.Union([Schema.BigInt, Schema.String])
}) {}
class One extends Schema.TaggedClass<One>()("One", { a: Schema.Int }) {}
class Two extends Schema.TaggedClass<Two>()("Two", { a: Schema.Int }) {}

class Short extends Schema.Class<Short>("Short")({ a: Schema.String }) {}
class Long extends Short.extend<Long>("Long")({ b: Schema.String }) {}
class Same extends Schema.Class<Same>("Same")({ a: Schema.String }) {}

const short = Schema.Struct({ a: Schema.String })
const long = Schema.Struct({ a: Schema.String, b: Schema.String })
const either = Schema.Union([Schema.BigInt, Schema.String])

describe("a schema whose JSON has two meanings is refused:", () => {
  const refused: Readonly<Record<string, readonly [Schema.Codec<unknown, unknown>, path: string]>> = {
    "an optional member that may be null": [
      Schema.Struct({ phone: Schema.optional(Schema.NullOr(Schema.String)) }),
      ".phone"
    ],
    "null or undefined": [Schema.Union([Schema.Null, Schema.Undefined]), ""],
    "a bigint or a text": [either, ""],
    "a text or a bigint": [Schema.Union([Schema.String, Schema.BigInt]), ""],
    "a number with NaN or a text": [Schema.Union([Schema.Number, Schema.String]), ""],
    "a Date or a text": [Schema.Union([Schema.Date, Schema.String]), ""],
    "bytes or a text": [Schema.Union([Schema.Uint8Array, Schema.String]), ""],
    "two kinds of times": [Schema.Union([Schema.Date, Schema.DateTimeUtc]), ""],
    "an Option of null": [Schema.OptionFromNullOr(Schema.NullOr(Schema.String)), ""],
    "an Option of an Option": [Schema.OptionFromNullOr(Schema.OptionFromNullOr(Schema.String)), ""],
    "an Option of a number with a name or null": [
      Schema.OptionFromNullOr(Schema.Union([Schema.Int, Schema.Null, Schema.String])),
      ""
    ],
    "an optional Option of null": [Schema.Struct({ a: Schema.OptionFromOptional(Schema.NullOr(Schema.String)) }), ".a"],
    "a struct before one with more members": [Schema.Union([short, long]), ""],
    "a struct before one with an optional member more": [
      Schema.Union([short, Schema.Struct({ a: Schema.String, b: Schema.optionalKey(Schema.Int) })]),
      ""
    ],
    "a struct with a wider member before one with more members": [
      Schema.Union([
        Schema.Struct({ a: Schema.Union([Schema.String, Schema.Null]) }),
        Schema.Struct({ a: Schema.Literal("x"), b: Schema.Int })
      ]),
      ""
    ],
    "an empty struct before any other": [Schema.Union([Schema.Struct({}), short]), ""],
    "a class before one that extends it": [Schema.Union([Short, Long]), ""],
    "two classes with the same fields": [Schema.Union([Short, Same]), ""],
    "a class before a struct with its fields": [Schema.Union([Short, short]), ""],
    "a shorter struct in a list": [Schema.Array(Schema.Union([short, long])), "[]"],
    "in a list": [Schema.Array(either), "[]"],
    "in a tuple": [Schema.Tuple([Schema.Int, either]), "[1]"],
    "in a record": [Schema.Record(Schema.String, either), "[key]"],
    "in a class": [Wrapped, ".value"]
  }
  for (const [what, [schema, path]] of Object.entries(refused)) {
    it(`${what}`, () => {
      assert.throws(() => eventsWith(schema), `Profile, events Changed.value${path}: `)
      assert.throws(() => stateWith(schema), `Profiles, state${path}: `)
    })
  }

  it("in the command of a boundary", () => {
    const command = Schema.TaggedStruct("Other", { value: either })
    const make = () => Boundary.make("Change", { command, participants: () => ({}), decide: () => Decision.nothing })
    assert.throws(make, "Change, command.value: ")
  })

  it("in commands, ids and errors", () => {
    const tagged = Schema.TaggedStruct("Other", { value: either })
    const rest = { ...definition, events: [One], evolve: { One: () => null } }
    assert.throws(() => Aggregate.make("Profile", { ...rest, id: either }), "Profile, id: ")
    assert.throws(
      () => Aggregate.make("Profile", { ...rest, commands: [tagged], decide: { Other: () => Decision.nothing } }),
      "Profile, commands Other.value: "
    )
    assert.throws(() => Aggregate.make("Profile", { ...rest, errors: [tagged] }), "Profile, errors Other.value: ")
  })
})

describe("a schema whose JSON has one meaning is taken:", () => {
  const taken: Readonly<Record<string, Schema.Codec<unknown, unknown>>> = {
    "classes by tag": Schema.Union([One, Two]),
    literals: Schema.Literals(["a", "b", 1, "1"]),
    "a text or null": Schema.NullOr(Schema.String),
    "an optional text": Schema.Struct({ a: Schema.optional(Schema.String) }),
    "a text or null that may be missing": Schema.Struct({ a: Schema.optionalKey(Schema.NullOr(Schema.String)) }),
    "an Option": Schema.Option(Schema.NullOr(Schema.String)),
    brands: Schema.String.pipe(Schema.brand("Name")),
    templates: Schema.TemplateLiteral(["a-", Schema.Number]),
    "a whole number or a text": Schema.Union([Schema.Int, Schema.String]),
    "a literal or a text": Schema.Union([Schema.Literal("a"), Schema.String]),
    JSON: Schema.Json,
    "an Option of a text": Schema.OptionFromNullOr(Schema.String),
    "an Option of null in its own form": Schema.Option(Schema.NullOr(Schema.String)),
    "an Option of null that may be missing": Schema.Struct({
      a: Schema.OptionFromOptionalKey(Schema.NullOr(Schema.String))
    }),
    "a struct after one with more members": Schema.Union([long, short]),
    "a class after one that extends it": Schema.Union([Long, Short]),
    "structs of which the shorter one has another kind": Schema.Union([
      Schema.Struct({ a: Schema.Int }),
      Schema.Struct({ a: Schema.String, b: Schema.Int })
    ]),
    "structs without a tag": Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.String })])
  }
  for (const [what, schema] of Object.entries(taken)) {
    it(`${what}`, () => {
      eventsWith(schema)
      stateWith(schema)
    })
  }
})

it("a schema that makes itself anew at each step is taken", () => {
  interface Tree {
    readonly item: number
    readonly children: ReadonlyArray<Tree>
  }
  const tree = (): Schema.Codec<Tree, unknown> =>
    Schema.Struct({ item: Schema.Int, children: Schema.Array(Schema.suspend(tree)) })
  stateWith(tree())
})

describe("where the schema cannot tell, an event that would come back as something else is refused:", () => {
  const lists: Schema.Codec<unknown, unknown> = Schema.Union([Schema.Array(Schema.BigInt), Schema.Array(Schema.String)])
  const Put = Schema.TaggedStruct("Put", { value: Schema.Unknown })
  const Box = Aggregate.make("Box", {
    ...definition,
    commands: [Put],
    events: [Schema.TaggedStruct("Changed", { value: lists })],
    decide: { Put: ({ value }) => Decision.accept({ _tag: "Changed" as const, value }) },
    evolve: { Changed: () => null }
  })
  it.effect("but not one that holds itself, as an empty Chunk does", () =>
    Effect.gen(function* () {
      const value = Schema.Struct({ items: Schema.Chunk(Schema.Finite), more: Schema.Unknown })
      const Put = Schema.TaggedStruct("Put", {})
      const Bag = Aggregate.make("Bag", {
        ...definition,
        commands: [Put],
        events: [Schema.TaggedStruct("Changed", { value })],
        decide: { Put: () => Decision.accept({ _tag: "Changed", value: { items: Chunk.empty<number>(), more: "m" } }) },
        evolve: { Changed: () => null }
      })
      yield* Executor.execute(Bag, "a", { _tag: "Put" })
      assert.strictEqual((yield* Executor.load(Bag, "a")).version, 1)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("a list of texts that are numbers", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Box, "a", { _tag: "Put", value: ["a"] })
      yield* Executor.execute(Box, "a", { _tag: "Put", value: [1n] })
      const error = yield* Effect.flip(Executor.execute(Box, "a", { _tag: "Put", value: ["00042"] }))
      assert.instanceOf(error, EventStoreError)
      assert.strictEqual(
        error.message.split(" (")[0],
        "append: the event Changed of Box: .value[0] is a string and would be read back as a bigint"
      )
      assert.strictEqual((yield* Executor.load(Box, "a")).version, 2)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("values are compared where the schema cannot tell:", () => {
  const Put = Schema.TaggedStruct("Put", {})
  const put = (value: Schema.Codec<unknown, unknown>, given: unknown) => {
    const Box = Aggregate.make("Box", {
      id: Schema.String,
      state: Schema.Unknown,
      initial: undefined,
      commands: [Put],
      events: [Schema.TaggedStruct("Changed", { value })],
      decide: { Put: () => Decision.accept({ _tag: "Changed" as const, value: given }) },
      evolve: { Changed: (_, event) => event.value }
    })
    return Effect.gen(function* () {
      yield* Executor.execute(Box, "a", { _tag: "Put" })
      return (yield* Executor.load(Box, "a")).state
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  }
  const lowered = Schema.String.pipe(
    Schema.decode({
      decode: SchemaGetter.transform((s: string) => s.toLowerCase()),
      encode: SchemaGetter.passthrough()
    })
  )
  interface Tree {
    readonly a: string
    readonly next: Tree | { readonly a: string; readonly b: string } | null
  }
  const tree: Schema.Codec<Tree, unknown> = Schema.Struct({
    a: Schema.String,
    next: Schema.Union([Schema.Null, Schema.suspend(() => tree), long])
  })
  const withDefault = Schema.Struct({
    a: Schema.String,
    b: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(5)))
  })
  const nested = Schema.Union([Schema.Union([Schema.Struct({ a: Schema.NonEmptyString }), Schema.Null]), long])
  const record = Schema.Union([
    Schema.Struct({ a: Schema.NonEmptyString }),
    Schema.Record(Schema.String, Schema.String)
  ])
  const tuple = Schema.Union([
    Schema.Tuple([Schema.String, Schema.optionalKey(Schema.BigInt)]),
    Schema.Tuple([Schema.String, Schema.String])
  ])
  const day = Schema.Union([Schema.Struct({ at: Schema.DateTimeUtcFromString }), Schema.Struct({ at: Schema.String })])
  const numbers = Schema.Record(lowered, Schema.Int)
  const stored = Schema.OptionFromNullOr(Schema.Unknown)
  class Refused extends Schema.TaggedError<Refused>()("Refused", { text: lowered }) {}

  const changed: Readonly<Record<string, readonly [Schema.Codec<unknown, unknown>, given: unknown, message: string]>> =
    {
      "a text that reading makes another one": [
        lowered,
        "A",
        ".value is a string and would be read back as another one"
      ],
      "a member that a nested union drops": [nested, { a: "x", b: "y" }, ".value.b is a string and would be lost"],
      "a key that a struct before a record drops": [
        record,
        { a: "x", c: "y" },
        ".value.c is a string and would be lost"
      ],
      "a member of a recursive schema": [
        tree,
        { a: "x", next: { a: "y", b: "z", next: null } },
        ".value.next.b is a string and would be lost"
      ],
      "a default that another member of the union adds": [
        Schema.Union([withDefault, short]),
        { a: "x" },
        ".value.b is missing and would be read back as a number"
      ],
      "the end of a tuple": [tuple, ["x", "1"], ".value[1] is a string and would be read back as a bigint"],
      "a text that is a date": [
        day,
        { at: "2026-01-01T00:00:00Z" },
        ".value.at is a string and would be read back as an object"
      ],
      "a key that reading makes another one": [numbers, { A: 1 }, ".value.A is a number and would be lost"],
      "a field of an error": [Refused, new Refused({ text: "A" }), ".value.text is a string and would be read back as"],
      "null in an Option of anything": [stored, Option.some(null), ".value is Some and would be read back as None"]
    }
  for (const [what, [schema, given, message]] of Object.entries(changed)) {
    it.effect(`${what} is refused`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(put(schema, given))
        assert.instanceOf(error, EventStoreError)
        assert.strictEqual(error.reason._tag, "Rejected")
        assert.include(error.message, message)
      })
    )
  }

  const kept: Readonly<Record<string, readonly [Schema.Codec<unknown, unknown>, given: unknown]>> = {
    "a text that reading leaves as it is": [lowered, "a"],
    "the first member of a nested union": [nested, { a: "x" }],
    "a record that the struct does not take": [record, { c: "y" }],
    "a tree": [tree, { a: "x", next: { a: "y", next: null } }],
    "a tuple without its end": [tuple, ["x"]],
    "a member with its default": [Schema.Union([withDefault, short]), { a: "x", b: 5 }],
    "plain JSON where anything may be": [Schema.Any, { a: [1, { b: null }] }],
    "an error": [Refused, new Refused({ text: "a" })],
    "JSON in an Option": [stored, Option.some({ a: 1 })],
    "a Map of what is not known": [Schema.ReadonlyMap(Schema.String, Schema.Unknown), new Map([["a", { b: 1 }]])],
    "a Set with a transformation": [Schema.ReadonlySet(lowered), new Set(["a", "b"])],
    "a HashMap": [Schema.HashMap(Schema.String, lowered), HashMap.make(["a", "b"], ["c", "d"])]
  }
  for (const [what, [schema, given]] of Object.entries(kept)) {
    it.effect(`${what} is kept`, () =>
      Effect.map(put(schema, given), (state) => assert.isTrue(Equal.equals(state, given)))
    )
  }

  it.effect("a key that no member declares is surplus and is left out", () =>
    Effect.map(put(nested, { a: "x", other: 1 }), (state) => assert.deepStrictEqual(state, { a: "x" }))
  )

  it.effect("a record that would lose a member fails its event", () =>
    Effect.gen(function* () {
      const Box = Aggregate.make("Box", {
        ...definition,
        commands: [Put],
        events: [Put],
        decide: { Put: () => Decision.accept({ _tag: "Put" }) },
        evolve: { Put: () => null }
      })
      const Boxes = View.make("Boxes", { from: [Box], state: nested, evolve: { Put: () => ({ a: "x", b: "y" }) } })
      yield* Executor.execute(Box, "a", { _tag: "Put" })
      const failed = yield* Effect.flip(Projection.catchUp(Boxes))
      assert.instanceOf(failed, ProjectionFailed)
      assert.strictEqual(failed.step, "encode")
      assert.include(failed.message, "the state: .b is a string and would be lost")
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})
