import { describe, expect, it } from "@effect/vitest"
import { type EventStore, EventStoreError, Reason, StreamId } from "@hexfold/core"
import { AppendCheck, Expectation } from "@hexfold/core/adapter"
import { one, type OneAppend } from "../support/appendOne.ts"

const stream = StreamId.make("Account", "a")
const other = StreamId.make("Account", "b")

const event = (fields: Partial<EventStore.NewEvent>): EventStore.NewEvent => ({
  id: "01890a5d-ac96-774b-bcce-b302099a8057",
  type: "MoneyDeposited",
  data: { amount: 1 },
  metadata: { correlationId: "c", causationId: "c" },
  ...fields
})

const writing = (...events: ReadonlyArray<EventStore.NewEvent>): OneAppend => ({
  writes: [{ streamId: stream, events }],
  conditions: [{ _tag: "Stream", streamId: stream, expected: Expectation.exactly(0) }]
})

const writingTo = (streamId: string): OneAppend => ({
  writes: [{ streamId: streamId as StreamId.StreamId, events: [event({})] }],
  conditions: []
})

const checking = (...conditions: ReadonlyArray<readonly [string, Expectation.Expectation]>): OneAppend => ({
  writes: [],
  conditions: conditions.map(([streamId, expected]) => ({
    _tag: "Stream",
    streamId: streamId as StreamId.StreamId,
    expected
  }))
})

const withData = (data: unknown) => writing(event({ data: data as EventStore.NewEvent["data"] }))

const refused = (operation: EventStoreError["operation"], detail: string) =>
  new EventStoreError({ operation, reason: new Reason.Rejected({ detail }) })

describe("an append is refused, naming the place and the reason:", () => {
  const cases: ReadonlyArray<readonly [reason: string, append: OneAppend]> = [
    ["command id: is empty", { ...writing(), command: { id: "", fingerprint: "f" } }],
    ['command id "a\\u0000": contains NUL', { ...writing(), command: { id: "a\0", fingerprint: "f" } }],
    [
      `command id "${"c".repeat(60)}"…: is longer than 1000 characters`,
      { ...writing(), command: { id: "c".repeat(1_001), fingerprint: "f" } }
    ],
    ['stream id "Account": is not an aggregate\'s name, "-" and an id', writingTo("Account")],
    ['stream id "1-a": is not an aggregate\'s name, "-" and an id', writingTo("1-a")],
    ['stream id "Account-\\u0000": contains NUL', writingTo("Account-\0")],
    ['stream id "Account-\\ud83d": contains half a surrogate pair', writingTo("Account-\ud83d")],
    [
      `stream id "${`Account-${"i".repeat(60)}`.slice(0, 60)}"…: is longer than 1000 characters`,
      writingTo(`Account-${"i".repeat(1_001)}`)
    ],
    ['stream id "Account-\\u0000": contains NUL', checking(["Account-\0", Expectation.any])],
    ['stream id "Account-a": -1 is not a version', checking([stream, Expectation.exactly(-1)])],
    ['stream id "Account-a": 1.5 is not a version', checking([stream, Expectation.exactly(1.5)])],
    ['stream id "Account-a": NaN is not a version', checking([stream, Expectation.exactly(NaN)])],
    [
      "a stream is named twice in one part",
      {
        writes: [
          { streamId: stream, events: [] },
          { streamId: other, events: [] },
          { streamId: stream, events: [] }
        ],
        conditions: []
      }
    ],
    ["a stream is named twice in one append", checking([stream, Expectation.any], [stream, Expectation.noStream])],
    ['event id "1": is not a lower-case UUID', writing(event({ id: "1" }))],
    [
      'event id "01890A5D-AC96-774B-BCCE-B302099A8057": is not a lower-case UUID',
      writing(event({ id: "01890A5D-AC96-774B-BCCE-B302099A8057" }))
    ],
    ["event type: is empty", writing(event({ type: "" }))],
    ['event type "a\\u0000": contains NUL', writing(event({ type: "a\0" }))],
    ["data: contains NUL", withData("\0")],
    ["data.owner.names[1]: contains NUL", withData({ owner: { names: ["a", "b\0"] } })],
    ["data.owner: contains half a surrogate pair", withData({ owner: "\udc00" })],
    ['data: the key "\\u0000" contains NUL', withData({ "\0": 1 })],
    ["data.amount: NaN is not JSON", withData({ amount: NaN })],
    ["data[0]: Infinity is not JSON", withData([Infinity])],
    ["data.at: undefined is not JSON", withData({ at: undefined })],
    ["data.at: bigint is not JSON", withData({ at: 1n })],
    ["data.at: an object with a class is not JSON", withData({ at: new Date(0) })],
    [
      "metadata.actor: contains NUL",
      writing(event({ metadata: { correlationId: "c", causationId: "c", actor: "\0" } }))
    ],
    [
      "metadata.fields.tenant: contains half a surrogate pair",
      writing(event({ metadata: { correlationId: "c", causationId: "c", fields: { tenant: "\ud800" } } }))
    ],
    ["data.amount: NaN is not JSON", writing(event({}), event({ data: { amount: NaN } }))]
  ]

  it.each(cases)("%j", (detail, append) => {
    const refusal = AppendCheck.check(one(append))
    expect(refusal).toEqual(refused("append", detail))
    expect(refusal).toHaveProperty("isRetryable", false)
  })
})

describe("an append of several parts is refused, naming the reason:", () => {
  const id = "01890a5d-ac96-774b-bcce-b302099a8058"
  const conditions = [{ _tag: "Stream", streamId: stream, expected: Expectation.any }] as const
  const part = (fields: Partial<EventStore.Part>): EventStore.Part => ({ writes: [], ...fields })
  const keyed = part({ command: { id: "c", fingerprint: "f" } })
  const one = part({ writes: [{ streamId: stream, events: [event({})] }] })
  const cases: ReadonlyArray<readonly [reason: string, parts: ReadonlyArray<EventStore.Part>]> = [
    ['command id "c": appears twice in one append', [keyed, one, keyed]],
    ['command id "c": appears twice in one append', [keyed, part({ command: { id: "c", fingerprint: "g" } })]],
    ["command id: is empty", [keyed, part({ command: { id: "", fingerprint: "f" } })]],
    [`event id "${event({}).id}": appears twice in one append`, [one, one]],
    [
      `event id "${id}": appears twice in one append`,
      [
        part({ writes: [{ streamId: stream, events: [event({ id })] }] }),
        part({ writes: [{ streamId: other, events: [event({}), event({ id })] }] })
      ]
    ],
    [
      "data.n: NaN is not JSON",
      [one, part({ writes: [{ streamId: stream, events: [event({ id, data: { n: NaN } })] }] })]
    ],
    ['stream id "Account-b": the part has read it, but no condition names it', [part({ reads: [stream, other] })]],
    ["a stream is named twice in one part", [part({ reads: [stream, stream] })]],
    ['stream id "1": the part has read it, but no condition names it', [part({ reads: [1 as never] })]]
  ]

  it.each(cases)("%j", (detail, parts) => {
    expect(AppendCheck.check({ conditions, parts })).toEqual(refused("append", detail))
  })

  it("and is let through if parts write to one stream, and read what they write", () => {
    const second = part({ writes: [{ streamId: stream, events: [event({ id })] }], reads: [stream] })
    expect(AppendCheck.check({ conditions, parts: [one, second, part({ reads: [] })] })).toMatchObject({
      conditions,
      parts: [one, second, { writes: [], reads: [] }]
    })
  })
})

describe("an event that is made for a later append", () => {
  const { data, id, metadata, type } = event({})
  const make = (text: string, fields?: EventStore.NewEvent["metadata"]["fields"]) =>
    AppendCheck.withData(
      id,
      { type, schemaVersion: 1, data: { text } },
      fields === undefined ? metadata : { ...metadata, fields }
    )
  const size = AppendCheck.jsonBytes({ text: "" }) + AppendCheck.jsonBytes({ ...metadata })
  const rest = AppendCheck.maxEventBytes - size

  it("has the largest size too, with its metadata", () => {
    expect(make("x".repeat(rest))).not.toBeInstanceOf(EventStoreError)
    expect(make("x".repeat(rest + 1))).toBeInstanceOf(EventStoreError)
    expect(make("\u0001".repeat(rest / 6 + 1))).toBeInstanceOf(EventStoreError)
    expect(make("x".repeat(rest), { tenant: "acme" })).toBeInstanceOf(EventStoreError)
    expect(AppendCheck.withData(id, { type, schemaVersion: 1, data }, metadata)).not.toBeInstanceOf(EventStoreError)
  })
})

describe("an append is let through", () => {
  it("with every kind of JSON", () => {
    expect(
      AppendCheck.check(one(withData({ a: [null, true, 1.5, "ä\u{1F4B6}", {}, []], b: Object.create(null) as object })))
    ).not.toBeInstanceOf(EventStoreError)
  })

  it("with ids of 1,000 characters, astral ones counted once", () => {
    const id = "\u{1F4B6}".repeat(1_000)
    expect(
      AppendCheck.check(one({ ...writingTo(`Account-${id}`), command: { id, fingerprint: "f" } }))
    ).not.toBeInstanceOf(EventStoreError)
    expect(AppendCheck.check(one(writingTo(`Account-${id}a`)))).toBeDefined()
  })

  it("with a stream both written and checked, and with nothing at all", () => {
    expect(AppendCheck.check(one(writing(event({}))))).not.toBeInstanceOf(EventStoreError)
    expect(AppendCheck.check({ conditions: [], parts: [] })).not.toBeInstanceOf(EventStoreError)
  })
})

describe("a read is refused", () => {
  const command = { id: "c", fingerprint: "f" }
  const wild = StreamId.make("Account", "\0")

  it("for a stream id or a command that no append could have had, naming the operation", () => {
    expect(AppendCheck.checkRead("readStream", [{ streamId: stream }, { streamId: wild }])).toEqual(
      refused("readStream", 'stream id "Account-\\u0000": contains NUL')
    )
    expect(AppendCheck.checkRead("readStreams", [{ streamId: stream }], { ...command, id: "" })).toEqual(
      refused("readStreams", "command id: is empty")
    )
    expect(AppendCheck.checkRead("readStreams", [], { ...command, fingerprint: "\0" })).toEqual(
      refused("readStreams", "command fingerprint: contains NUL")
    )
  })

  it.each([1.5, -1, Number.NaN, Infinity])("for %d as a version, a position or a limit", (number) => {
    const detail = (what: string) => `${what}: ${number} is not a whole number from 0 on`
    expect(AppendCheck.checkRead("readStreams", [{ streamId: stream, after: number }])).toEqual(
      refused("readStreams", detail("after"))
    )
    for (const what of ["after", "upTo", "limit"] as const) {
      expect(AppendCheck.checkRange("readAll", { [what]: number })).toEqual(refused("readAll", detail(what)))
    }
  })

  it("for a position with a history where a stream is read, because its versions have no history", () => {
    expect(AppendCheck.checkRange("readStream", { after: { history: 1, position: 3 } })).toEqual(
      refused("readStream", "after: a value of type object is not a whole number from 0 on")
    )
    expect(AppendCheck.checkRange("readAll", { after: { history: 1, position: 3 } })).toBeUndefined()
  })

  it("for the names of types and aggregates that no event can have", () => {
    expect(AppendCheck.checkRange("readAll", { types: ["T", "\0"] })).toEqual(
      refused("readAll", 'types "\\u0000": contains NUL')
    )
    expect(AppendCheck.checkRange("readAll", { aggregates: ["\ud800"] })).toBeInstanceOf(EventStoreError)
  })

  it("for a correlation id that no conversation can be asked by", () => {
    expect(AppendCheck.checkRange("readAll", { correlationId: "" })).toEqual(
      refused("readAll", "correlationId: is empty")
    )
    expect(AppendCheck.checkRange("readAll", { correlationId: "a\0" })).toEqual(
      refused("readAll", 'correlationId "a\\u0000": contains NUL')
    )
    expect(AppendCheck.checkRange("readAll", { correlationId: "😀".repeat(1_000) })).toBeUndefined()
    expect(AppendCheck.checkRange("readAll", { correlationId: "😀".repeat(1_001) })).toBeInstanceOf(EventStoreError)
  })

  it("for nothing else", () => {
    expect(
      AppendCheck.checkRead("readStreams", [{ streamId: stream }, { streamId: stream, after: 3 }], command)
    ).toBeUndefined()
    expect(
      AppendCheck.checkRange("readAll", { after: 0, upTo: 9, limit: 0, types: [], aggregates: ["A"] })
    ).toBeUndefined()
  })
})
