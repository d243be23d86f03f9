import { assert, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Aggregate, Decision, Executor } from "@hexfold/core"
import { Arbitrary, Effect, Exit, Result, Schema, SchemaGetter } from "effect"
import fc from "fast-check"
import { inspect, isDeepStrictEqual } from "node:util"

// The law of JSON that keeps its meaning, over generated schemas and values: a value that is appended comes back as it was.

type AnySchema = Schema.Codec<unknown, unknown>

class P extends Schema.Class<P>("P")({ a: Schema.String }) {}
class Q extends Schema.Class<Q>("Q")({ a: Schema.String, b: Schema.String }) {}
class R extends P.extend<R>("R")({ c: Schema.Int }) {}
class S extends Schema.TaggedClass<S>()("S", { a: Schema.Int }) {}

const lowered = Schema.String.pipe(
  Schema.decode({
    decode: SchemaGetter.transform((text: string) => text.toLowerCase()),
    encode: SchemaGetter.passthrough()
  })
)
const halved = Schema.Int.pipe(
  Schema.decode({
    decode: SchemaGetter.transform((n: number) => n * 2),
    encode: SchemaGetter.transform((n: number) => Math.trunc(n / 2))
  })
)
interface Tree {
  readonly a: string
  readonly next: Tree | null | { readonly a: string; readonly b: string }
}
const tree: Schema.Codec<Tree, unknown> = Schema.Struct({
  a: Schema.String,
  next: Schema.Union([Schema.Null, Schema.Struct({ a: Schema.String, b: Schema.String }), Schema.suspend(() => tree)])
})

const leaves: ReadonlyArray<AnySchema> = [
  Schema.String,
  Schema.Int,
  Schema.Number,
  Schema.Boolean,
  Schema.Null,
  Schema.Literal("a"),
  Schema.Literal(1),
  Schema.String.check(Schema.isMinLength(1)).pipe(Schema.brand("Name")),
  Schema.BigInt,
  Schema.Date,
  Schema.NumberFromString,
  Schema.FiniteFromString,
  Schema.Trim,
  lowered,
  halved,
  Schema.Json,
  Schema.Unknown,
  P,
  Q,
  R,
  S,
  tree
]

const { schema } = fc.letrec<{ schema: AnySchema; struct: AnySchema; leaf: AnySchema }>((tie) => ({
  leaf: fc.constantFrom(...leaves),
  struct: fc
    .dictionary(
      fc.constantFrom("a", "b", "c"),
      fc.tuple(tie("schema"), fc.constantFrom("required", "optional", "optionalKey", "default"))
    )
    .map((fields) =>
      Schema.Struct(
        Object.fromEntries(
          Object.entries(fields).map(([name, [of, kind]]) => [
            name,
            kind === "optional"
              ? Schema.optional(of)
              : kind === "optionalKey"
                ? Schema.optionalKey(of)
                : kind === "default"
                  ? Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(3)))
                  : of
          ])
        )
      )
    ) as fc.Arbitrary<AnySchema>,
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    tie("leaf"),
    tie("struct"),
    fc
      .array(fc.oneof(tie("leaf"), tie("struct"), tie("schema")), { minLength: 2, maxLength: 3 })
      .map((of) => Schema.Union(of)),
    tie("schema").map(Schema.NullOr),
    tie("schema").map(Schema.OptionFromNullOr),
    tie("schema").map(Schema.Option),
    tie("schema").map((of) => Schema.Array(of)),
    fc.tuple(tie("schema"), tie("schema")).map(([a, b]) => Schema.Tuple([a, Schema.optionalKey(b)])),
    tie("schema").map((of) => Schema.Record(Schema.String, of))
  ) as fc.Arbitrary<AnySchema>
}))

const Put = Schema.TaggedStruct("Put", {})
const boxOf = (value: AnySchema, put: () => unknown) =>
  Aggregate.make("Box", {
    id: Schema.String,
    state: Schema.Array(Schema.Unknown),
    initial: [],
    commands: [Put],
    events: [Schema.TaggedStruct("Changed", { value })],
    decide: { Put: () => Decision.accept({ _tag: "Changed" as const, value: put() }) },
    evolve: { Changed: (all, event) => [...all, event.value] }
  })

/** JSON has one zero. */
const withoutSign = (value: unknown): unknown => {
  if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) Reflect.set(value, key, withoutSign(each))
  }
  return Object.is(value, -0) ? 0 : value
}

/** A member that is undefined is as good as none. Node takes an object for another one if only the prototypes without a constructor of their own differ. */
const isSame = (one: unknown, other: unknown): boolean =>
  isDeepStrictEqual(one, other) && haveSamePrototypes(one, other)

const haveSamePrototypes = (one: unknown, other: unknown): boolean =>
  typeof one !== "object" ||
  one === null ||
  (Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
    Object.entries(one).every(([key, each]) => haveSamePrototypes(each, Reflect.get(other as object, key))))

const made = (value: AnySchema, put: () => unknown) => Result.try(() => boxOf(value, put))

it("what is appended is read back as it was, and what would be read back as it was is appended", async () => {
  await fc.assert(
    fc.asyncProperty(schema, fc.nat(), async (of, seed) => {
      fc.pre(Result.isSuccess(made(of, () => undefined)))
      const values = await Effect.runPromise(Arbitrary.sampleEffect(Arbitrary.schema(of), { count: 6, seed }))
      for (const value of values.map(withoutSign)) {
        const Box = boxOf(of, () => value)
        const put = Executor.execute(Box, "a", { _tag: "Put" })
        const read = Effect.map(Executor.load(Box, "a"), ({ state }) => state[0])
        const both = Effect.gen(function* () {
          yield* put
          return yield* read
        })
        const exit = await Effect.runPromiseExit(Effect.provide(both, MemoryEventStore.layer()))
        if (Exit.isSuccess(exit)) {
          assert.isTrue(isSame(exit.value, value), `${inspect(value)} came back as ${inspect(exit.value)}`)
          continue
        }
        // No store keeps such texts, whatever the schema says.
        if (/half a surrogate pair|contains NUL/.test(String(exit.cause))) continue
        const codec = Schema.toCodecJson(of)
        const json = Schema.encodeUnknownResult(codec)(value)
        if (Result.isFailure(json)) continue
        const text = Result.try(() => JSON.stringify(json.success))
        // Without a schema for its parts a value may have one that is not JSON.
        if (Result.isFailure(text)) continue
        const back = Schema.decodeUnknownResult(codec)(JSON.parse(text.success))
        assert.isFalse(Result.isSuccess(back) && isSame(back.success, value), String(exit.cause))
      }
    }),
    { numRuns: 200 }
  )
}, 60_000)
