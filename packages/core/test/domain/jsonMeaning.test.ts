import { assert, describe, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Aggregate, Boundary, Decision, EventStoreError, Executor, View } from "@hexfold/core"
import { Chunk, Effect, Schema } from "effect"

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
