/** The domain of the tests of fronts and of the client: accounts with owners, transfers between them, and who may do what. */
import { Aggregate, Api, Boundary, Decision, Policy, View } from "@hexfold/core"
import { Schema } from "effect"

const Cents = Schema.Int.check(Schema.isGreaterThan(0))

export class Open extends Schema.TaggedClass<Open>()("Open", { owner: Schema.NonEmptyString }) {}
export class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { cents: Cents }) {}
export class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { cents: Cents }) {}
export class Opened extends Schema.TaggedClass<Opened>()("Opened", { owner: Schema.String }) {}
export class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { cents: Schema.Int }) {}
export class Withdrawn extends Schema.TaggedClass<Withdrawn>()("Withdrawn", { cents: Schema.Int }) {}
class AlreadyOpen extends Schema.TaggedError<AlreadyOpen>()("AlreadyOpen", {}, { httpApiStatus: 409 }) {}
class NotOpen extends Schema.TaggedError<NotOpen>()("NotOpen", {}) {}
export class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { balance: Schema.Int }) {}

export const Account = Aggregate.make("Account", {
  id: Schema.NonEmptyString,
  state: Schema.Struct({ owner: Schema.String, balance: Schema.Int }),
  initial: { owner: "", balance: 0 },
  commands: [Open, Deposit, Withdraw],
  events: [Opened, Deposited, Withdrawn],
  errors: { Open: [AlreadyOpen], Deposit: [NotOpen], Withdraw: [NotOpen, Overdrawn] },
  decide: {
    Open: ({ owner }, state) =>
      state.owner === "" ? Decision.accept(new Opened({ owner })) : Decision.reject(new AlreadyOpen()),
    Deposit: ({ cents }, { owner }) =>
      owner === "" ? Decision.reject(new NotOpen()) : Decision.accept(new Deposited({ cents })),
    Withdraw: ({ cents }, { balance, owner }) =>
      owner === ""
        ? Decision.reject(new NotOpen())
        : balance < cents
          ? Decision.reject(new Overdrawn({ balance }))
          : Decision.accept(new Withdrawn({ cents }))
  },
  evolve: {
    Opened: (_, { owner }) => ({ owner, balance: 0 }),
    Deposited: (state, { cents }) => ({ ...state, balance: state.balance + cents }),
    Withdrawn: (state, { cents }) => ({ ...state, balance: state.balance - cents })
  }
})

export const Transfer = Boundary.make("Transfer", {
  command: Schema.TaggedStruct("Transfer", { from: Schema.NonEmptyString, to: Schema.NonEmptyString, cents: Cents }),
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: [AlreadyOpen, NotOpen, Overdrawn],
  decide: ({ cents }, { from, to }) =>
    Decision.all({
      from: Account.decide(new Withdraw({ cents }), from),
      to: Account.decide(new Deposit({ cents }), to)
    })
})

export const Accounts = View.make("Accounts", {
  from: [Account],
  state: Schema.Struct({ owner: Schema.String, balance: Schema.Int }),
  indexes: ["owner"],
  evolve: {
    Opened: (_, { owner }) => ({ owner, balance: 0 }),
    Deposited: (state, { cents }) => state && { ...state, balance: state.balance + cents },
    Withdrawn: (state, { cents }) => state && { ...state, balance: state.balance - cents }
  }
})

/** What the bank knows of its clients: a record for each owner. */
const Owners = View.make("Owners", {
  from: [Account],
  state: Schema.Struct({ accounts: Schema.Int }),
  key: { Opened: ({ owner }) => owner },
  evolve: { Opened: (state) => ({ accounts: (state?.accounts ?? 0) + 1 }) }
})

const limits = { Accounts: { fields: "all", scan: true } } as const
const links = [Api.link(Accounts, "owner", Owners)] as const
const parts = { aggregates: [Account], boundaries: [Transfer], views: [Accounts, Owners], links, limits } as const

/** Everybody may do everything. */
export const open = Api.make("bank", { ...parts, policies: "open" })

/** Owners see and change what is theirs; auditors see all, and auditors alone see the balance in a list. */
export const guarded = Api.make("bank", {
  ...parts,
  policies: {
    Account: {
      Open: { when: (caller, { command }) => command.owner === caller.subject },
      Deposit: Policy.role("clerk"),
      Withdraw: { whenState: (caller, _, { owner }) => owner === caller.subject },
      state: { when: (caller, { state }) => state.owner === caller.subject },
      events: Policy.role("auditor")
    },
    Transfer: { whenState: (caller, _, { from }) => from.owner === caller.subject },
    Accounts: {
      read: "signed in",
      rows: (caller, { and, eq }) => (caller.roles.has("auditor") ? and() : eq("owner", caller.subject)),
      fields: { balance: Policy.role("auditor") }
    },
    Owners: { read: Policy.role("auditor") }
  }
})
