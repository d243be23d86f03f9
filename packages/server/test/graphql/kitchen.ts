/** A domain with every kind of schema: what is put into a kitchen comes out of it again. */
import { Aggregate, Api, Decision, View } from "@hexfold/core"
import { Effect, Schema } from "effect"

class Money extends Schema.Class<Money>("Money")({ cents: Schema.Int, currency: Schema.Literals(["EUR", "US$"]) }) {}
class Circle extends Schema.TaggedClass<Circle>()("Circle", { radius: Schema.Finite }) {}
class Point extends Schema.TaggedClass<Point>()("Point", {}) {}

interface Tree {
  readonly name: string
  readonly children: ReadonlyArray<Tree>
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)).check(Schema.isMaxLength(2))
}).annotate({ identifier: "Tree" })

const Text = Schema.String.check(Schema.isPattern(/^[a-zäöüß "\\{}<>$\n😀]{0,12}$/u))
const Moment = Schema.DateTimeUtcFromMillis.pipe(Schema.toType)
const Line = Schema.Struct({ sku: Text, count: Schema.Int, note: Schema.NullOr(Text) })

/** What is put into a kitchen, without the kinds that GraphQL has no type for. */
export const fields = {
  text: Text,
  branded: Text.pipe(Schema.brand("Name")),
  template: Schema.TemplateLiteral(["n-", Schema.Int]),
  int: Schema.Int,
  small: Schema.Int.check(Schema.isInt32()),
  bounded: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
  finite: Schema.Finite,
  number: Schema.Number,
  big: Schema.BigInt,
  flag: Schema.Boolean,
  at: Moment,
  colour: Schema.Literals(["red", "BUDGET OWNER", "4x4", "true"]),
  size: Schema.Literals([1, 2, 3.5]),
  direction: Schema.Enum({ Up: 0, Down: 1 }),
  option: Schema.Option(Schema.Int),
  optionOfStruct: Schema.Option(Line),
  optionAsNull: Schema.OptionFromNullOr(Text),
  nullable: Schema.NullOr(Schema.BigInt),
  optional: Schema.optional(Schema.Int),
  optionalKey: Schema.optionalKey(Text),
  defaulted: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(7))),
  nested: Schema.Struct({ deep: Schema.Struct({ text: Text, at: Schema.NullOr(Moment) }), flag: Schema.Boolean }),
  money: Money,
  lines: Schema.Array(Line).check(Schema.isMaxLength(3)),
  some: Schema.NonEmptyArray(Schema.Int).check(Schema.isMaxLength(3)),
  matrix: Schema.Array(Schema.Array(Schema.Int).check(Schema.isMaxLength(2))).check(Schema.isMaxLength(2)),
  maybes: Schema.Array(Schema.Option(Schema.Int)).check(Schema.isMaxLength(3)),
  shape: Schema.Union([Circle, Point, Schema.TaggedStruct("Box", { width: Schema.Int, height: Schema.Int })]),
  animal: Schema.Union([
    Schema.Struct({ kind: Schema.Literal("cat"), lives: Schema.Int }),
    Schema.Struct({ kind: Schema.Literal("big dog"), barks: Schema.Boolean })
  ]),
  either: Schema.NullOr(Schema.Union([Circle, Point])),
  tags: Schema.Record(Text, Schema.Int),
  moneys: Schema.Record(Text, Money),
  tree: Tree,
  constant: Schema.Literal("always"),
  key: Text,
  and: Text,
  meta: Schema.Int,
  message: Schema.Int,
  "with-dash": Schema.Boolean
} as const

/** The kinds that GraphQL has no type for. */
export const jsonFields = {
  pair: Schema.Tuple([Schema.Int, Text]),
  json: Schema.Json,
  bytes: Schema.Uint8Array,
  mixed: Schema.Union([Schema.String, Schema.Int])
} as const

const all = { ...fields, ...jsonFields }

/** All that is put into a kitchen. */
export const Sink = Schema.Struct(all)
type Sink = typeof Sink.Type

const Put = Schema.TaggedStruct("Put", all)
const Clear = Schema.TaggedStruct("Clear", {})
const WasPut = Schema.TaggedStruct("WasPut", all)
const Cleared = Schema.TaggedStruct("Cleared", {})
class Refused extends Schema.TaggedError<Refused>()("Refused", { amount: Schema.BigInt, message: Schema.Int }) {}

const withoutTag = <A extends { readonly _tag: string }>({ _tag: _, ...rest }: A): Omit<A, "_tag"> => rest

/** What puts things into a kitchen. Its id is an object. */
export const Kitchen = Aggregate.make("Kitchen", {
  id: Schema.Struct({ house: Schema.String, floor: Schema.Int }),
  state: Schema.Struct({ last: Schema.NullOr(Sink) }),
  initial: { last: null },
  commands: [Put, Clear],
  events: [WasPut, Cleared],
  errors: [Refused],
  decide: {
    Put: (command) => Decision.accept(WasPut.make(withoutTag(command))),
    Clear: (_, { last }) =>
      last === null ? Decision.reject(new Refused({ amount: 12n, message: 5 })) : Decision.accept(Cleared.make({}))
  },
  evolve: {
    WasPut: (_, event) => ({ last: withoutTag(event) }),
    Cleared: () => ({ last: null })
  }
})

const Kitchens = View.make("Kitchens", {
  from: [Kitchen],
  state: Sink,
  evolve: { WasPut: (_: Sink | undefined, event): Sink => withoutTag(event), Cleared: () => undefined }
})

/** A view whose state is no object. */
const Shapes = View.make("Shapes", {
  from: [Kitchen],
  state: fields.shape,
  evolve: { WasPut: (_: Sink["shape"] | undefined, event): Sink["shape"] => event.shape, Cleared: () => undefined }
})

export const kitchen = Api.make("kitchen", {
  aggregates: [Kitchen],
  views: [Kitchens, Shapes],
  limits: { Kitchens: { fields: "all", scan: true }, Shapes: { fields: "all", scan: true } },
  policies: "open"
})
