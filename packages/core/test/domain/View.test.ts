import { describe, expect, it } from "@effect/vitest"
import { Aggregate, InvalidKey, View } from "@hexfold/core"
import { DateTime, Result, Schema } from "effect"
import { Account, AccountId, AccountOpened, MoneyDeposited, MoneyWithdrawn } from "../support/account.ts"
import { Budget, BudgetSet } from "../support/budget.ts"

const a = AccountId.make("a-1")
const b = AccountId.make("b")
const opened = (owner: string) => new AccountOpened({ owner })
const deposited = (amount: number) => new MoneyDeposited({ amount })
const withdrawn = (amount: number) => new MoneyWithdrawn({ amount })

const Deposits = View.make("Deposits", {
  from: [Account],
  state: Schema.Int,
  evolve: { MoneyDeposited: (sum = 0, { amount }) => sum + amount }
})

/** A view with one record for each of `keys`, whatever happens. */
const keyed = (keys: string | ReadonlyArray<string>) =>
  View.make("Keyed", { from: [Account], state: Schema.Int, key: () => keys, evolve: { AccountOpened: () => 1 } })

/** The envelopes that a view sees. */
const envelopesOf = (events: ReadonlyArray<View.Given<"Account", AccountId, Aggregate.EventOf<typeof Account>>>) => {
  const seen: Array<View.Envelope<"Account", AccountId>> = []
  const see = (_state: unknown, _event: unknown, envelope: View.Envelope<"Account", AccountId>) => {
    seen.push(envelope)
    return 1
  }
  View.fold(
    View.make("Seen", {
      from: [Account],
      state: Schema.Int,
      evolve: { AccountOpened: see, MoneyDeposited: see }
    }),
    events
  )
  return seen
}

describe("records", () => {
  it("come and change with the events that have a handler; others are ignored", () => {
    const records = View.fold(Deposits, [
      ...View.given(Account, a, opened("Anna"), deposited(1), withdrawn(1), deposited(2)),
      ...View.given(Account, b, opened("Ben"))
    ])
    expect(records).toEqual(new Map([["a-1", 3]]))
  })

  it("are what a store gives back, also for the next event", () => {
    const state = Schema.Union([
      Schema.TaggedStruct("Draft", { note: Schema.optionalKey(Schema.String), sum: Schema.optionalKey(Schema.Number) }),
      Schema.TaggedStruct("Sent", {})
    ])
    const Letters = View.make("Letters", {
      from: [Account],
      state,
      evolve: {
        AccountOpened: (_, { owner }) => ({ _tag: "Draft", note: owner, sum: -0 }),
        MoneyDeposited: (letter) => letter && { ...letter, _tag: "Sent" },
        MoneyWithdrawn: (letter) => letter && { ...letter, _tag: "Draft" }
      }
    })
    const drafted = View.fold(Letters, View.given(Account, a, opened("Anna")))
    expect(drafted).toEqual(new Map([["a-1", { _tag: "Draft", note: "Anna", sum: 0 }]]))
    const records = View.fold(Letters, View.given(Account, a, opened("Anna"), deposited(1), withdrawn(1)))
    expect(records).toEqual(new Map([["a-1", { _tag: "Draft" }]]))
  })

  it("go when a handler returns nothing, and a later event begins anew", () => {
    const Open = View.make("Open", {
      from: [Account],
      state: Schema.Struct({ balance: Schema.Int }),
      evolve: {
        MoneyDeposited: (state, { amount }) => ({ balance: (state?.balance ?? 0) + amount }),
        MoneyWithdrawn: () => undefined
      }
    })
    expect(View.fold(Open, View.given(Account, a, deposited(5), withdrawn(5)))).toEqual(new Map())
    expect(View.fold(Open, View.given(Account, a, deposited(5), withdrawn(5), deposited(2)))).toEqual(
      new Map([["a-1", { balance: 2 }]])
    )
  })

  it("are not touched by an event whose tag is a name that every object has", () => {
    const Odd = Aggregate.make("Odd", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      commands: [],
      events: [Schema.TaggedStruct("constructor", {}), Schema.TaggedStruct("Happened", {})],
      errors: [],
      decide: {},
      evolve: { constructor: () => 0, Happened: () => 0 }
    })
    const Counts = View.make("Counts", {
      from: [Odd],
      state: Schema.Int,
      evolve: { Happened: (count = 0) => count + 1 }
    })
    expect(Counts.handles("constructor")).toBe(false)
    expect(View.fold(Counts, View.given(Odd, "a", { _tag: "Happened" }, { _tag: "constructor" }))).toEqual(
      new Map([["a", 1]])
    )
  })
})

describe("a key", () => {
  it("is the text of the id with one source", () => {
    const Limits = View.make("Limits", {
      from: [Budget],
      state: Schema.Int,
      evolve: { BudgetSet: (_, { limit }) => limit }
    })
    expect(View.fold(Limits, View.given(Budget, 7, new BudgetSet({ limit: 3 })))).toEqual(new Map([["7", 3]]))
  })

  it("is the stream id with several sources, whose ids may be equal", () => {
    const Both = View.make("Both", {
      from: [Account, Budget],
      state: Schema.Int,
      evolve: { MoneyDeposited: (sum = 0, { amount }) => sum + amount }
    })
    const records = View.fold(Both, [
      ...View.given(Account, AccountId.make("7"), deposited(1)),
      ...View.given(Budget, 7, { _tag: "MoneyDeposited", amount: 2, note: "" })
    ])
    expect(records).toEqual(
      new Map([
        ["Account-7", 1],
        ["Budget-7", 2]
      ])
    )
  })

  it("is the event's position for a history", () => {
    const History = View.make("History", {
      from: [Account],
      state: Schema.Struct({ account: AccountId, amount: Schema.Int }),
      key: View.perEvent,
      evolve: { MoneyDeposited: (_, { amount }, { id }) => ({ account: id, amount }) }
    })
    const records = View.fold(History, View.given(Account, a, deposited(1), opened("Anna"), deposited(2)))
    expect([...records]).toEqual([
      ["0000000000000001", { account: a, amount: 1 }],
      ["0000000000000003", { account: a, amount: 2 }]
    ])
  })

  it("may follow from the event, so that one record gathers many aggregates", () => {
    const Owners = View.make("Owners", {
      from: [Account],
      state: Schema.Int,
      key: ({ owner }) => owner,
      evolve: { AccountOpened: (count = 0) => count + 1 }
    })
    const events = [...View.given(Account, a, opened("Anna")), ...View.given(Account, b, opened("Anna"))]
    expect(View.fold(Owners, events)).toEqual(new Map([["Anna", 2]]))
  })

  it("may be several: each record gets the event once, in the order of the keys", () => {
    expect([...View.fold(keyed(["y", "x", "y"]), View.given(Account, a, opened("Anna")))]).toEqual([
      ["y", 1],
      ["x", 1]
    ])
  })

  it("may be none, and the event is ignored", () => {
    expect(View.fold(keyed([]), View.given(Account, a, opened("Anna")))).toEqual(new Map())
  })

  it("is not asked for an event without a handler", () => {
    const Never = View.make("Never", {
      from: [Account],
      state: Schema.Int,
      key: () => expect.unreachable(),
      evolve: { AccountOpened: () => 1 }
    })
    expect(View.fold(Never, View.given(Account, a, deposited(1)))).toEqual(new Map())
  })

  const [envelope] = envelopesOf(View.given(Account, a, opened("Anna")))

  it.each([
    ["", "key: is empty"],
    ["a\0", 'key "a\\u0000": contains NUL'],
    ["a\ud83d", 'key "a\\ud83d": contains half a surrogate pair'],
    ["k".repeat(1_001), `key "${"k".repeat(60)}"…: is longer than 1000 characters`]
  ])("that no record can have is an error with the view, the key and the event: %j", (key, detail) => {
    const found = keyed(["fine", key]).keysOf(opened("Anna"), envelope!)
    expect(found).toEqual(
      Result.fail(new InvalidKey({ view: "Keyed", key, stream: "Account-a-1", version: 1, position: 1, detail }))
    )
    expect(Result.isFailure(found) && found.failure.message).toBe(
      `Keyed: event 1 of Account-a-1, at position 1: ${detail}`
    )
    expect(() => View.fold(keyed(key), View.given(Account, a, opened("Anna")))).toThrow(detail)
  })

  it.each(["k", "k".repeat(1_000), "\u{1F4B6}".repeat(1_000), "a-b c"])("may be %j", (key) => {
    expect(keyed(key).keysOf(opened("Anna"), envelope!)).toEqual(Result.succeed([key]))
  })
})

describe("the envelope in fold", () => {
  it("counts positions over all events and versions in each stream", () => {
    const envelopes = envelopesOf([
      ...View.given(Account, a, opened("Anna"), deposited(1)),
      ...View.given(Account, b, opened("Ben")),
      ...View.given(Account, a, deposited(2))
    ])
    expect(envelopes.map(({ id, position, version }) => ({ id, position, version }))).toEqual([
      { id: a, position: 1, version: 1 },
      { id: a, position: 2, version: 2 },
      { id: b, position: 3, version: 1 },
      { id: a, position: 4, version: 3 }
    ])
    expect(new Set(envelopes.map(({ eventId }) => eventId)).size).toBe(4)
    expect(envelopes.map(({ recordedAt }) => recordedAt.epochMilliseconds)).toEqual([1_000, 2_000, 3_000, 4_000])
    expect(envelopes[2]).toMatchObject({
      aggregate: "Account",
      streamId: "Account-b",
      metadata: { correlationId: envelopes[2]!.eventId, causationId: envelopes[2]!.eventId }
    })
  })

  it("is what the event says of it, and counting goes on from there", () => {
    const said = {
      eventId: "e",
      position: 10,
      version: 5,
      part: 2,
      recordedAt: DateTime.makeUnsafe("2024-02-29T12:00:00Z"),
      metadata: { correlationId: "c", causationId: "d", actor: "Anna" }
    }
    const [first, second] = envelopesOf([
      ...View.given(Account, a, opened("Anna")).map((given) => ({ ...given, ...said })),
      ...View.given(Account, a, deposited(1))
    ])
    expect(first).toEqual({ aggregate: "Account", id: a, streamId: "Account-a-1", ...said })
    expect(second).toMatchObject({ position: 11, version: 6 })
  })
})

describe("make", () => {
  it("gives what a projection asks for", () => {
    const Sums = Schema.Struct({
      status: Schema.String,
      owner: Schema.Struct({ name: Schema.String }),
      total: Schema.Int
    })
    const Both = View.make("Both", {
      from: [Account, Budget],
      state: Sums,
      version: 2,
      indexes: ["status", ["owner.name", "total"]],
      evolve: { BudgetSet: () => undefined, MoneyDeposited: () => undefined }
    })
    expect(Both).toMatchObject({
      name: "Both",
      version: 2,
      schemas: { state: Sums },
      sources: [Account, Budget],
      types: ["BudgetSet", "MoneyDeposited"],
      indexes: ["status", ["owner.name", "total"]]
    })
    expect(["BudgetSet", "MoneyDeposited", "AccountOpened"].map(Both.handles)).toEqual([true, true, false])
    expect(Deposits).toMatchObject({ version: 1, indexes: [] })
  })

  it("gives functions that a test can call alone", () => {
    const [envelope] = envelopesOf(View.given(Account, a, opened("Anna")))
    expect(Deposits.evolve(undefined, deposited(1), envelope!)).toBe(1)
    expect(Deposits.evolve(1, deposited(2), envelope!)).toBe(3)
    expect(Deposits.evolve(1, opened("Anna"), envelope!)).toBe(1)
    expect(Deposits.keysOf(deposited(1), envelope!)).toEqual(Result.succeed(["a-1"]))
    expect(Deposits.keysOf(opened("Anna"), envelope!)).toEqual(Result.succeed([]))
  })

  const definition = { from: [Account], state: Schema.Int, evolve: { MoneyDeposited: () => 1 } } as const

  it.each(["", "1", "a-b", "A".repeat(101)])("refuses %j as a name and says what a name is", (name) => {
    expect(() => View.make(name, definition)).toThrow(
      `"${name}" cannot be the name of a view: a name starts with a letter, continues with letters, digits and "_", and has at most 100 characters`
    )
  })

  it.each([0, -1, 1.5, Number.NaN, Infinity])("refuses %d as a version", (version) => {
    expect(() => View.make("V", { ...definition, version })).toThrow(
      `V: its version must be a whole number from 1 on, and is ${version}`
    )
  })

  it("refuses two sources of one name", () => {
    expect(() => View.make("V", { ...definition, from: [Account, Account] })).toThrow(
      'V: two of its sources are called "Account"'
    )
  })

  it("refuses a handler for an event that no source has", () => {
    expect(() =>
      View.make("V", {
        ...definition,
        evolve: {
          // @ts-expect-error no source has an event with the tag BudgetSet
          BudgetSet: () => 1
        }
      })
    ).toThrow('V: no source has an event with the tag "BudgetSet"')
  })
})

describe("handlers by name", () => {
  const id = AccountId.make("a")
  const events = [
    ...View.given(Account, id, new AccountOpened({ owner: "Anna" }), new MoneyDeposited({ amount: 3 })),
    ...View.given(Budget, 1, { _tag: "MoneyDeposited", amount: 5, note: "b" })
  ]
  const key = (_: unknown, { streamId }: { readonly streamId: string }) => streamId

  it("of one source get its events alone", () => {
    const Amounts = View.make("Amounts", {
      from: [Account, Budget],
      state: Schema.Int,
      evolve: { "Budget/MoneyDeposited": (sum = 0, { amount }) => sum + amount }
    })
    expect(Amounts.types).toEqual(["MoneyDeposited"])
    expect(Amounts.handles("AccountOpened")).toBe(false)
    expect(View.fold(Amounts, events)).toEqual(new Map([["Budget-1", 5]]))
  })

  it("of one source come before those of a tag, and those before the handler for all", () => {
    const Names = View.make("Names", {
      from: [Account, Budget],
      state: Schema.Array(Schema.String),
      key,
      evolve: {
        "*": (names = []) => [...names, "all"],
        MoneyDeposited: (names = []) => [...names, "tag"],
        "Budget/MoneyDeposited": (names = []) => [...names, "source"]
      }
    })
    expect(new Set(Names.types)).toEqual(new Set(["AccountOpened", "MoneyDeposited", "MoneyWithdrawn", "BudgetSet"]))
    expect(View.fold(Names, events)).toEqual(
      new Map([
        ["Account-a", ["all", "tag"]],
        ["Budget-1", ["source"]]
      ])
    )
  })

  it("have keys by the same names", () => {
    const Keyed = View.make("Keyed", {
      from: [Account, Budget],
      state: Schema.Int,
      key: { "Budget/MoneyDeposited": ({ note }) => note, "*": ({ _tag }, { id }) => [_tag, String(id)] },
      evolve: { "Budget/MoneyDeposited": () => 1, "*": () => 2 }
    })
    expect(Keyed.perStream).toBe(false)
    expect(View.fold(Keyed, events)).toEqual(
      new Map([
        ["AccountOpened", 2],
        ["a", 2],
        ["MoneyDeposited", 2],
        ["b", 1]
      ])
    )
  })

  it("are refused for a source that is not one of the view", () => {
    const foreign = { from: [Account], state: Schema.Int, evolve: { "Budget/MoneyDeposited": () => 0 } }
    // @ts-expect-error no source has an event with the tag Budget/MoneyDeposited
    expect(() => View.make("Amounts", foreign)).toThrow("Budget/MoneyDeposited")
  })
})
