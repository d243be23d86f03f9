/** The domain of the tests: accounts with owners, and transfers between them. */
import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
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
// It has the name of a problem of the front, and fields with the names of its members.
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  status: Schema.String,
  title: Schema.String
}) {}
export class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { balance: Schema.Int }) {}

export const Account = Aggregate.make("Account", {
  id: Schema.NonEmptyString,
  state: Schema.Struct({ owner: Schema.String, balance: Schema.Int }),
  initial: { owner: "", balance: 0 },
  commands: [Open, Deposit, Withdraw],
  events: [Opened, Deposited, Withdrawn],
  errors: { Open: [AlreadyOpen, Forbidden], Deposit: [NotOpen], Withdraw: [NotOpen, Overdrawn] },
  decide: {
    Open: ({ owner }, state) =>
      owner === "nobody"
        ? Decision.reject(new Forbidden({ status: "red", title: "Nobody" }))
        : state.owner === ""
          ? Decision.accept(new Opened({ owner }))
          : Decision.reject(new AlreadyOpen()),
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
  errors: [AlreadyOpen, Forbidden, NotOpen, Overdrawn],
  decide: ({ cents }, { from, to }) =>
    Decision.all({
      from: Account.decide(new Withdraw({ cents }), from),
      to: Account.decide(new Deposit({ cents }), to)
    })
})

export const Accounts = View.make("Accounts", {
  from: [Account],
  state: Schema.Struct({ owner: Schema.String, balance: Schema.Int, openedAt: Schema.DateTimeUtc }),
  indexes: ["owner"],
  evolve: {
    Opened: (_, { owner }, { recordedAt }) => ({ owner, balance: 0, openedAt: recordedAt }),
    Deposited: (state, { cents }) => state && { ...state, balance: state.balance + cents },
    Withdrawn: (state, { cents }) => state && { ...state, balance: state.balance - cents }
  }
})
