import specs from "@asyncapi/specs"
import { assert, describe, expect, it } from "@effect/vitest"
import { Aggregate, EventCatalogue, Topic, Versions } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Ajv, type SchemaObject } from "ajv"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Arbitrary, Effect, Result, Schema, type SchemaAST } from "effect"

class Money extends Schema.Class<Money>("Money")({ cents: Schema.Int, currency: Schema.Literals(["EUR", "CHF"]) }) {}
interface Tree {
  readonly name: string
  readonly children: ReadonlyArray<Tree>
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
}).annotate({ identifier: "Tree" })

const V1 = Schema.TaggedStruct("Paid", { euros: Schema.Finite })
class Paid extends Schema.TaggedClass<Paid>()(
  "Paid",
  {
    amount: Money,
    tip: Schema.optionalKey(Money),
    at: Schema.DateTimeUtc,
    currency: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("EUR"))),
    pair: Schema.Tuple([Schema.String, Schema.Number]),
    notes: Schema.Record(Schema.String, Schema.NullOr(Schema.BigInt)),
    groups: Tree
  },
  { description: "Somebody has paid." }
) {}
const V3 = Schema.TaggedStruct("Paid", { amount: Money, by: Schema.String })
const Closed = Schema.TaggedStruct("Closed", {})
const PaidInCents = Schema.TaggedStruct("Paid", { cents: Schema.Int })
const Opened = Schema.TaggedStruct("Opened!", { by: Schema.String })

/** The same declarations, made anew. */
const make = () =>
  Aggregate.make("Till", {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    events: [
      Versions.first(V1)
        .next(Paid, () => assert.fail("nothing is read"))
        .ahead(V3, () => assert.fail("nothing is read")),
      Closed
    ],
    retired: [Versions.retired(Opened, () => [])],
    evolve: { Paid: (n) => n, Closed: (n) => n }
  })

const Till = make()
const Other = Aggregate.make("Other", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  events: [Schema.TaggedStruct("Closed", { why: Schema.NonEmptyString })],
  evolve: { Closed: (n) => n }
})
const published = specs.schemasWithoutId["3.0.0"] as SchemaObject
const info = { title: "Shop", version: "1.2.0" }

/** Events of a type as they are stored. */
const storedOf = (aggregate: typeof Till, schema: Schema.Codec<Paid | typeof Closed.Type, Aggregate.Tagged>) =>
  Effect.runSync(Arbitrary.sampleEffect(Arbitrary.schema(schema), { count: 30, seed: 1 })).map((event) => {
    const encoded = Result.getOrThrow(EventCodec.of(aggregate).encode(event))
    return JSON.parse(JSON.stringify({ streamId: "Till-1", ...encoded })) as { readonly data: unknown }
  })

describe("entries", () => {
  it("are all types in all versions, with what each is to the program", () => {
    const all = EventCatalogue.entries([Till, Other])
    assert.deepStrictEqual(
      all.map(({ aggregate, status, type, version }) => `${aggregate} ${type} ${version} ${status}`),
      [
        "Till Paid 1 former",
        "Till Paid 2 current",
        "Till Paid 3 ahead",
        "Till Closed 1 current",
        "Till Opened! 1 retired",
        "Other Closed 1 current"
      ]
    )
    expect(all[0]!.jsonSchema).toMatchObject({ type: "object", properties: { euros: { type: "number" } } })
    assert.strictEqual(all[0]!.schema, V1)
  })

  it("have JSON Schemas that are documents of their own", () => {
    for (const { jsonSchema } of EventCatalogue.entries([Till])) new Ajv2020().compile(jsonSchema)
    assert.deepStrictEqual(EventCatalogue.entries([Till])[3]!.jsonSchema, { type: "object" })
  })
})

describe("a JSON Schema", () => {
  const document = EventCatalogue.jsonSchema([Till, Other], { id: "https://example.org/events", title: "Events" })
  const ajv = new Ajv2020({ allErrors: true })
  const fits = ajv.compile(document)

  it("is valid, and takes all events that are stored", () => {
    assert.isTrue(ajv.validateSchema(document))
    for (const schema of [Paid, Closed]) {
      for (const event of storedOf(Till, schema)) {
        if (!fits(event)) assert.fail(`${JSON.stringify(event)}: ${ajv.errorsText(fits.errors)}`)
      }
    }
    assert.isTrue(fits({ streamId: "Till-1", type: "Opened!", schemaVersion: 1, data: { by: "a" }, position: 7 }))
  })

  it("takes nothing else", () => {
    const event = { streamId: "Till-1", type: "Paid", schemaVersion: 1, data: { euros: 1 } }
    assert.isTrue(fits(event))
    assert.isFalse(fits({ ...event, data: { euros: "1" } }))
    assert.isFalse(fits({ ...event, schemaVersion: 2 }))
    assert.isFalse(fits({ ...event, type: "Payed" }))
    assert.isFalse(fits({ ...event, streamId: "Other-1" }))
    assert.isFalse(fits({ ...event, data: undefined }))
    const closed = { streamId: "Other-1", type: "Closed", schemaVersion: 1 }
    assert.isFalse(fits({ ...closed, data: { why: "" } }))
    assert.isTrue(fits({ ...closed, data: { why: "late" } }))
  })

  it("says what a version is, and has each shared schema once", () => {
    const { $defs, $id, title } = document as { readonly $id: unknown; readonly title: unknown; readonly $defs: object }
    assert.deepStrictEqual([$id, title], ["https://example.org/events", "Events"])
    assert.deepStrictEqual(Object.keys($defs), [
      "Till.Paid.v1",
      "Till.Paid.v2",
      "Till.Paid.v3",
      "Till.Closed.v1",
      "Till.Opened_x21_.v1",
      "Other.Closed.v1",
      "Money",
      "Tree"
    ])
    expect($defs).toMatchObject({
      "Till.Paid.v1": { deprecated: true, description: expect.stringContaining("has recorded it") },
      "Till.Paid.v2": { description: "Somebody has paid. The application records it." },
      "Till.Paid.v3": { description: expect.stringContaining("Its next deployment will record it") },
      "Till.Opened_x21_.v1": { deprecated: true }
    })
    expect($defs).not.toHaveProperty("Till.Paid.v2.deprecated")
  })
})

describe("an AsyncAPI document", () => {
  const document = EventCatalogue.asyncApi([Till, Other], info)

  it("is valid by the published schema of AsyncAPI 3.0", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
    const isValid = ajv.compile(published)
    if (!isValid(document)) assert.fail(ajv.errorsText(isValid.errors))
    assert.isFalse(isValid({ ...document, channels: [] }))
  })

  it("refers only to what it has", () => {
    const at = (path: string): unknown =>
      path
        .slice(2)
        .split("/")
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref!)
    assert.isAbove(refs.length, 15)
    for (const ref of refs) assert.isDefined(at(ref), ref)
  })

  it("sends the versions that the program writes, and has the others as messages", () => {
    expect(document).toMatchObject({
      asyncapi: "3.0.0",
      info,
      channels: { Till: { address: "Till-{id}" }, Other: { address: "Other-{id}" } },
      operations: {
        Till: {
          action: "send",
          messages: [
            { $ref: "#/channels/Till/messages/Till.Paid.v2" },
            { $ref: "#/channels/Till/messages/Till.Closed.v1" }
          ]
        }
      },
      components: {
        messages: {
          "Till.Paid.v1": { name: "Paid", tags: [{ name: "former" }] },
          "Till.Opened_x21_.v1": { name: "Opened!", tags: [{ name: "retired" }] }
        }
      }
    })
  })

  it("has payloads that take the data of all events that are stored", () => {
    const ajv = new Ajv({ strict: false })
    ajv.addSchema(document, "document")
    const fits = ajv.compile({ $ref: "document#/components/schemas/Till.Paid.v2" })
    for (const { data } of storedOf(Till, Paid)) {
      if (!fits(data)) assert.fail(`${JSON.stringify(data)}: ${ajv.errorsText(fits.errors)}`)
    }
    assert.isFalse(fits({ amount: 1 }))
  })
})

it("the same declarations make the same documents, byte for byte", () => {
  for (const write of [
    (all: readonly [typeof Till, typeof Other]) => EventCatalogue.jsonSchema(all),
    (all: readonly [typeof Till, typeof Other]) => EventCatalogue.asyncApi(all, info)
  ]) {
    assert.strictEqual(JSON.stringify(write([make(), Other])), JSON.stringify(write([Till, Other])))
  }
})

describe("a Schema without a JSON Schema", () => {
  const of = (...events: ReadonlyArray<Aggregate.TaggedSchema>) =>
    Aggregate.make("Map", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      events,
      // The events of these tests are not known to the compiler.
      evolve: Object.fromEntries(
        events.map(({ fields: { _tag } }) => [(_tag.ast as SchemaAST.Literal).literal, (n: number) => n])
      ) as never
    })

  it("lets any JSON be where it stands, and the document says so", () => {
    class Place {
      readonly x = 1
    }
    const place = Schema.instanceOf(Place)
    const Marked = Schema.TaggedStruct("Marked", {
      place,
      others: Schema.Array(Schema.Struct({ place })),
      any: Schema.Unknown,
      json: Schema.Json
    })
    const [entry] = EventCatalogue.entries([of(Marked)])
    assert.deepStrictEqual(entry!.undescribed, ["place", "others[].place"])
    expect(EventCatalogue.jsonSchema([of(Marked)])).toMatchObject({
      $defs: {
        "Map.Marked.v1": {
          description:
            'The application records it. Any JSON may stand at "place", "others[].place": the Schema does not tell what it is.',
          properties: { data: { properties: { place: {} } } }
        }
      }
    })
  })

  it("of a whole event leaves the other events as they are", () => {
    const bad = Schema.String.check(
      Schema.makeFilter(() => true, {
        toJsonSchema: () => {
          throw new Error("no JSON Schema of mine")
        }
      })
    )
    const Odd = Schema.TaggedStruct("Odd", { bad })
    const aggregate = of(Odd, Closed)
    const [odd, closed] = EventCatalogue.entries([aggregate])
    assert.deepStrictEqual([odd!.undescribed, closed!.undescribed], [[""], []])
    assert.deepStrictEqual(odd!.jsonSchema, {
      description: "This event has no JSON Schema: Error: no JSON Schema of mine"
    })
    assert.isTrue(new Ajv2020().validateSchema(EventCatalogue.jsonSchema([aggregate])))
    assert.property(EventCatalogue.asyncApi([aggregate], info), "components")
  })
})

describe("names", () => {
  const of = (name: string, fields: Readonly<Record<string, Schema.Codec<unknown, unknown>>>, tag = "Made") =>
    Aggregate.make(name, {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      events: [Schema.TaggedStruct(tag, fields)],
      evolve: { [tag]: (n: number) => n } as never
    })
  const defsOf = (...aggregates: Parameters<typeof EventCatalogue.jsonSchema>[0]) =>
    Object.keys((EventCatalogue.jsonSchema(aggregates) as { readonly $defs: object }).$defs)

  it("of two schemas that are called the same differ", () => {
    const named = (schema: Schema.Codec<unknown, unknown>, identifier: string) => schema.annotate({ identifier })
    const [a, b] = [named(Schema.String, "It"), named(Schema.Int, "It")]
    assert.deepStrictEqual(defsOf(of("A", { a, b })), ["A.Made.v1", "It", "It_1"])
    // Nor is a schema taken for an event.
    const like = named(Schema.Struct({ x: Schema.Int }), "A.Made.v1")
    assert.deepStrictEqual(defsOf(of("A", { like })), ["A.Made.v1", "A.Made.v1_"])
  })

  it("of strange tags differ", () => {
    const tags = ["a b", "a_x20_b", "ä", "a.v1", ""]
    const keys = tags.flatMap((tag) => defsOf(of("A", {}, tag)))
    assert.deepStrictEqual(keys, ["A.a_x20_b.v1", "A.a_x5f_x20_b.v1", "A._xe4_.v1", "A.a.v1.v1", "A..v1"])
  })

  it("of two aggregates must differ", () => {
    expect(() => EventCatalogue.entries([Other, Other])).toThrow("two sources of the catalogue are called Other")
  })
})

it("no aggregates make a valid document that nothing fits", () => {
  const fits = new Ajv2020().compile(EventCatalogue.jsonSchema([]))
  assert.isFalse(fits({}))
  const isValid = new Ajv({ strict: false, validateFormats: false }).compile(published)
  assert.isTrue(isValid(EventCatalogue.asyncApi([], info)))
})

describe("the events of a topic", () => {
  const ofAggregate = { id: Schema.String, state: Schema.Int, initial: 0 }
  const declared = {
    events: [Versions.first(V1).next(PaidInCents, () => assert.fail("nothing is read")), Closed],
    retired: [Versions.retired(Opened, () => [])]
  }
  const Notices = Topic.make("Notices", { key: Schema.Int, ...declared })
  const Same = Aggregate.make("Notices", { ...ofAggregate, ...declared, evolve: { Paid: (n) => n, Closed: (n) => n } })

  it("are described as those of an aggregate are", () => {
    assert.deepStrictEqual(
      EventCatalogue.entries([Notices]).map(({ aggregate, status, type, version }) => [
        aggregate,
        type,
        version,
        status
      ]),
      [
        ["Notices", "Paid", 1, "former"],
        ["Notices", "Paid", 2, "current"],
        ["Notices", "Closed", 1, "current"],
        ["Notices", "Opened!", 1, "retired"]
      ]
    )
    const info = { title: "Notices", version: "1" }
    assert.deepStrictEqual(EventCatalogue.jsonSchema([Notices]), EventCatalogue.jsonSchema([Same]))
    assert.deepStrictEqual(EventCatalogue.asyncApi([Notices, Till], info), EventCatalogue.asyncApi([Same, Till], info))
  })
})
