/** Generated schemas of states, and the values that a handler may return for each: also careless ones. */
import { DateTime, Duration, Effect, Option, Schema, SchemaGetter } from "effect"
import fc from "fast-check"

type AnySchema = Schema.Codec<unknown, unknown>

/** A schema, its name for messages, and values that the compiler would accept for it. */
export interface Sample {
  readonly name: string
  readonly schema: AnySchema
  /** Whether its values are their own JSON, but for some that JSON does not have. */
  readonly isPlain: boolean
  readonly values: readonly [unknown, ...ReadonlyArray<unknown>]
}

class Owner extends Schema.Class<Owner>("Owner")({ name: Schema.String, rank: Schema.optionalKey(Schema.Int) }) {}
class Lead extends Owner.extend<Lead>("Lead")({ team: Schema.NullOr(Schema.String) }) {}
class Mark extends Schema.TaggedClass<Mark>()("Mark", { at: Schema.Date }) {}

// Decoding and encoding again, or the other way round, does not give the same value.
const counted = Schema.Int.pipe(
  Schema.decode({
    decode: SchemaGetter.transform((n: number) => n + 1),
    encode: SchemaGetter.transform((n: number) => n)
  })
)
const halved = Schema.Int.pipe(
  Schema.decode({
    decode: SchemaGetter.transform((n: number) => n * 2),
    encode: SchemaGetter.transform((n: number) => Math.trunc(n / 2))
  })
)
const lowered = Schema.String.pipe(
  Schema.decode({
    decode: SchemaGetter.transform((text: string) => text.toLowerCase()),
    encode: SchemaGetter.passthrough()
  })
)

interface Tree {
  readonly value: number
  readonly next?: Tree | null
}
const tree: Schema.Codec<Tree, unknown> = Schema.Struct({
  value: Schema.Number,
  next: Schema.optionalKey(Schema.NullOr(Schema.suspend(() => tree)))
})

const plainNames = new Set(["String", "Int", "Number", "Boolean", "Null", "Literals", "tree"])

const leaf = (name: string, schema: Schema.Codec<never, unknown>, ...values: Sample["values"]): Sample => ({
  name,
  // The values are listed beside their schema.
  schema: schema as unknown as AnySchema,
  isPlain: plainNames.has(name),
  values
})

const time = Date.UTC(2026, 0, 31, 9)

/** A schema with the one value null. */
export const nothing: Sample = leaf("Null", Schema.Null as never, null)

const leaves: ReadonlyArray<Sample> = [
  leaf("String", Schema.String as never, "", "a", "é😀", "\0", "\ud800", "__proto__"),
  leaf("Int", Schema.Int as never, 0, -0, 1, 2 ** 53, 1.5),
  leaf("Number", Schema.Number as never, 0, -0, 1e21, -1.5e-7, NaN, Infinity, -Infinity),
  leaf("Boolean", Schema.Boolean as never, true, false),
  nothing,
  leaf("Literals", Schema.Literals(["open", 1]) as never, "open", 1),
  leaf("BigInt", Schema.BigInt as never, 0n, -1n, 2n ** 70n),
  leaf("Date", Schema.Date as never, new Date(time), new Date(0.5), new Date(NaN)),
  leaf("DateTimeUtc", Schema.DateTimeUtc as never, DateTime.makeUnsafe(time), DateTime.makeUnsafe(1.5)),
  leaf("Duration", Schema.Duration as never, Duration.millis(1.5), Duration.seconds(2), Duration.infinity),
  leaf("Uint8Array", Schema.Uint8Array as never, new Uint8Array([1, 2]), new Uint8Array()),
  leaf("NumberFromString", Schema.NumberFromString as never, -0, 1e21, NaN),
  leaf("Trim", Schema.Trim as never, "a", " a "),
  leaf("counted", counted as never, 0, 1, 2),
  leaf("halved", halved as never, 2, 3, -1),
  leaf("lowered", lowered as never, "a", "A"),
  leaf("Json", Schema.Json as never, { b: -0, a: [{ zebra: 1, ant: 2 }] }, null, [1, -0], { ["__proto__"]: 1 }, ""),
  leaf("Unknown", Schema.Unknown as never, { bb: 1, a: undefined }, -0, new Owner({ name: "ann" })),
  leaf("Owner", Owner as never, new Owner({ name: "ann", rank: 1 }), { name: "ben", zebra: 1 }, { rank: -0, name: "" }),
  leaf("Lead", Lead as never, new Lead({ name: "ann", team: null }), { team: "x", name: "ben", rank: undefined }),
  leaf("Mark", Mark as never, new Mark({ at: new Date(time) }), { _tag: "Mark", at: new Date(time) }),
  leaf("tree", tree as never, { value: -0, next: { next: null, value: 1, zebra: 1 } }, { value: 1, next: undefined })
]

const cut = (values: ReadonlyArray<unknown>): Sample["values"] => [values[0], ...values.slice(1, 8)]

const wraps: ReadonlyArray<(of: Sample) => Sample> = [
  ({ isPlain, name, schema, values }) => ({
    name: `NullOr(${name})`,
    isPlain,
    schema: Schema.NullOr(schema),
    values: cut([null, ...values])
  }),
  ({ name, schema, values }) => ({
    name: `Option(${name})`,
    isPlain: false,
    schema: Schema.Option(schema),
    values: cut([Option.none(), ...values.map(Option.some)])
  }),
  ({ name, schema, values }) => ({
    name: `OptionFromNullOr(${name})`,
    isPlain: false,
    schema: Schema.OptionFromNullOr(schema),
    values: cut([Option.none(), ...values.map(Option.some)])
  }),
  ({ isPlain, name, schema, values }) => ({
    name: `Array(${name})`,
    isPlain,
    schema: Schema.Array(schema),
    values: [[], values, values.slice(0, 1)]
  }),
  ({ name, schema, values }) => ({
    name: `Tuple(${name})`,
    isPlain: false,
    schema: Schema.Tuple([schema, Schema.optionalKey(schema)]),
    values: [[values[0]], values.slice(0, 2), [values[0], undefined]]
  }),
  ({ isPlain, name, schema, values }) => ({
    name: `Record(${name})`,
    isPlain,
    schema: Schema.Record(Schema.String, schema),
    values: [
      {},
      { zebra: values[0], "": values.at(-1), ant: values[0], éé: values[0], 10: values[0], 9: values.at(-1) },
      JSON.parse('{"__proto__":1,"b":2}'),
      { a: undefined, b: values[0] }
    ]
  }),
  ({ name, schema, values }) => ({
    name: `Map(${name})`,
    isPlain: false,
    schema: Schema.ReadonlyMap(Schema.String, schema),
    values: [new Map(), new Map([["b", values[0]], ["a", values.at(-1)]])] // prettier-ignore
  }),
  ({ name, schema, values }) => ({
    name: `Set(${name})`,
    isPlain: false,
    schema: Schema.ReadonlySet(schema),
    values: [new Set(), new Set(values)]
  })
]

const kinds = ["required", "optionalKey", "optional", "default", "constructor"] as const

const fieldOf = (schema: AnySchema, kind: (typeof kinds)[number]): Schema.Top => {
  switch (kind) {
    case "required":
      return schema
    case "optionalKey":
      return Schema.optionalKey(schema)
    case "optional":
      return Schema.optional(schema)
    case "default":
      return Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(3)))
    case "constructor":
      return Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(4)))
  }
}

const structOf = (fields: ReadonlyArray<readonly [string, Sample, (typeof kinds)[number]]>, tag?: string): Sample => {
  const schemas = Object.fromEntries(fields.map(([name, { schema }, kind]) => [name, fieldOf(schema, kind)]))
  const valueOf = (i: number): unknown => {
    const entries = fields.flatMap(([name, { values }, kind], at): ReadonlyArray<readonly [string, unknown]> => {
      if (kind === "default" || kind === "constructor") return i % 3 === 1 ? [] : [[name, i - 1]]
      if (kind !== "required" && (i + at) % 3 === 0) return i % 2 === 0 ? [] : [[name, undefined]]
      return [[name, values[i % values.length]]]
    })
    // Fields in another order, fields that the schema does not have, and members without a value.
    const all = [...(tag === undefined ? [] : [["_tag", tag] as const]), ...entries]
    return Object.fromEntries([
      ...(i % 2 === 0 ? all : all.toReversed()),
      ...(i % 4 === 1 ? ([["zebra", i]] as const) : []),
      ...(i % 4 === 2 ? ([["gone", undefined]] as const) : [])
    ])
  }
  return {
    name: `{${[...(tag === undefined ? [] : [tag]), ...fields.map(([name, of, kind]) => `${name} ${kind}: ${of.name}`)].join(", ")}}`,
    isPlain: fields.every(([, of, kind]) => of.isPlain && (kind === "required" || kind.startsWith("optional"))),
    // A field may have any schema.
    schema: (tag === undefined ? Schema.Struct(schemas) : Schema.TaggedStruct(tag, schemas)) as unknown as AnySchema,
    values: cut([0, 1, 2, 3, 4, 5].map(valueOf))
  }
}

const fieldsOf = (of: fc.Arbitrary<Sample>) =>
  fc.uniqueArray(fc.tuple(fc.constantFrom("note", "a", "é", "10", "9", "zz"), of, fc.constantFrom(...kinds)), {
    maxLength: 4,
    selector: ([name]) => name
  })

/** Schemas with their values. */
export const samples: fc.Arbitrary<Sample> = fc.letrec<{ any: Sample }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 2, arbitrary: fc.constantFrom(...leaves) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...wraps), tie("any")).map(([wrap, of]) => wrap(of)) },
    { weight: 3, arbitrary: fieldsOf(tie("any")).map((fields) => structOf(fields)) },
    {
      weight: 1,
      arbitrary: fc.tuple(fieldsOf(tie("any")), fieldsOf(tie("any"))).map((both): Sample => {
        const [draft, sent] = both.map((fields, i) => structOf(fields, ["Draft", "Sent"][i]!)) as [Sample, Sample]
        return {
          name: `${draft.name} | ${sent.name}`,
          isPlain: draft.isPlain && sent.isPlain,
          schema: Schema.Union([draft.schema, sent.schema]),
          values: cut(draft.values.flatMap((value, i) => [value, sent.values[i]]))
        }
      })
    }
  )
})).any
