import { describe, expect, it } from "@effect/vitest"
import {
  Aggregate,
  Boundary,
  CommandIdReused,
  ConcurrencyConflict,
  Decision,
  EventDecodeError,
  InvalidDecision,
  Executor,
  InvalidCommand,
  StateCache,
  StreamWrittenTwice,
  TooManyParticipants
} from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, Schedule, Schema } from "effect"
import {
  Account,
  AccountId,
  Deposit,
  InsufficientFunds,
  MoneyDeposited,
  MoneyWithdrawn,
  OpenAccount,
  Withdraw,
  accountErrors
} from "../support/account.ts"
import { watched } from "../support/watched.ts"

const a = AccountId.make("a")
const b = AccountId.make("b")
const c = AccountId.make("c")
const [atA, atB, atC] = [Account.streamId(a), Account.streamId(b), Account.streamId(c)]

class RulesChanged extends Schema.TaggedClass<RulesChanged>()("RulesChanged", { limit: Schema.Int }) {}
class OverLimit extends Schema.TaggedError<OverLimit>()("OverLimit", { limit: Schema.Int }) {}
const ChangeRules = Schema.TaggedStruct("ChangeRules", { limit: Schema.Int })
const Rules = Aggregate.make("Rules", {
  id: Schema.NonEmptyString,
  state: Schema.Struct({ limit: Schema.Int }),
  initial: { limit: 100 },
  commands: [ChangeRules],
  events: [RulesChanged],
  errors: [],
  decide: { ChangeRules: ({ limit }) => Decision.accept(new RulesChanged({ limit })) },
  evolve: { RulesChanged: (_, { limit }) => ({ limit }) }
})
const atRules = Rules.streamId("r")
const changeRules = (limit: number) => Executor.execute(Rules, "r", { _tag: "ChangeRules", limit })

const Move = Schema.TaggedStruct("Move", { from: AccountId, to: AccountId, amount: Schema.Int })
const move = (amount: number, from = a, to = b): typeof Move.Type => ({ _tag: "Move", from, to, amount })
class DoneAlready extends Schema.TaggedError<DoneAlready>()("DoneAlready", {}) {}

const Transfer = Boundary.make("Transfer", {
  command: Move,
  participants: ({ from, to }) => ({
    rules: Boundary.readOnly(Rules.at("r")),
    from: Account.at(from),
    to: Account.at(to)
  }),
  errors: [OverLimit, ...accountErrors],
  decide: ({ amount }, { from, rules, to }) =>
    amount === 0
      ? Decision.nothing
      : amount > rules.limit
        ? Decision.reject(new OverLimit({ limit: rules.limit }))
        : Decision.all({
            from: Account.decide(new Withdraw({ amount }), from),
            to: Account.decide(new Deposit({ amount }), to)
          })
})

/** Pays each of several accounts. */
const Payday = Boundary.make("Payday", {
  command: Schema.TaggedStruct("Payday", { accounts: Schema.Array(AccountId), amounts: Schema.Array(Schema.Int) }),
  participants: ({ accounts }) => ({ accounts: accounts.map(Account.at) }),
  errors: accountErrors,
  decide: ({ amounts }, { accounts }) =>
    Decision.all({
      accounts: accounts.map((account, i) =>
        amounts[i] === 0 ? Decision.nothing : Account.decide(new Deposit({ amount: amounts[i]! }), account)
      )
    }),
  maxParticipants: 3
})

const open = (id: AccountId, amount: number) =>
  Effect.andThen(
    Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })),
    Executor.execute(Account, id, new Deposit({ amount }))
  )
const withdraw = (id: AccountId, amount: number) => Executor.execute(Account, id, new Withdraw({ amount }))

/** A watched store where the accounts a, b and c have 10 each. */
const opened = Effect.tap(watched, ({ behind }) => behind(Effect.forEach([a, b, c], (id) => open(id, 10))))

const balance = (id: AccountId) =>
  Effect.map(Executor.load(Account, id), ({ state }) => (state._tag === "Open" ? state.balance : undefined))

describe("the errors of a boundary", () => {
  const empty = { command: Schema.TaggedStruct("Empty", {}), participants: () => ({}), decide: () => Decision.nothing }

  it("are kept by tag, and a rejection can be encoded with them", () => {
    expect([...Transfer.errors.keys()]).toEqual(["OverLimit", "AlreadyOpen", "NotOpen", "InsufficientFunds"])
    const encode = Schema.encodeSync(Transfer.errors.get("OverLimit")!)
    expect(encode(new OverLimit({ limit: 3 }))).toEqual({ _tag: "OverLimit", limit: 3 })
    expect(Boundary.make("Empty", empty).errors.size).toBe(0)
  })

  it("must differ in their tags and have one meaning in JSON", () => {
    const twice = () => Boundary.make("Empty", { ...empty, errors: [OverLimit, OverLimit] })
    expect(twice).toThrow('Empty: two of its errors have the same tag "OverLimit"')
    const Vague = Schema.TaggedStruct("Vague", { amount: Schema.Union([Schema.BigInt, Schema.String]) })
    expect(() => Boundary.make("Empty", { ...empty, errors: [Vague] })).toThrow("Empty, errors Vague")
  })
})

describe("a boundary", () => {
  it.effect("reads its streams in one call and writes all of them in one append", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* opened
      const receipt = yield* run(Executor.execute(Transfer, move(3)))
      expect(reads).toEqual([[{ streamId: atRules }, { streamId: atA }, { streamId: atB }]])
      expect(appends).toHaveLength(1)
      expect(
        appends[0]!.parts[0]!.writes.map(({ events, streamId }) => [streamId, events.map(({ type }) => type)])
      ).toEqual([
        [atA, ["MoneyWithdrawn"]],
        [atB, ["MoneyDeposited"]]
      ])
      expect(appends[0]!.conditions).toEqual([
        { _tag: "Stream", streamId: atRules, expected: Expectation.exactly(0) },
        { _tag: "Stream", streamId: atA, expected: Expectation.exactly(2) },
        { _tag: "Stream", streamId: atB, expected: Expectation.exactly(2) }
      ])
      expect(receipt).toMatchObject({ position: 8, attempts: 1, repeated: false })
      expect(receipt.streams).toEqual([
        { streamId: atA, version: 3 },
        { streamId: atB, version: 3 },
        { streamId: atRules, version: 0 }
      ])
      expect(receipt.events.map(({ data, position, version }) => [data, version, position])).toEqual([
        [new MoneyWithdrawn({ amount: 3 }), 3, 7],
        [new MoneyDeposited({ amount: 3 }), 3, 8]
      ])
      expect(yield* run(Effect.all([balance(a), balance(b)]))).toEqual([7, 13])
    })
  )

  it.effect("writes nothing when one of its streams rejects", () =>
    Effect.gen(function* () {
      const { appends, run } = yield* opened
      const error = yield* Effect.flip(run(Executor.execute(Transfer, move(11))))
      expect(error).toEqual(new InsufficientFunds({ balance: 10, requested: 11 }))
      expect(appends).toEqual([])
    })
  )

  it.effect("gives a role of several streams their states and its events to them in its order", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* opened
      yield* run(Executor.execute(Payday, { _tag: "Payday", accounts: [c, a, b], amounts: [1, 0, 3] }))
      expect(reads).toEqual([[{ streamId: atC }, { streamId: atA }, { streamId: atB }]])
      expect(
        appends[0]!.parts[0]!.writes.map(({ events, streamId }) => [streamId, events.map(({ data }) => data)])
      ).toEqual([
        [atC, [{ amount: 1 }]],
        [atB, [{ amount: 3 }]]
      ])
      expect(appends[0]!.conditions).toHaveLength(3)
    })
  )

  it.effect("works without any stream", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const receipt = yield* run(Executor.execute(Payday, { _tag: "Payday", accounts: [], amounts: [] }))
      expect(receipt).toMatchObject({ events: [], streams: [], position: 0 })
    })
  )

  it.effect("gives all events of a command one correlation and one causation", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const { events } = yield* run(Executor.execute(Transfer, move(1)))
      const first = { correlationId: events[0]!.id, causationId: events[0]!.id }
      expect(events.map(({ metadata }) => metadata)).toEqual([first, first])
      const named = yield* run(Executor.execute(Transfer, move(1), { commandId: "r-1" }))
      const id = { correlationId: "r-1", causationId: "r-1" }
      expect(named.events.map(({ metadata }) => metadata)).toEqual([id, id])
    })
  )

  it.effect("checks every stream also when it records nothing", () =>
    Effect.gen(function* () {
      const { appends, run } = yield* opened
      const nothing = yield* run(Executor.execute(Transfer, move(0)))
      const none = yield* run(Executor.execute(Payday, { _tag: "Payday", accounts: [a, b], amounts: [0, 0] }))
      const empty = yield* run(Executor.execute(Idle, { _tag: "Idle" }))
      expect([nothing, none, empty].map(({ events }) => events)).toEqual([[], [], []])
      expect(appends.map(({ parts }) => parts[0]!.writes)).toEqual([[], [], []])
      expect(appends.map(({ conditions }) => conditions.map(({ streamId }) => streamId))).toEqual([
        [atRules, atA, atB],
        [atA, atB],
        [atA]
      ])
    })
  )

  it.effect("decides again when a stream changed that it only reads", () =>
    Effect.gen(function* () {
      const { beforeAppends, run } = yield* opened
      beforeAppends.push(Effect.orDie(changeRules(50)))
      expect(yield* run(Executor.execute(Transfer, move(3)))).toMatchObject({ attempts: 2 })
      beforeAppends.push(Effect.orDie(changeRules(2)))
      const error = yield* Effect.flip(run(Executor.execute(Transfer, move(3))))
      expect(error).toEqual(new OverLimit({ limit: 2 }))
    })
  )

  it.effect("decides again when a stream changed that it did not write although it could", () =>
    Effect.gen(function* () {
      const { beforeAppends, reads, run } = yield* opened
      beforeAppends.push(Effect.orDie(withdraw(b, 1)))
      const receipt = yield* run(Executor.execute(Transfer, move(0)))
      expect(receipt.attempts).toBe(2)
      expect(reads).toHaveLength(2)
      expect(receipt.streams).toContainEqual({ streamId: atB, version: 3 })
    })
  )

  it.effect("makes no money and loses none with many commands at once", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const pairs = [a, b, c].flatMap((from) => [a, b, c].flatMap((to) => (from === to ? [] : [[from, to] as const])))
      yield* Effect.forEach(
        [...pairs, ...pairs, ...pairs],
        ([from, to]) => run(Effect.exit(Executor.execute(Transfer, move(4, from, to), { retry: Schedule.forever }))),
        { concurrency: "unbounded" }
      )
      const balances = (yield* run(Effect.forEach([a, b, c], balance))).map((each) => each ?? 0)
      expect(balances.reduce((sum, each) => sum + each, 0)).toBe(30)
      expect(Math.min(...balances)).toBeGreaterThanOrEqual(0)
    })
  )

  it.effect("refuses an id that breaks its schema, and reads nothing", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* opened
      const wrong = Boundary.make("Wrong", {
        command: Schema.TaggedStruct("Wrong", { id: Schema.String }),
        participants: ({ id }) => ({ rules: Rules.at(id) }),
        decide: () => Decision.nothing
      })
      const error = yield* Effect.flip(run(Executor.execute(wrong, { _tag: "Wrong", id: "" })))
      expect(error).toMatchObject({ _tag: "InvalidCommand", part: "command" })
      expect(reads).toEqual([])
    })
  )

  it.effect("refuses one stream that is played by two aggregates of one name", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* opened
      const mixed = Boundary.make("Mixed", {
        command: Schema.TaggedStruct("Mixed", {}),
        participants: () => ({ account: Account.at(a), other: Impostor.at("a") }),
        decide: (_, { other }) => Decision.all({ other: Decision.accept({ _tag: "Counted", to: other + 1 }) })
      })
      const error = yield* Effect.flip(run(Executor.execute(mixed, { _tag: "Mixed" })))
      if (!(error instanceof InvalidDecision)) return expect.fail(`failed with ${error._tag}`)
      expect(error.detail).toContain("Account-a is played by two aggregates")
      expect([reads, appends]).toEqual([[], []])
    })
  )

  it.effect("reads no more streams than it may", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* opened
      const pay = (...accounts: ReadonlyArray<AccountId>) =>
        run(Executor.execute(Payday, { _tag: "Payday", accounts, amounts: accounts.map(() => 0) }))
      const error = yield* Effect.flip(pay(a, b, c, AccountId.make("d")))
      expect(error).toEqual(new TooManyParticipants({ boundary: "Payday", limit: 3, found: 4 }))
      expect(reads).toEqual([])
      yield* pay(a, b, c)
      yield* pay(a, b, c, a)
      expect(reads.map(({ length }) => length)).toEqual([3, 3])
    })
  )
})

const Idle = Boundary.make("Idle", {
  command: Schema.TaggedStruct("Idle", {}),
  participants: () => ({ account: Account.at(a) }),
  decide: () => Decision.all({})
})

/** Another aggregate that has the name of the account. */
const Impostor = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Schema.TaggedStruct("Counted", { to: Schema.Int })],
  errors: [],
  decide: {},
  evolve: { Counted: (_, { to }) => to }
})

describe("one stream in two roles", () => {
  it.effect("is read once, and both roles have its state", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* opened
      const seen: Array<unknown> = []
      const both = Boundary.make("Both", {
        command: Schema.TaggedStruct("Both", {}),
        participants: () => ({
          one: Boundary.readOnly(Account.at(a)),
          other: Account.at(a),
          all: [a, b].map(Account.at)
        }),
        errors: accountErrors,
        decide: (_, { all, one, other }) => {
          seen.push(one, other, all[0])
          return Decision.all({ other: Account.decide(new Withdraw({ amount: 1 }), other) })
        }
      })
      const receipt = yield* run(Executor.execute(both, { _tag: "Both" }))
      expect(reads).toEqual([[{ streamId: atA }, { streamId: atB }]])
      const state = { _tag: "Open", owner: "Anna", balance: 10 }
      expect(seen).toEqual([state, state, state])
      expect(appends[0]!.conditions).toHaveLength(2)
      expect(receipt.streams).toEqual([
        { streamId: atA, version: 3 },
        { streamId: atB, version: 2 }
      ])
    })
  )

  it.effect("may be written through one of them, not through both", () =>
    Effect.gen(function* () {
      const { appends, run } = yield* opened
      const error = yield* Effect.flip(run(Executor.execute(Transfer, move(1, a, a))))
      expect(error).toEqual(new StreamWrittenTwice({ boundary: "Transfer", stream: atA, roles: ["from", "to"] }))
      const pay = (...amounts: ReadonlyArray<number>) =>
        run(Executor.execute(Payday, { _tag: "Payday", accounts: [a, b, a], amounts }))
      expect(yield* Effect.flip(pay(1, 1, 1))).toEqual(
        new StreamWrittenTwice({ boundary: "Payday", stream: atA, roles: ["accounts", "accounts"] })
      )
      expect(appends).toEqual([])
      expect((yield* pay(0, 1, 1)).streams).toEqual([
        { streamId: atB, version: 3 },
        { streamId: atA, version: 3 }
      ])
    })
  )
})

describe("the command id of a boundary", () => {
  it.effect("that comes again returns the first receipt, with events of the domain", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const transfer = run(Executor.execute(Transfer, move(6), { commandId: "r-1" }))
      const first = yield* transfer
      expect(yield* transfer).toEqual({ ...first, attempts: 0, repeated: true })
      expect((yield* transfer).events[1]!.data).toBeInstanceOf(MoneyDeposited)
      expect(yield* run(balance(a))).toBe(4)
    })
  )

  it.effect("remembers a command that records nothing", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const idle = run(Executor.execute(Transfer, move(0), { commandId: "r-1" }))
      const first = yield* idle
      yield* run(withdraw(a, 1))
      expect(yield* idle).toEqual({ ...first, attempts: 0, repeated: true })
    })
  )

  it.effect("with another command is refused", () =>
    Effect.gen(function* () {
      const { appends, run } = yield* opened
      yield* run(Executor.execute(Transfer, move(1), { commandId: "r-1" }))
      const error = yield* Effect.flip(run(Executor.execute(Transfer, move(2), { commandId: "r-1" })))
      expect(error).toBeInstanceOf(CommandIdReused)
      expect(appends).toHaveLength(1)
    })
  )
})

describe("executeUnknown over a boundary", () => {
  it.effect("decodes the command and passes the options on", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const once = run(
        Executor.executeUnknown(Transfer, { _tag: "Move", from: "a", to: "b", amount: 1 }, { commandId: "r-1" })
      )
      expect(yield* once).toMatchObject({ repeated: false })
      expect(yield* once).toMatchObject({ repeated: true })
    })
  )

  it.effect.each([[null], [{ _tag: "Transfer" }], [{ _tag: "Move", from: "a", to: "b", amount: 0.5 }]])(
    "refuses %j and reads nothing",
    ([command]) =>
      Effect.gen(function* () {
        const { reads, run } = yield* opened
        const error = yield* Effect.flip(run(Executor.executeUnknown(Transfer, command)))
        expect(error).toBeInstanceOf(InvalidCommand)
        expect(error).toMatchObject({ target: "Transfer", part: "command" })
        expect(reads).toEqual([])
      })
  )
})

// A list of nodes, each of which names the next; the last names none.
const Link = Schema.TaggedStruct("Link", { next: Schema.String })
const Linked = Schema.TaggedStruct("Linked", { next: Schema.String })
const Node = Aggregate.make("Node", {
  id: Schema.String,
  state: Schema.String,
  initial: "",
  commands: [Link],
  events: [Linked],
  errors: [],
  decide: { Link: ({ next }) => Decision.accept({ _tag: "Linked", next }) },
  evolve: { Linked: (_, { next }) => next }
})
const link = (id: string, next: string) => Effect.orDie(Executor.execute(Node, id, { _tag: "Link", next }))

/** Takes money from the account that a node names. */
const makeCharge = () =>
  Boundary.make("Charge", {
    command: Schema.TaggedStruct("Charge", { node: Schema.String, amount: Schema.Int }),
    participants: (command) =>
      Boundary.discover({ node: Boundary.readOnly(Node.at(command.node)) }, ({ node }) => ({
        account: Account.at(AccountId.make(node))
      })),
    errors: accountErrors,
    decide: ({ amount }, { account }) =>
      amount === 0 ? Decision.nothing : Decision.all({ account: Account.decide(new Withdraw({ amount }), account) })
  })
const Charge = makeCharge()
const charge = (amount: number): typeof Charge.command.Type => ({ _tag: "Charge", node: "n", amount })

/** Follows the nodes to the end and links the last one to the first. */
const Close = Boundary.make("Close", {
  command: Schema.TaggedStruct("Close", { first: Schema.String }),
  participants: (command) =>
    Boundary.discover({ first: Node.at(command.first) }, ({ first }, stateOf) => {
      const rest: Array<ReturnType<typeof Node.at>> = []
      for (let next: string | undefined = first; next !== undefined && next !== ""; next = stateOf(Node.at(next))) {
        if (rest.some(({ streamId }) => streamId === Node.streamId(next!))) break
        rest.push(Node.at(next))
      }
      return { rest }
    }),
  decide: ({ first }, { rest }) =>
    Decision.all({
      rest: rest.map((next) => (next === "" ? Decision.accept({ _tag: "Linked", next: first }) : Decision.nothing))
    }),
  maxParticipants: 4
})

describe("participants that are discovered", () => {
  it.effect("are read stage by stage, each stream once", () =>
    Effect.gen(function* () {
      const { appends, behind, reads, run } = yield* opened
      yield* behind(link("n", "a"))
      const receipt = yield* run(Executor.execute(Charge, charge(3)))
      expect(reads).toEqual([[{ streamId: Node.streamId("n") }], [{ streamId: atA }]])
      expect(appends[0]!.conditions.map(({ streamId }) => streamId)).toEqual([Node.streamId("n"), atA])
      expect(receipt.streams).toEqual([
        { streamId: atA, version: 3 },
        { streamId: Node.streamId("n"), version: 1 }
      ])
    })
  )

  it.effect("are followed from one to the next until there is none that is new", () =>
    Effect.gen(function* () {
      const { behind, reads, run } = yield* watched
      yield* behind(Effect.all([link("1", "2"), link("2", "3"), link("3", "4")]))
      const { events } = yield* run(Executor.execute(Close, { _tag: "Close", first: "1" }))
      expect(reads).toEqual(["1", "2", "3", "4"].map((id) => [{ streamId: Node.streamId(id) }]))
      expect(events.map(({ data, streamId }) => [streamId, data.next])).toEqual([[Node.streamId("4"), "1"]])
      // The list is a ring now: what is found again is not read again.
      expect(yield* run(Executor.execute(Close, { _tag: "Close", first: "1" }))).toMatchObject({ events: [] })
      expect(reads.slice(4).map(({ length }) => length)).toEqual([1, 1, 1, 1, 4])
    })
  )

  it.effect("are at most as many as the boundary may read", () =>
    Effect.gen(function* () {
      const { appends, behind, reads, run } = yield* watched
      yield* behind(Effect.all([link("1", "2"), link("2", "3"), link("3", "4"), link("4", "5")]))
      const error = yield* Effect.flip(run(Executor.execute(Close, { _tag: "Close", first: "1" })))
      expect(error).toEqual(new TooManyParticipants({ boundary: "Close", limit: 4, found: 5 }))
      expect(reads.flat().map(({ streamId }) => streamId)).not.toContain(Node.streamId("5"))
      expect(appends).toEqual([])
    })
  )

  it.effect("that cannot be named refuse the command", () =>
    Effect.gen(function* () {
      const { run } = yield* watched
      const broken = Boundary.make("Broken", {
        command: Schema.TaggedStruct("Broken", {}),
        participants: () => Boundary.discover({ node: Node.at("n") }, ({ node }) => ({ rules: Rules.at(node) })),
        decide: () => Decision.nothing
      })
      const error = yield* Effect.flip(run(Executor.execute(broken, { _tag: "Broken" })))
      expect(error).toMatchObject({ _tag: "InvalidDecision" })
    })
  )

  it.effect("may take the name of an earlier role: their stage still gets the earlier state", () =>
    Effect.gen(function* () {
      const { behind, reads, run } = yield* opened
      yield* behind(link("n", "a"))
      const replacing = Boundary.make("Replacing", {
        command: Schema.TaggedStruct("Replacing", {}),
        participants: () =>
          Boundary.discover({ it: Node.at("n") }, ({ it }) => ({ it: Account.at(AccountId.make(it)) })),
        errors: accountErrors,
        decide: (_, { it }) => Decision.all({ it: Account.decide(new Withdraw({ amount: 1 }), it) })
      })
      const { events } = yield* run(Executor.execute(replacing, { _tag: "Replacing" }))
      expect(events.map(({ streamId }) => streamId)).toEqual([atA])
      expect(reads.flat()).toHaveLength(2)
    })
  )

  it.effect("are all found again after a conflict", () =>
    Effect.gen(function* () {
      const { appends, beforeAppends, behind, reads, run } = yield* opened
      yield* behind(link("n", "a"))
      beforeAppends.push(link("n", "b"))
      const receipt = yield* run(Executor.execute(Charge, charge(3)))
      expect(receipt.attempts).toBe(2)
      expect(reads.flat().map(({ streamId }) => streamId)).toEqual([Node.streamId("n"), atA, Node.streamId("n"), atB])
      expect(appends[1]!.conditions.map(({ streamId }) => streamId)).toEqual([Node.streamId("n"), atB])
      expect(yield* run(Effect.all([balance(a), balance(b)]))).toEqual([10, 7])
    })
  )

  it.effect("of several moments reject only what one moment rejects", () =>
    Effect.gen(function* () {
      const { beforeReads, behind, run } = yield* opened
      yield* behind(link("n", "a"))
      // The account that n names has 10 at any moment; never is it one that has nothing.
      beforeReads.push(Effect.void, Effect.andThen(link("n", "b"), Effect.orDie(withdraw(a, 10))))
      const receipt = yield* run(Executor.execute(Charge, charge(3)))
      expect(receipt.events.map(({ streamId }) => streamId)).toEqual([atB])
      expect(receipt.attempts).toBe(2)
    })
  )

  it.effect("are read in one snapshot before the command is rejected", () =>
    Effect.gen(function* () {
      const { behind, reads, run } = yield* opened
      yield* behind(link("n", "a"))
      const error = yield* Effect.flip(run(Executor.execute(Charge, charge(11))))
      expect(error).toEqual(new InsufficientFunds({ balance: 10, requested: 11 }))
      expect(reads.at(-1)!.map(({ streamId }) => streamId)).toEqual([Node.streamId("n"), atA])
    })
  )

  it.effect("of several moments record nothing only where one moment does", () =>
    Effect.gen(function* () {
      const { beforeReads, behind, run } = yield* opened
      yield* behind(link("n", "a"))
      beforeReads.push(Effect.void, link("n", "b"))
      const receipt = yield* run(Executor.execute(Charge, charge(0)))
      expect(receipt.streams).toEqual([
        { streamId: Node.streamId("n"), version: 2 },
        { streamId: atB, version: 2 }
      ])
      expect(receipt.attempts).toBe(2)
    })
  )

  it.effect("of several moments are too many only where they are so at one moment", () =>
    Effect.gen(function* () {
      const { beforeReads, behind, run } = yield* watched
      yield* behind(Effect.all([link("1", "2"), link("2", "3"), link("3", "4")]))
      // 1 → 2 → 3 → 4 becomes 1 → 3 → 4 → 5.
      beforeReads.push(Effect.void, Effect.void, Effect.andThen(link("1", "3"), link("4", "5")))
      const { events } = yield* run(Executor.execute(Close, { _tag: "Close", first: "1" }))
      expect(events.map(({ streamId }) => streamId)).toEqual([Node.streamId("5")])
    })
  )

  it.effect("of several moments are no reason to die", () =>
    Effect.gen(function* () {
      const { beforeReads, behind, run } = yield* opened
      yield* behind(link("n", "a"))
      const strict = Boundary.make("Strict", {
        command: Schema.TaggedStruct("Strict", {}),
        participants: () =>
          Boundary.discover({ node: Node.at("n") }, ({ node }) => ({ account: Account.at(AccountId.make(node)) })),
        errors: accountErrors,
        decide: (_, { account }) => {
          if (account._tag === "Open" && account.balance === 0) throw new Error("the account of n is never empty")
          return Decision.all({ account: Account.decide(new Withdraw({ amount: 1 }), account) })
        }
      })
      beforeReads.push(Effect.void, Effect.andThen(link("n", "b"), Effect.orDie(withdraw(a, 10))))
      expect(yield* run(Executor.execute(strict, { _tag: "Strict" }))).toMatchObject({ attempts: 2 })
    })
  )

  it.effect("that change whenever they are read end the command with a conflict", () =>
    Effect.gen(function* () {
      const { beforeReads, behind, run } = yield* opened
      yield* behind(link("n", "a"))
      beforeReads.push(Effect.void, link("n", "b"))
      const error = yield* Effect.flip(run(Executor.execute(Charge, charge(11), { retry: Schedule.recurs(0) })))
      expect(error).toEqual(
        new ConcurrencyConflict({
          stream: Node.streamId("n"),
          expected: Expectation.exactly(1),
          actual: 2,
          attempts: 1
        })
      )
    })
  )

  it.effect("have the first receipt of a command that comes again, also in a fresh process", () =>
    Effect.gen(function* () {
      const { appends, behind, reads, run } = yield* opened
      yield* behind(link("n", "a"))
      const first = yield* run(Executor.execute(Charge, charge(6), { commandId: "r-1" }))
      for (const boundary of [Charge, makeCharge()]) {
        reads.length = 0
        const again = yield* run(Executor.execute(boundary, charge(6), { commandId: "r-1" }))
        expect(again).toEqual({ ...first, attempts: 0, repeated: true })
        expect(again.events[0]!.data).toBeInstanceOf(MoneyWithdrawn)
        expect(reads).toHaveLength(2)
      }
      expect(appends).toHaveLength(1)
    })
  )

  it.effect("that are no longer found fail a command that comes again: it is not decided again", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const makeOnce = () =>
        Boundary.make("Once", {
          command: Schema.TaggedStruct("Once", {}),
          participants: () =>
            Boundary.discover({ node: Node.at("n") }, ({ node }) => ({ accounts: node === "" ? [Account.at(a)] : [] })),
          errors: [DoneAlready, ...accountErrors],
          decide: (_, { accounts, node }) =>
            node === ""
              ? Decision.all({
                  node: Decision.accept({ _tag: "Linked", next: "done" }),
                  accounts: accounts.map((account) => Account.decide(new Withdraw({ amount: 1 }), account))
                })
              : Decision.reject(new DoneAlready())
        })
      yield* run(Executor.execute(makeOnce(), { _tag: "Once" }, { commandId: "r-1" }))
      const error = yield* Effect.flip(run(Executor.execute(makeOnce(), { _tag: "Once" }, { commandId: "r-1" })))
      expect(error).toBeInstanceOf(EventDecodeError)
    })
  )

  it.effect("have the first receipt also where a process remembers less than has happened", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* opened
      const makeOptional = () =>
        Boundary.make("Optional", {
          command: Schema.TaggedStruct("Optional", {}),
          participants: () =>
            Boundary.discover({ node: Node.at("n") }, ({ node }) => ({
              accounts: node === "" ? [] : [Account.at(AccountId.make(node))]
            })),
          errors: accountErrors,
          decide: (_, { accounts }) =>
            Decision.all({ accounts: accounts.map((account) => Account.decide(new Withdraw({ amount: 1 }), account)) })
        })
      const optional = makeOptional()
      yield* run(Executor.execute(optional, { _tag: "Optional" }))
      yield* behind(link("n", "a"))
      const first = yield* behind(Executor.execute(makeOptional(), { _tag: "Optional" }, { commandId: "r-1" }))
      const again = yield* run(Executor.execute(optional, { _tag: "Optional" }, { commandId: "r-1" }))
      expect(again).toEqual({ ...first, attempts: 0, repeated: true })
    }).pipe(Effect.provide(StateCache.layer({ capacity: 10 })))
  )
})
