import { assert, describe, expect, it } from "@effect/vitest"
import { Aggregate, EventDecodeError, type EventStore, StreamId, UnknownEvent } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { DateTime, Equal, Option, Result, Schema } from "effect"
import fc from "fast-check"

class Paid extends Schema.TaggedClass<Paid>()("Paid", {
  at: Schema.DateTimeUtc,
  cents: Schema.BigInt,
  note: Schema.Option(Schema.String),
  parts: Schema.ReadonlyMap(Schema.String, Schema.BigInt)
}) {}
const Refunded = Schema.TaggedStruct("Refunded", { cents: Schema.BigInt, type: Schema.String, data: Schema.Int })

const Invoice = Aggregate.make("Invoice", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Paid, Refunded],
  errors: [],
  decide: {},
  evolve: { Paid: (n) => n + 1, Refunded: (n) => n - 1 }
})
const codec = EventCodec.of(Invoice)

const recorded = (type: string, data: Schema.Json): EventStore.RecordedEvent => ({
  id: "01890a5d-ac96-774b-bcce-b302099a8057",
  streamId: StreamId.make("Invoice", "7"),
  version: 3,
  position: 12,
  type,
  schemaVersion: 1,
  data,
  metadata: { correlationId: "c", causationId: "c" },
  recordedAt: DateTime.makeUnsafe(0),
  imported: false
})

const paid = fc
  .record({
    at: fc.date({ noInvalidDate: true }).map((date) => DateTime.makeUnsafe(date)),
    cents: fc.bigInt(),
    note: fc.option(fc.string({ unit: "binary" }), { nil: undefined }).map(Option.fromUndefinedOr),
    parts: fc.array(fc.tuple(fc.string(), fc.bigInt())).map((entries) => new Map(entries))
  })
  .map((fields) => new Paid(fields))
const refunded = fc
  .record({ cents: fc.bigInt(), type: fc.string(), data: fc.integer() })
  .map((fields) => Refunded.make(fields))

const decodeFailure = (event: EventStore.RecordedEvent) => Result.getOrThrow(Result.flip(codec.decode(event)))
const decodeOne = (event: EventStore.RecordedEvent) => Result.map(codec.decode(event), ([only]) => only!)

describe("encode and decode", () => {
  it("every event comes back equal from JSON text, also where its schema transforms", () => {
    fc.assert(
      fc.property(fc.oneof(paid, refunded), (event) => {
        const { data, type } = Result.getOrThrow(codec.encode(event))
        const decoded = Result.getOrThrow(decodeOne(recorded(type, JSON.parse(JSON.stringify(data)) as Schema.Json)))
        expect(Equal.equals(decoded, event)).toBe(true)
      })
    )
  })

  it("the type is the tag, and the data are the other fields as JSON, without the tag", () => {
    expect(
      codec.encode(
        new Paid({
          at: DateTime.makeUnsafe("2026-01-02T03:04:05Z"),
          cents: 12n,
          note: Option.some("thanks"),
          parts: new Map([["a", 1n]])
        })
      )
    ).toEqual(
      Result.succeed({
        type: "Paid",
        schemaVersion: 1,
        data: {
          at: "2026-01-02T03:04:05.000Z",
          cents: "12",
          note: { _tag: "Some", value: "thanks" },
          parts: [["a", "1"]]
        }
      })
    )
  })

  it("fields called type and data are data", () => {
    expect(codec.encode({ _tag: "Refunded", cents: 1n, type: "t", data: 2 })).toEqual(
      Result.succeed({ type: "Refunded", schemaVersion: 1, data: { cents: "1", type: "t", data: 2 } })
    )
  })

  it("an event of a class decodes to an instance of it", () => {
    const event = decodeOne(
      recorded("Paid", { at: "2026-01-02T03:04:05.000Z", cents: "1", note: { _tag: "None" }, parts: [] })
    )
    expect(Result.getOrThrow(event)).toBeInstanceOf(Paid)
  })

  it("a tag among the recorded data does not override the recorded type", () => {
    const event = decodeOne(recorded("Refunded", { _tag: "Paid", cents: "1", type: "t", data: 2 }))
    expect(Result.getOrThrow(event)._tag).toBe("Refunded")
  })
})

describe("an event that does not fit", () => {
  it("of a type that the aggregate lacks is one of a newer program", () => {
    const error = decodeFailure(recorded("Cancelled", {}))
    expect(error).toBeInstanceOf(UnknownEvent)
    expect({ ...error }).toMatchObject({
      stream: "Invoice-7",
      version: 3,
      position: 12,
      type: "Cancelled",
      schemaVersion: 1
    })
    expect(error.message).toBe(
      'event 3 of Invoice-7, a "Cancelled" of version 1: this program does not know this type; a newer one has recorded it'
    )
    expect((error as UnknownEvent).isRetryable).toBe(true)
  })

  it("with data that break the schema is an error that names the place and keeps the cause", () => {
    const error = decodeFailure(recorded("Refunded", { cents: "1", type: "t", data: "two" }))
    expect({ stream: error.stream, version: error.version, type: error.type }).toEqual({
      stream: "Invoice-7",
      version: 3,
      type: "Refunded"
    })
    assert(error instanceof EventDecodeError)
    expect(error.detail).toContain('["data"]')
    expect(Schema.isSchemaError(error.cause)).toBe(true)
  })

  it.each([null, 1, "text", [], {}])("with %j for data is an error", (data) => {
    expect(decodeFailure(recorded("Refunded", data))).toBeInstanceOf(EventDecodeError)
  })

  it("breaks its schema on the way in, too: the encoder says where", () => {
    const error = Result.getOrThrow(Result.flip(codec.encode({ _tag: "Refunded", cents: 1n, type: "t", data: 1.5 })))
    expect(error.message).toContain('["data"]')
  })
})
