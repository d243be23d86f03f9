/** What the hotel shows to others, and who may do what. */
import { Api, Policy, View } from "@hexfold/core"
import { Schema } from "effect"
import { CheckOutTogether } from "./CheckOutTogether.ts"
import { Group } from "./Group.ts"
import { Stay } from "./Stay.ts"

/** Who works at the hotel. */
type Role = "reception" | "bar"

const role = (...roles: readonly [Role, ...ReadonlyArray<Role>]): Policy.Roles => Policy.role(...roles)

/** For commands that only the process of the check-out sends. */
const nobody = { when: () => false }

/** The guests who are there, and what each of them has to pay. */
export const Stays = View.make("Stays", {
  from: [Stay],
  state: Schema.Struct({ group: Schema.String, balance: Schema.Int }),
  indexes: ["group"],
  evolve: {
    GuestCheckedIn: (_, { group }) => ({ group, balance: 0 }),
    GuestCharged: (guest, { cents }) => guest && { ...guest, balance: guest.balance + cents },
    GuestPaid: (guest, { balance }) => guest && { ...guest, balance },
    GuestCheckedOut: () => undefined
  }
})

const stay: Policy.OfAggregate<typeof Stay> = {
  CheckIn: role("reception"),
  Charge: role("reception", "bar"),
  // A guest pays for himself, and the reception takes money from everybody.
  Pay: { when: (caller, { id }) => caller.subject === id || caller.roles.has("reception") },
  CheckOut: role("reception"),
  state: { when: (caller, { id }) => caller.subject === id || caller.roles.has("reception") },
  events: role("reception")
}

const group: Policy.OfAggregate<typeof Group> = {
  BeginCheckOut: role("reception"),
  CompleteCheckOut: nobody,
  GiveUpCheckOut: nobody,
  state: role("reception")
}

const isStaff = ({ roles }: Policy.Caller): boolean => roles.has("reception") || roles.has("bar")

/** The group of a guest, if the token says one. */
const groupOf = ({ claims }: Policy.Caller): string | undefined =>
  typeof claims["group"] === "string" ? claims["group"] : undefined

export const stays: Policy.OfView<typeof Stays> = {
  // A guest without a group is in no group, so there is nothing to see.
  read: { when: (caller) => isStaff(caller) || groupOf(caller) !== undefined },
  // A guest knows who else of the group is there, and not what they owe.
  rows: (caller, { and, eq, or }) => {
    if (isStaff(caller)) return and()
    const group = groupOf(caller)
    return group === undefined ? or() : eq("group", group)
  },
  fields: { balance: role("reception") }
}

export const api = Api.make("hotel", {
  aggregates: [Stay, Group],
  boundaries: [CheckOutTogether],
  views: [Stays],
  limits: { Stays: { fields: "all", scan: true } },
  policies: { Stay: stay, Group: group, CheckOutTogether: role("reception"), Stays: stays }
})
