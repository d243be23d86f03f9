import { assert, describe, expect, it } from "@effect/vitest"
import { Aggregate, EventDecodeError, StreamId, UnknownEvent, Versions } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { DateTime, Result, Schema } from "effect"

const V1 = Schema.TaggedStruct("Paid", { euros: Schema.Finite })
const V2 = Schema.TaggedStruct("Paid", { euros: Schema.Finite, currency: Schema.String })
class Paid extends Schema.TaggedClass<Paid>()("Paid", {
  cents: Schema.Int,
  currency: Schema.String,
  tags: Schema.Array(Schema.String).pipe(Schema.optionalKey)
}) {}
class Noted extends Schema.TaggedClass<Noted>()("Noted", { text: Schema.NonEmptyString }) {}

const common = { id: Schema.String, state: Schema.Int, initial: 0 }
const evolve = { Paid: (n: number) => n + 1, Noted: (n: number) => n }

const chain = Versions.first(V1)
  .next(V2, (paid) => ({ ...paid, currency: "EUR" }))
  .next(Paid, ({ currency, euros }) => new Paid({ cents: Math.round(euros * 100), currency }))

const recorded = (type: string, schemaVersion: number, data: Schema.Json) => ({
  streamId: StreamId.make("Till", "a"),
  version: 3,
  type,
  schemaVersion,
  data
})

/** What a stored event becomes in a program that knows the chain, or that has retired `Marked`. */
const read = (
  event: ReturnType<typeof recorded>,
  becomes: (mark: { readonly mark: string }) => Noted | Paid | ReadonlyArray<Noted | Paid> = ({ mark }) =>
    new Noted({ text: mark })
) => {
  const Marked = Schema.TaggedStruct("Marked", { mark: Schema.String })
  const Till = Aggregate.make("Till", {
    ...common,
    events: [chain, Noted],
    retired: [Versions.retired(Marked, becomes)],
    evolve
  })
  return EventCodec.of(Till).decode(event)
}

describe("an event of a former version", () => {
  it("becomes the current one, step by step", () => {
    const one = new Paid({ cents: 150, currency: "EUR" })
    expect(read(recorded("Paid", 1, { euros: 1.5 }))).toEqual(Result.succeed([one]))
    expect(read(recorded("Paid", 2, { euros: 1.5, currency: "EUR" }))).toEqual(Result.succeed([one]))
    expect(read(recorded("Paid", 3, { cents: 150, currency: "EUR" }))).toEqual(Result.succeed([one]))
  })

  it("is written in the current version", () => {
    const Till = Aggregate.make("Till", { ...common, events: [chain, Noted], evolve })
    const { encode } = EventCodec.of(Till)
    expect(encode(new Paid({ cents: 1, currency: "CHF" }))).toEqual(
      Result.succeed({ type: "Paid", schemaVersion: 3, data: { cents: 1, currency: "CHF" } })
    )
    expect(encode(new Noted({ text: "x" }))).toMatchObject(Result.succeed({ schemaVersion: 1 }))
  })

  it("is what a store would give back, whatever a step returns", () => {
    const Plain = Versions.first(V1).next(Paid, ({ euros }) => ({
      _tag: "Paid" as const,
      ...{ currency: "EUR", cents: euros * 100, surplus: true }
    }))
    const Till = Aggregate.make("Till", { ...common, events: [Plain, Noted], evolve })
    const [event] = Result.getOrThrow(EventCodec.of(Till).decode(recorded("Paid", 1, { euros: 2 })))
    expect(event).toBeInstanceOf(Paid)
    expect(Object.keys(event!)).not.toContain("surplus")
  })

  describe("is what a store would give back, where a step gives", () => {
    class Part extends Schema.Class<Part>("Part")({ n: Schema.Int }) {}
    class Sub extends Part {}
    class Kept extends Schema.TaggedClass<Kept>()("Kept", {
      n: Schema.Finite,
      note: Schema.optionalKey(Schema.String),
      kind: Schema.Literals(["a", "b"]),
      either: Schema.NullOr(Schema.Finite),
      at: Schema.DateTimeUtcFromString,
      inner: Schema.Struct({ text: Schema.NonEmptyString }),
      list: Schema.Array(Schema.Int.check(Schema.isGreaterThan(0))),
      part: Schema.optionalKey(Part),
      record: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int))
    }) {}
    const Old = Schema.TaggedStruct("Kept", {})
    const right = {
      n: 1,
      kind: "a",
      either: null,
      at: DateTime.makeUnsafe(0),
      inner: { text: "t" },
      list: [1]
    } as const
    const given = (made: object) => {
      const Kind = Aggregate.make("Kind", {
        ...common,
        events: [Versions.first(Old).next(Kept, () => made as Kept)],
        evolve: { Kept: (n) => n }
      })
      const { decode, encode } = EventCodec.of(Kind)
      const read = decode(recorded("Kept", 1, {}))
      return Result.map(read, ([event]) => {
        // The event as it is stored and read: nothing about it changes any more.
        const { data } = Result.getOrThrow(encode(event!))
        const [again] = Result.getOrThrow(decode(recorded("Kept", 2, JSON.parse(JSON.stringify(data)) as Schema.Json)))
        expect(event).toStrictEqual(again)
        return event!
      })
    }
    const kept = (made: object) => Result.getOrThrow(given(made))

    it("an instance of the class, or a plain object", () => {
      const made = new Kept(right)
      expect(kept(made)).toBe(made)
      expect(kept({ ...made })).toStrictEqual(made)
    })

    for (const [name, wrong] of Object.entries({
      "a zero with a sign": { n: -0 },
      "a zero with a sign in a union": { either: -0 },
      "a time with a fraction of a millisecond": { at: DateTime.makeUnsafe(0.5) },
      "a member within that is not declared": { inner: { text: "t", more: 1 } },
      "an instance of another class within": { inner: Object.assign(new Sub({ n: 1 }), { text: "t" }) },
      "a subclass within": { part: new Sub({ n: 1 }) },
      "a plain object for a class within": { part: { n: 1 } },
      "a record": { record: { a: -0 } }
    })) {
      it(`${name}`, () => {
        kept({ ...right, _tag: "Kept", ...wrong })
        // An instance cannot have a plain object in place of another instance.
        if (name !== "a plain object for a class within") kept(Object.assign(new Kept(right), wrong))
      })
    }

    for (const [name, wrong] of Object.entries({
      "a number of another kind": { n: Number.NaN },
      "a member that is undefined": { note: undefined },
      "a text that breaks its check": { inner: { text: "" } },
      "a member of a list that breaks its check": { list: [1, 0] },
      "another literal": { kind: "c" },
      "no time": { at: "1970" },
      "no list": { list: { 0: 1, length: 1 } },
      null: { inner: null }
    })) {
      it(`and fails for an instance that was given ${name}`, () => {
        expect(Result.isFailure(given(Object.assign(new Kept(right), wrong)))).toBe(true)
      })
    }
  })

  it("of a newer program is read if the program looks ahead, and is not known otherwise", () => {
    const Ahead = Versions.first(V1).ahead(V2, ({ euros }) => ({ _tag: "Paid", euros }))
    const Till = Aggregate.make("Till", { ...common, events: [Ahead, Noted], evolve })
    const { decode, encode } = EventCodec.of(Till)
    expect(decode(recorded("Paid", 2, { euros: 2, currency: "CHF" }))).toEqual(
      Result.succeed([{ _tag: "Paid", euros: 2 }])
    )
    expect(encode(V1.make({ euros: 2 }))).toMatchObject(Result.succeed({ schemaVersion: 1 }))
    const unknown = Result.getOrThrow(Result.flip(decode(recorded("Paid", 3, {}))))
    expect(unknown).toBeInstanceOf(UnknownEvent)
    expect(unknown).toMatchObject({ schemaVersion: 3, known: 2, version: 3 })
    expect(unknown.message).toContain('a "Paid" of version 3: this program knows its versions up to 2')
  })
})

describe("a retired event", () => {
  it("becomes none, one or several current events", () => {
    const marked = recorded("Marked", 1, { mark: "m" })
    const noted = new Noted({ text: "m" })
    expect(read(marked)).toEqual(Result.succeed([noted]))
    expect(read(marked, () => [])).toEqual(Result.succeed([]))
    expect(read(marked, () => [noted, noted])).toEqual(Result.succeed([noted, noted]))
  })

  it("may have had versions of its own", () => {
    const Former = Versions.first(V1).next(V2, (paid) => ({ ...paid, currency: "EUR" }))
    const Till = Aggregate.make("Till", {
      ...common,
      events: [Noted],
      retired: [Versions.retired(Former, ({ currency }) => new Noted({ text: currency }))],
      evolve: { Noted: evolve.Noted }
    })
    for (const [version, data] of [
      [1, { euros: 1 }],
      [2, { euros: 1, currency: "EUR" }]
    ] as const) {
      expect(EventCodec.of(Till).decode(recorded("Paid", version, data))).toEqual(
        Result.succeed([new Noted({ text: "EUR" })])
      )
    }
  })
})

describe("a step that is wrong", () => {
  const failure = (...given: Parameters<typeof read>) => {
    const error = Result.getOrThrow(Result.flip(read(...given)))
    assert(error instanceof EventDecodeError)
    return error
  }
  const marked = recorded("Marked", 1, { mark: "" })

  it("fails the read with the place of the event, the version and the cause", () => {
    const invalid = failure(marked, () => ({ _tag: "Noted", text: "" }))
    expect(invalid).toMatchObject({ stream: "Till-a", version: 3, type: "Marked" })
    expect(invalid.detail).toContain("version 1: a step gives a Noted that does not match its schema")
    const bug = new Error("no mark")
    const thrown = failure(marked, () => {
      throw bug
    })
    expect(thrown.detail).toBe("version 1: a step has thrown: Error: no mark")
    expect(thrown.cause).toBe(bug)
    expect(failure(marked, () => undefined as never).detail).toContain("Till has only Paid, Noted")
    expect(failure(marked, () => ({ _tag: "Other" }) as never).detail).toContain('a step gives "Other"')
    const many = Array.from({ length: 1_001 }, () => new Noted({ text: "x" }))
    expect(failure(marked, () => many).detail).toContain("it becomes 1001 events, and at most 1000 may be")
  })

  it("does not hide data that do not match the schema of their version", () => {
    expect(failure(recorded("Paid", 2, { euros: 1 })).detail).toContain('["currency"]')
  })
})

describe("a declaration that cannot be", () => {
  const make = (definition: object) => () => Aggregate.make("Till", { ...common, evolve, ...definition } as never)

  it("throws where it is made", () => {
    const Other = Schema.TaggedStruct("Other", {})
    expect(make({ events: [Versions.first(V1).next(Other as never, (() => 0) as never)] })).toThrow(
      'Till: version 1 of "Other" has the tag "Paid"'
    )
    expect(make({ events: [Noted], retired: [Versions.retired(Noted, () => [])] })).toThrow(
      'Till: the event "Noted" is current, so it cannot be retired'
    )
    const twice = [Versions.retired(Other, () => []), Versions.retired(Other, () => [])]
    expect(make({ events: [Noted], retired: twice })).toThrow('two of its retired events have the same tag "Other"')
    const Unclear = Schema.TaggedStruct("Unclear", { at: Schema.Union([Schema.BigInt, Schema.String]) })
    expect(make({ events: [Noted], retired: [Versions.retired(Unclear, () => [])] })).toThrow(
      "Till, retired events Unclear, version 1.at"
    )
  })
})
