import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Decision, StreamId } from "@hexfold/core"
import { Option, Result, Schema } from "effect"
import fc from "fast-check"
import {
  Account,
  AccountId,
  AccountOpened,
  AccountState,
  AlreadyOpen,
  Deposit,
  InsufficientFunds,
  MoneyDeposited,
  MoneyWithdrawn,
  NotOpen,
  OpenAccount,
  Withdraw
} from "../support/account.ts"

const open = (balance: number): AccountState => ({ _tag: "Open", owner: "Anna", balance })

const identified = <const Name extends string, Id>(name: Name, id: Schema.Codec<Id, unknown>) =>
  Aggregate.make(name, {
    id,
    state: Schema.Int,
    initial: 0,
    commands: [],
    events: [],
    errors: [],
    decide: {},
    evolve: {}
  })

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("-", "a", "\0", "\u{1F4B6}", "\ud83d") })
)

describe("decide and evolve", () => {
  it("a command that the state allows is decided to its events", () => {
    expect(Account.decide(new OpenAccount({ owner: "Anna" }), Account.initial)).toEqual(
      Result.succeed([new AccountOpened({ owner: "Anna" })])
    )
    expect(Account.decide(new Withdraw({ amount: 3 }), open(5))).toEqual(
      Result.succeed([new MoneyWithdrawn({ amount: 3 })])
    )
  })

  it("a command that the state does not allow is rejected with a typed error", () => {
    expect(Account.decide(new OpenAccount({ owner: "Anna" }), open(0))).toEqual(Result.fail(new AlreadyOpen()))
    expect(Account.decide(new Deposit({ amount: 1 }), Account.initial)).toEqual(Result.fail(new NotOpen()))
    expect(Account.decide(new Withdraw({ amount: 6 }), open(5))).toEqual(
      Result.fail(new InsufficientFunds({ balance: 5, requested: 6 }))
    )
  })

  it("evolve gives the state after an event and leaves the one before as it was", () => {
    const before = open(5)
    expect(Account.evolve(before, new MoneyDeposited({ amount: 2 }))).toEqual(open(7))
    expect(before).toEqual(open(5))
  })
})

describe("fold", () => {
  const history = [
    new AccountOpened({ owner: "Anna" }),
    new MoneyDeposited({ amount: 5 }),
    new MoneyWithdrawn({ amount: 2 })
  ]

  it("starts at the initial state and applies the events in order", () => {
    expect(Aggregate.fold(Account, [])).toEqual(Account.initial)
    expect(Aggregate.fold(Account, history)).toEqual(open(3))
  })

  it("goes on from a given state", () => {
    expect(Aggregate.fold(Account, [new MoneyDeposited({ amount: 1 })], open(9))).toEqual(open(10))
  })

  it("gives the same state wherever the history is cut in two", () => {
    for (let cut = 0; cut <= history.length; cut++) {
      const half = Aggregate.fold(Account, history.slice(0, cut))
      expect(Aggregate.fold(Account, history.slice(cut), half)).toEqual(open(3))
    }
  })

  it("accepts any iterable", () => {
    expect(Aggregate.fold(Account, new Set(history))).toEqual(open(3))
  })
})

describe("stream ids", () => {
  it("every text survives the round trip as an id, and is the tail of the stream id", () => {
    const Texts = identified("Texts", Schema.String)
    fc.assert(
      fc.property(anyText, (id) => {
        expect(Texts.streamId(id)).toBe(`Texts-${id}`)
        expect(Texts.idOf(Texts.streamId(id))).toEqual(Option.some(id))
      })
    )
  })

  it("every branded text survives the round trip as an id", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const id = AccountId.make(text)
        expect(Account.streamId(id)).toBe(`Account-${text}`)
        expect(Account.idOf(Account.streamId(id))).toEqual(Option.some(id))
      })
    )
  })

  it("every number but -0 survives the round trip as an id", () => {
    const Numbers = identified("Numbers", Schema.Number)
    fc.assert(
      fc.property(
        fc.double().filter((id) => !Object.is(id, -0)),
        (id) => {
          expect(Numbers.idOf(Numbers.streamId(id))).toEqual(Option.some(id))
        }
      )
    )
  })

  it("every bigint survives the round trip as an id", () => {
    const Bigints = identified("Bigints", Schema.BigInt)
    fc.assert(
      fc.property(fc.bigInt(), (id) => {
        expect(Bigints.idOf(Bigints.streamId(id))).toEqual(Option.some(id))
      })
    )
  })

  it("a struct survives the round trip as an id, in whichever order its fields come", () => {
    const Invoices = identified("Invoices", Schema.Struct({ tenant: Schema.String, number: Schema.Int }))
    fc.assert(
      fc.property(anyText, fc.integer(), (tenant, number) => {
        const streamId = Invoices.streamId({ tenant, number })
        expect(Invoices.idOf(streamId)).toEqual(Option.some({ tenant, number }))
        expect(Invoices.streamId({ number, tenant })).toBe(streamId)
      })
    )
  })

  it('ids that differ have streams that differ, also 1 and "1"', () => {
    const Mixed = identified("Mixed", Schema.Union([Schema.String, Schema.Int]))
    expect(Mixed.streamId(1)).not.toBe(Mixed.streamId("1"))
    const anyId = fc.oneof(
      anyText,
      fc.integer(),
      fc.integer().map(String),
      fc.integer().map((n) => JSON.stringify(`${n}`))
    )
    fc.assert(
      fc.property(anyId, anyId, (one, other) => {
        expect(Mixed.streamId(one) === Mixed.streamId(other)).toBe(one === other)
        expect(Mixed.idOf(Mixed.streamId(one))).toEqual(Option.some(one))
      })
    )
  })

  it("aggregates whose names begin alike never share a stream", () => {
    const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,5}$/)
    fc.assert(
      fc.property(names, fc.stringMatching(/^[A-Za-z0-9_]{1,5}$/), anyText, anyText, (name, more, id, otherId) => {
        const short = identified(name, Schema.String)
        const long = identified(name + more, Schema.String)
        expect(short.streamId(id)).not.toBe(long.streamId(otherId))
        expect(short.idOf(long.streamId(otherId))).toEqual(Option.none())
        expect(long.idOf(short.streamId(id))).toEqual(Option.none())
      })
    )
  })

  it("an id may contain the character that separates it from the name", () => {
    expect(Account.streamId(AccountId.make("a-b"))).toBe("Account-a-b")
    expect(Account.idOf(StreamId.make("Account", "a-b"))).toEqual(Option.some("a-b"))
  })

  it("a stream of another aggregate has no id here", () => {
    expect(Account.idOf(StreamId.make("Order", "a"))).toEqual(Option.none())
    expect(Account.idOf("Account" as StreamId.StreamId)).toEqual(Option.none())
  })

  it("has a revision, which is a whole number from 1 on", () => {
    const revised = (revision?: number) =>
      Aggregate.make("Revised", {
        id: Schema.String,
        state: Schema.Int,
        initial: 0,
        ...(revision === undefined ? {} : { revision }),
        events: [],
        evolve: {}
      })
    expect([revised(), revised(1), revised(7)].map(({ revision }) => revision)).toEqual([1, 1, 7])
    for (const revision of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 53]) {
      expect(() => revised(revision)).toThrow(`Revised: the revision ${revision} is not a whole number from 1 on`)
    }
  })

  it("a stream whose tail is no id of the aggregate has no id", () => {
    const Numbers = identified("Numbers", Schema.Int)
    expect(Numbers.idOf(StreamId.make("Numbers", "1.5"))).toEqual(Option.none())
    expect(Numbers.idOf(StreamId.make("Numbers", "one"))).toEqual(Option.none())
    expect(Numbers.idOf(StreamId.make("Numbers", ""))).toEqual(Option.none())
  })
})

describe("make", () => {
  class Reset extends Schema.TaggedClass<Reset>()("Reset", {}) {}
  class WasReset extends Schema.TaggedClass<WasReset>()("WasReset", {}) {}
  const AlsoReset = Schema.TaggedStruct("Reset", { why: Schema.String })
  const AlsoWasReset = Schema.TaggedStruct("WasReset", { why: Schema.String })
  const Either = Schema.Struct({ _tag: Schema.Literals(["Reset", "Clear"]) })

  const withMembers = (
    commands: ReadonlyArray<Aggregate.TaggedSchema>,
    events: ReadonlyArray<Aggregate.TaggedSchema>,
    errors: ReadonlyArray<Aggregate.TaggedSchema>
  ) =>
    Aggregate.make("Counter", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      commands,
      events,
      errors,
      decide: { Reset: () => Decision.nothing },
      evolve: { WasReset: () => 0 }
    })

  it.each(["", "1Account", "Acc-ount", "Account ", "Konto\u00e4", "_Account", "A".repeat(101), "Account\n"])(
    "refuses %j as a name and says what a name is",
    (name) => {
      expect(() => identified(name, Schema.String)).toThrow(
        `"${name}" cannot be the name of an aggregate: a name starts with a letter, continues with letters, digits and "_", and has at most 100 characters`
      )
    }
  )

  it.each(["A", "account", "Account_2", "A".repeat(100)])("accepts %j as a name", (name) => {
    expect(identified(name, Schema.String).name).toBe(name)
  })

  it("refuses two commands, two events or two errors of one tag and names the tag", () => {
    expect(() => withMembers([Reset, AlsoReset], [WasReset], [])).toThrow(
      'Counter: two of its commands have the same tag "Reset"'
    )
    expect(() => withMembers([Reset], [WasReset, AlsoWasReset], [])).toThrow(
      'Counter: two of its events have the same tag "WasReset"'
    )
    expect(() => withMembers([Reset], [WasReset], [NotOpen, NotOpen])).toThrow(
      'Counter: two of its errors have the same tag "NotOpen"'
    )
  })

  it("refuses a member whose tag is not one literal string", () => {
    const named = "Counter: the _tag of each of its commands must be one literal string"
    expect(() => withMembers([Either], [WasReset], [])).toThrow(named)
    expect(() => withMembers([Schema.Struct({ _tag: Schema.String })], [WasReset], [])).toThrow(named)
    expect(() => withMembers([Reset], [Either], [])).toThrow(
      "Counter: the _tag of each of its events must be one literal string"
    )
    expect(() => withMembers([Reset], [WasReset], [Either])).toThrow(
      "Counter: the _tag of each of its errors must be one literal string"
    )
  })

  it("keeps its schemas by tag", () => {
    expect([...Account.schemas.commands.keys()]).toEqual(["OpenAccount", "Deposit", "Withdraw"])
    expect(Account.schemas.events.get("MoneyDeposited")).toBe(MoneyDeposited)
    expect([...Account.schemas.errors.keys()]).toEqual(["AlreadyOpen", "NotOpen", "InsufficientFunds"])
    expect(Account.schemas.state).toBe(AccountState)
  })
})

describe("the errors of an aggregate", () => {
  const definition = {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [OpenAccount, Deposit],
    events: [],
    evolve: {}
  } as const
  const decide = { OpenAccount: () => Decision.nothing, Deposit: () => Decision.nothing }
  const tags = (rejections: ReadonlyMap<string, ReadonlySet<string>>) =>
    Object.fromEntries(Array.from(rejections, ([tag, errors]) => [tag, [...errors]]))

  it("are those of every command, unless the definition says which each has", () => {
    const every = Aggregate.make("Every", { ...definition, errors: [AlreadyOpen, NotOpen], decide })
    expect(tags(every.schemas.rejections)).toEqual({
      OpenAccount: ["AlreadyOpen", "NotOpen"],
      Deposit: ["AlreadyOpen", "NotOpen"]
    })
    const each = Aggregate.make("Each", {
      ...definition,
      errors: { OpenAccount: [AlreadyOpen, NotOpen], Deposit: [NotOpen] },
      decide
    })
    expect(tags(each.schemas.rejections)).toEqual({ OpenAccount: ["AlreadyOpen", "NotOpen"], Deposit: ["NotOpen"] })
    expect([...each.schemas.errors.keys()]).toEqual(["AlreadyOpen", "NotOpen"])
    const some = Aggregate.make("Some", { ...definition, errors: { Deposit: [NotOpen] }, decide })
    expect(tags(some.schemas.rejections)).toEqual({ OpenAccount: [], Deposit: ["NotOpen"] })
  })

  it("have one schema for each tag, in all commands", () => {
    const Other = Schema.TaggedStruct("NotOpen", {})
    expect(() =>
      Aggregate.make("Two", { ...definition, errors: { OpenAccount: [NotOpen], Deposit: [Other] }, decide })
    ).toThrow('two of its errors have the same tag "NotOpen"')
  })
})
