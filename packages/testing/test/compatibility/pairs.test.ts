/**
 * Each Schema of a list takes the place of each other one. Where the gate lets that pass, this program reads whatever the
 * former one may have stored; where it does not, there is something that this program does not read.
 */
import { assert, it } from "@effect/vitest"
import { StreamId, Versions } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { CompatibilityFailure } from "@hexfold/testing/Compatibility"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { check, inFolder, Paid, till } from "./till.ts"

const Point = Schema.Struct({ x: Schema.Int, y: Schema.optionalKey(Schema.Int) })
const A = Schema.TaggedStruct("A", { a: Schema.Int })
const B = Schema.TaggedStruct("B", { b: Schema.String })

const kinds: Readonly<Record<string, Schema.Codec<unknown, unknown>>> = {
  Int: Schema.Int,
  Small: Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 2 })),
  Positive: Schema.Int.check(Schema.isGreaterThan(0)),
  Even: Schema.Int.check(Schema.isMultipleOf(2)),
  Four: Schema.Int.check(Schema.isMultipleOf(4)),
  Finite: Schema.Finite,
  Number: Schema.Number,
  Text: Schema.String,
  NonEmpty: Schema.NonEmptyString,
  Short: Schema.String.check(Schema.isMaxLength(2)),
  Literal: Schema.Literal("a"),
  Literals: Schema.Literals(["a", "b", "cde"]),
  Mixed: Schema.Union([Schema.Int, Schema.Boolean]),
  NullOr: Schema.NullOr(Schema.Int),
  List: Schema.Array(Schema.Int),
  NonEmptyList: Schema.NonEmptyArray(Schema.Int),
  Texts: Schema.Array(Schema.String),
  Pair: Schema.Tuple([Schema.Int, Schema.Int]),
  Opening: Schema.Tuple([Schema.Int, Schema.optionalKey(Schema.Int)]),
  Point,
  Place: Schema.Struct({
    x: Schema.Finite,
    y: Schema.optionalKey(Schema.Finite),
    name: Schema.optionalKey(Schema.String)
  }),
  Named: Schema.Struct({ x: Schema.Int, y: Schema.Int }),
  Record: Schema.Record(Schema.String, Schema.Int),
  Numbers: Schema.Record(Schema.String, Schema.Finite),
  Lengths: Schema.Literals([2, 4, 8]),
  Vowels: Schema.String.check(Schema.isPattern(/^[aeiou]*$/u)),
  Nested: Schema.Struct({ point: Schema.NullOr(Point), all: Schema.Array(Schema.Union([A, B])) }),
  Deeper: Schema.Struct({ point: Schema.NullOr(Schema.Struct({ x: Schema.Finite })), all: Schema.Array(A) }),
  A,
  AorB: Schema.Union([A, B]),
  Any: Schema.Json
}
const names = Object.keys(kinds)
const pairs = names.flatMap((before) => names.map((after) => ({ tag: `${before}_${after}`, before, after })))

// Nothing is asked of retired events but that they are read.
const of = (which: "before" | "after") =>
  till({
    events: [Paid],
    retired: pairs.map((pair) =>
      Versions.retired(Schema.TaggedStruct(pair.tag, { value: kinds[pair[which]]! }), () => [])
    )
  })

// What is hardly ever generated.
const rare: Readonly<Record<string, ReadonlyArray<Schema.Json>>> = { Number: ["NaN"] }

const storedOf = (name: string): ReadonlyArray<Schema.Json> => [
  ...(rare[name] ?? []),
  ...[0, 2, 10, 40].flatMap((size, seed) =>
    Effect.runSync(Arbitrary.sampleEffect(Arbitrary.schema(kinds[name]!), { count: 60, size, seed: 100 + seed })).map(
      (value) => Schema.encodeSync(Schema.toCodecJson(kinds[name]!))(value) as Schema.Json
    )
  )
]

it("the gate refuses a change if, and only if, something that may be stored is not read any more", () => {
  const after = of("after")
  const refused = inFolder((folder) => {
    check(of("before"), { folder, write: true })
    try {
      check(after, { folder, write: true })
      return new Set<string>()
    } catch (failure) {
      if (!(failure instanceof CompatibilityFailure)) throw failure
      return new Set(failure.problems.map(({ where }) => where.split(",")[0]!))
    }
  })
  const { decode } = EventCodec.of(after)
  const streamId = StreamId.make("Till", "a")
  const stored = new Map(names.map((name) => [name, storedOf(name)]))
  const missed: Array<string> = []
  const needless: Array<string> = []
  for (const { before, tag } of pairs) {
    const isRead = stored
      .get(before)!
      .every((value) =>
        Result.isSuccess(decode({ streamId, version: 1, type: tag, schemaVersion: 1, data: { value } }))
      )
    if (isRead && refused.has(tag)) needless.push(tag)
    if (!isRead && !refused.has(tag)) missed.push(tag)
  }
  assert.deepStrictEqual({ missed, needless }, { missed: [], needless: [] })
})
