import specs from "@asyncapi/specs"
import { assert, describe, it } from "@effect/vitest"
import { Aggregate, PublicationCatalogue, Publication, type Publisher, Versions } from "@hexfold/core"
import { CloudEvent, Webhook } from "@hexfold/publishers/http"
import { NatsMessage } from "@hexfold/publishers/nats"
import { Ajv, type SchemaObject } from "ajv"
import { Effect, Redacted, Schema } from "effect"
import { message } from "./support/messages.ts"

const Placed = Schema.TaggedStruct("Placed", { cents: Schema.Int })
const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  events: [Placed],
  evolve: { Placed: (sum, { cents }) => sum + cents }
})

class Money extends Schema.Class<Money>("Money")({ cents: Schema.Int, currency: Schema.String }) {}
const OrderPlacedV1 = Schema.TaggedStruct("OrderPlaced", { order: Schema.String })
class OrderPlaced extends Schema.TaggedClass<OrderPlaced>()(
  "OrderPlaced",
  { order: Schema.String, total: Money },
  { description: "A customer has ordered." }
) {}
const Odd = Schema.TaggedStruct("Paid \u20ac", {})

const of = (name: string) =>
  Publication.make(name, {
    from: [Order],
    start: "beginning",
    source: "/shop/orders",
    contract: [
      Versions.first(OrderPlacedV1).next(
        OrderPlaced,
        ({ order }) => new OrderPlaced({ order, total: new Money({ cents: 0, currency: "EUR" }) })
      ),
      Odd
    ],
    map: () => []
  })

const info = { title: "Shop", version: "1.4.0", hosts: { production: "nats.example.org:4222" } }
const published = specs.schemasWithoutId["3.0.0"] as SchemaObject
const transports = { "over NATS": NatsMessage.transport, "as webhooks": Webhook.transport }

const body = { _tag: "OrderPlaced", order: "7", total: { cents: 1, currency: "EUR" } }
const sent: Publisher.Message = message({ body, key: "a.b \u20ac", schemaVersion: 2, source: "/shop/orders" })
const odd: Publisher.Message = { ...sent, type: "Paid \u20ac", schemaVersion: 1, body: { _tag: "Paid \u20ac" } }

/** What takes the headers and the payload of a message of the document. */
const takes = (document: object, key: string) => {
  const ajv = new Ajv({ strict: false, formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } })
  ajv.addSchema(document, "document")
  const of = (part: string) => {
    const fits = ajv.compile({ $ref: `document#/components/messages/${key}/${part}` })
    return (value: unknown) => (fits(value) ? "" : ajv.errorsText(fits.errors))
  }
  return { headers: of("headers"), payload: of("payload") }
}

for (const [name, transport] of Object.entries(transports)) {
  describe(`an AsyncAPI document of publications ${name}`, () => {
    const document = PublicationCatalogue.asyncApi([of("orders.v1"), of("orders.v2")], info, transport)

    it("is valid", () => {
      const fits = new Ajv({ strict: false, validateFormats: false }).compile(published)
      assert.isTrue(fits(document), JSON.stringify(fits.errors, null, 2))
    })

    it("is the same for the same declarations, byte for byte", () => {
      const again = PublicationCatalogue.asyncApi([of("orders.v1"), of("orders.v2")], info, transport)
      assert.strictEqual(JSON.stringify(again), JSON.stringify(document))
    })

    it("has a channel for each publication, whose operation sends the current versions", () => {
      const { channels, components, operations } = document as unknown as {
        readonly channels: object
        readonly components: { readonly messages: object }
        readonly operations: Readonly<Record<string, { readonly messages: unknown }>>
      }
      assert.deepStrictEqual(Object.keys(channels), ["orders.v1", "orders.v2"])
      assert.deepStrictEqual(operations["orders.v1"]?.messages, [
        { $ref: "#/channels/orders.v1/messages/orders.v1.OrderPlaced.v2" },
        { $ref: "#/channels/orders.v1/messages/orders.v1.Paid_x20__x20ac_.v1" }
      ])
      assert.strictEqual(Object.keys(components.messages).length, 6)
    })

    it("refuses two publications with one name", () => {
      assert.throws(
        () => PublicationCatalogue.asyncApi([of("orders.v1"), of("orders.v1")], info, transport),
        /orders.v1/
      )
    })
  })
}

describe("the schemas of a document", () => {
  it("take the messages as NATS has them, and no others", () => {
    const document = PublicationCatalogue.asyncApi([of("orders.v1")], info, NatsMessage.transport)
    for (const [key, one] of [
      ["orders.v1.OrderPlaced.v2", sent],
      ["orders.v1.Paid_x20__x20ac_.v1", odd]
    ] as const) {
      const fits = takes(document, key)
      const headers = { ...NatsMessage.headersOf(one), "Nats-Msg-Id": `${one.id} ${one.source}` }
      assert.strictEqual(fits.headers(headers), "")
      assert.strictEqual(fits.payload(one.body), "")
      for (const wrong of [
        { "ce-source": "/else" },
        { "ce-schemaversion": "7" },
        { "ce-type": "orders.v2.OrderPlaced" }
      ]) {
        assert.notStrictEqual(fits.headers({ ...headers, ...wrong }), "")
      }
      assert.notStrictEqual(fits.headers(NatsMessage.headersOf(one)), "")
    }
    const { payload } = takes(document, "orders.v1.OrderPlaced.v2")
    assert.notStrictEqual(payload({ ...body, _tag: "Other" }), "")
    assert.notStrictEqual(payload({ ...body, total: 1 }), "")
  })

  it.effect("take the messages as webhooks have them, and no others", () =>
    Effect.gen(function* () {
      const document = PublicationCatalogue.asyncApi([of("orders.v1")], info, Webhook.transport)
      const fits = takes(document, "orders.v1.OrderPlaced.v2")
      const json = CloudEvent.encode(sent)
      const webhook = yield* Webhook.make({
        secrets: [Redacted.make(`whsec_${btoa("a secret of more than 24 bytes")}`)]
      })
      assert.strictEqual(fits.headers(yield* webhook.sign(sent.id, json)), "")
      assert.strictEqual(fits.payload(JSON.parse(json)), "")
      assert.notStrictEqual(fits.payload({ ...JSON.parse(json), data: { ...body, total: 1 } }), "")
      assert.notStrictEqual(fits.payload({ ...JSON.parse(json), partitionkey: undefined }), "")
      assert.notStrictEqual(fits.payload(JSON.parse(CloudEvent.encode(odd))), "")
    })
  )
})

it("entries are the public events in all versions", () => {
  assert.deepStrictEqual(
    PublicationCatalogue.entries([of("orders.v1")]).map(({ publication, status, type, version }) => [
      ...[publication, type, version, status]
    ]),
    [
      ["orders.v1", "OrderPlaced", 1, "former"],
      ["orders.v1", "OrderPlaced", 2, "current"],
      ["orders.v1", "Paid \u20ac", 1, "current"]
    ]
  )
})
