import { Aggregate, Versions } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Result, Schema } from "effect"
import { booked, Ledger } from "./bookings.ts"
import { alternate, type Contender, type Report } from "./measure.ts"

// A turn is short and there are many of them, so that other load of the machine meets all contenders.
const count = 2_000

// An event with the fields that events mostly have, as a struct and as a class. It had euros before, and no currency at first.
const others = {
  text: Schema.String,
  counterparty: Schema.Struct({ name: Schema.String, iban: Schema.String }),
  bookedAt: Schema.DateTimeUtcFromString,
  tags: Schema.Array(Schema.String)
}
const currency = Schema.Literals(["EUR", "CHF"])
const V1 = Schema.TaggedStruct("Booked", { ...others, euros: Schema.Finite })
const V2 = Schema.TaggedStruct("Booked", { ...others, euros: Schema.Finite, currency })
const V3 = Schema.TaggedStruct("Booked", { ...others, cents: Schema.Int, currency })
class Booked extends Schema.TaggedClass<Booked>()("Booked", { ...others, cents: Schema.Int, currency }) {}
const Old = Schema.TaggedStruct("BookedTwice", { ...others, cents: Schema.Int })

const toV2 = (event: typeof V1.Type) => ({ ...event, currency: "CHF" }) as const
const toV3 = ({ _tag, bookedAt, counterparty, currency, euros, tags, text }: typeof V2.Type) => ({
  _tag,
  bookedAt,
  cents: Math.round(euros * 100),
  counterparty,
  currency,
  tags,
  text
})
const toV3BySpread = ({ euros, ...event }: typeof V2.Type) => ({ ...event, cents: Math.round(euros * 100) })
const toClass = ({ euros, ...event }: typeof V2.Type) => new Booked({ ...event, cents: Math.round(euros * 100) })

const common = { id: Schema.String, state: Schema.Int, initial: 0, evolve: { Booked: (sum: number) => sum + 1 } }
const Structs = Aggregate.make("Structs", { ...common, events: [Versions.first(V1).next(V2, toV2).next(V3, toV3)] })
const Spread = Aggregate.make("Spread", {
  ...common,
  events: [Versions.first(V1).next(V2, toV2).next(V3, toV3BySpread)]
})
const Classes = Aggregate.make("Classes", {
  ...common,
  events: [Versions.first(V1).next(V2, toV2).next(Booked, toClass)]
})
const Plain = Aggregate.make("Plain", { ...common, events: [V3] })
const PlainClass = Aggregate.make("PlainClass", { ...common, events: [Booked] })

const Split = Aggregate.make("Split", {
  ...common,
  events: [V3],
  retired: [Versions.retired(Old, ({ cents, ...event }) => [half(event, cents), half(event, cents)])]
})
const half = ({ _tag: _, ...event }: Omit<typeof Old.Type, "cents">, cents: number) =>
  ({ ...event, _tag: "Booked", cents: Math.round(cents / 2), currency: "CHF" }) as const

const { cents, currency: _, ...former } = booked().data as { readonly cents: number } & Schema.JsonObject
const recorded = (schemaVersion: number, data: Schema.Json, type = "Booked") => ({
  streamId: Ledger.streamId("a"),
  version: 1,
  type,
  schemaVersion,
  data
})
const first = recorded(1, { ...former, euros: cents / 100 })
const third = recorded(3, booked().data)
const only = recorded(1, booked().data)
const twice = recorded(1, { ...former, cents }, "BookedTwice")

/** Reads one stored event again and again. */
const reading = (name: string, read: () => Result.Result<ReadonlyArray<unknown>, Error>): Contender => ({
  name,
  count,
  run: async () => {
    let events = 0
    for (let i = 0; i < count; i++) events += Result.getOrThrow(read()).length
    if (events < count) throw new Error(`${name}: only ${events} events`)
  }
})

const bySchema = (schema: Schema.Codec<unknown, unknown>) => {
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(schema))
  const known = new Map([[only.type, decode]])
  return () =>
    Result.map(known.get(only.type)!({ ...(only.data as Schema.JsonObject), _tag: only.type }), (event) => [event])
}

/** How fast stored events of former versions become current events. No store takes part. */
export const versions = async (): Promise<ReadonlyArray<Report>> => {
  const reports: Array<Report> = []
  for (const [what, schema, plain, chain, more] of [
    [
      "structs",
      V3,
      EventCodec.of(Plain),
      EventCodec.of(Structs),
      [
        ["two steps by spread and rest", first, EventCodec.of(Spread)],
        ["one event as two", twice, EventCodec.of(Split)]
      ]
    ],
    ["classes", Booked, EventCodec.of(PlainClass), EventCodec.of(Classes), []]
  ] as const) {
    const contenders = [
      reading("the Schema alone", bySchema(schema)),
      reading("events without versions", () => plain.decode(only)),
      reading("current events of three versions", () => chain.decode(third)),
      reading("events of the first version, two steps", () => chain.decode(first)),
      ...more.map(([name, event, { decode }]) => reading(name, () => decode(event)))
    ]
    const measured = await alternate(contenders, 51)
    // No other process takes part, so other load of the machine only slows a turn: the fastest one says most.
    const [alone, without, current, upcast] = measured.map(({ rates }) => Math.max(...rates))
    reports.push({
      title: `Reading of stored events, ${what}: decoding alone`,
      measured,
      bars: [
        { claim: "two steps / current events, in time", figure: current! / upcast!, atMost: 1.5 },
        { claim: "without versions / the Schema alone, in time", figure: alone! / without!, atMost: 1.05 },
        {
          claim: "current events of three versions / the Schema alone, in time",
          figure: alone! / current!,
          atMost: 1.05
        }
      ]
    })
  }
  return reports
}
