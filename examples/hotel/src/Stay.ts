/** The stay of a guest, who belongs to a group: what was charged has to be paid before the guest checks out. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

const Cents = Schema.Int.check(Schema.isGreaterThan(0))
const group = Schema.NonEmptyString

export class CheckIn extends Schema.TaggedClass<CheckIn>()("CheckIn", { group }) {}
export class Charge extends Schema.TaggedClass<Charge>()("Charge", { cents: Cents }) {}
export class Pay extends Schema.TaggedClass<Pay>()("Pay", { cents: Cents }) {}
export class CheckOut extends Schema.TaggedClass<CheckOut>()("CheckOut", {}) {}

export class GuestCheckedIn extends Schema.TaggedClass<GuestCheckedIn>()("GuestCheckedIn", { group }) {}
export class GuestCharged extends Schema.TaggedClass<GuestCharged>()("GuestCharged", { cents: Cents }) {}
export class GuestPaid extends Schema.TaggedClass<GuestPaid>()("GuestPaid", {
  group,
  cents: Cents,
  /** What is still to be paid. */
  balance: Schema.Int
}) {}
export class GuestCheckedOut extends Schema.TaggedClass<GuestCheckedOut>()("GuestCheckedOut", { group }) {}

export class NotThere extends Schema.TaggedError<NotThere>()("NotThere", {}) {}
export class Unsettled extends Schema.TaggedError<Unsettled>()("Unsettled", { balance: Schema.Int }) {}

export const Stay = Aggregate.make("Stay", {
  id: Schema.NonEmptyString,
  state: Schema.TaggedUnion({ Expected: {}, In: { group, balance: Schema.Int }, Gone: {} }),
  initial: { _tag: "Expected" },
  commands: [CheckIn, Charge, Pay, CheckOut],
  events: [GuestCheckedIn, GuestCharged, GuestPaid, GuestCheckedOut],
  errors: [NotThere, Unsettled],
  decide: {
    CheckIn: ({ group }, stay) =>
      stay._tag === "Expected" ? Decision.accept(new GuestCheckedIn({ group })) : Decision.nothing,
    Charge: ({ cents }, stay) =>
      stay._tag === "In" ? Decision.accept(new GuestCharged({ cents })) : Decision.reject(new NotThere()),
    Pay: ({ cents }, stay) =>
      stay._tag === "In"
        ? Decision.accept(new GuestPaid({ group: stay.group, cents, balance: stay.balance - cents }))
        : Decision.reject(new NotThere()),
    CheckOut: (_, stay) =>
      stay._tag !== "In"
        ? Decision.reject(new NotThere())
        : stay.balance > 0
          ? Decision.reject(new Unsettled({ balance: stay.balance }))
          : Decision.accept(new GuestCheckedOut({ group: stay.group }))
  },
  evolve: {
    GuestCheckedIn: (_, { group }) => ({ _tag: "In", group, balance: 0 }),
    GuestCharged: (stay, { cents }) => (stay._tag === "In" ? { ...stay, balance: stay.balance + cents } : stay),
    GuestPaid: (stay, { balance }) => (stay._tag === "In" ? { ...stay, balance } : stay),
    GuestCheckedOut: () => ({ _tag: "Gone" })
  }
})
