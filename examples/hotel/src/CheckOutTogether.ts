/** The same as one step: all guests of the group check out, or nobody does. */
import { Boundary, Decision } from "@hexfold/core"
import { Schema } from "effect"
import { AlreadyBegun, Group, GroupCheckedOut, GroupCheckOutBegun, Guests } from "./Group.ts"
import { CheckOut, NotThere, Stay, Unsettled } from "./Stay.ts"

/** Who keeps the group here. */
export class NotAllReady extends Schema.TaggedError<NotAllReady>()("NotAllReady", {
  unsettled: Guests,
  absent: Guests
}) {}

export const CheckOutTogether = Boundary.make("CheckOutTogether", {
  command: Schema.TaggedStruct("CheckOutTogether", { group: Schema.NonEmptyString, guests: Guests }),
  participants: ({ group, guests }) => ({
    group: Group.at(group),
    guests: [...new Set(guests)].map((guest) => Stay.at(guest))
  }),
  errors: [AlreadyBegun, NotAllReady, NotThere, Unsettled],
  decide: ({ guests }, { group, guests: stays }) => {
    if (group._tag !== "Staying") return Decision.reject(new AlreadyBegun())
    const all = [...new Set(guests)]
    const absent = all.filter((_, i) => stays[i]?._tag !== "In")
    const unsettled = all.filter((_, i) => {
      const stay = stays[i]
      return stay?._tag === "In" && stay.balance > 0
    })
    if (absent.length + unsettled.length > 0) return Decision.reject(new NotAllReady({ absent, unsettled }))
    return Decision.all({
      group: Decision.accept(new GroupCheckOutBegun({ guests: all }), new GroupCheckedOut()),
      guests: stays.map((stay) => Stay.decide(new CheckOut(), stay))
    })
  }
})
