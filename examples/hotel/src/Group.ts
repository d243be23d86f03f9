/** The check-out of a group, which is begun once. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

export const Guests = Schema.Array(Schema.NonEmptyString)

const left = {
  /** Those who have not paid. */
  unsettled: Guests,
  /** Those who were not there, or not any more. */
  absent: Guests
}

export class BeginCheckOut extends Schema.TaggedClass<BeginCheckOut>()("BeginCheckOut", { guests: Guests }) {}
export class CompleteCheckOut extends Schema.TaggedClass<CompleteCheckOut>()("CompleteCheckOut", {}) {}
export class GiveUpCheckOut extends Schema.TaggedClass<GiveUpCheckOut>()("GiveUpCheckOut", left) {}

export class GroupCheckOutBegun extends Schema.TaggedClass<GroupCheckOutBegun>()("GroupCheckOutBegun", {
  guests: Guests
}) {}
export class GroupCheckedOut extends Schema.TaggedClass<GroupCheckedOut>()("GroupCheckedOut", {}) {}
export class GroupCheckOutIncomplete extends Schema.TaggedClass<GroupCheckOutIncomplete>()(
  "GroupCheckOutIncomplete",
  left
) {}

export class AlreadyBegun extends Schema.TaggedError<AlreadyBegun>()("AlreadyBegun", {}) {}

export const Group = Aggregate.make("Group", {
  id: Schema.NonEmptyString,
  state: Schema.TaggedUnion({ Staying: {}, Leaving: {}, Left: {}, Incomplete: left }),
  initial: { _tag: "Staying" },
  commands: [BeginCheckOut, CompleteCheckOut, GiveUpCheckOut],
  events: [GroupCheckOutBegun, GroupCheckedOut, GroupCheckOutIncomplete],
  errors: [AlreadyBegun],
  decide: {
    BeginCheckOut: ({ guests }, group) =>
      group._tag === "Staying"
        ? Decision.accept(new GroupCheckOutBegun({ guests: [...new Set(guests)] }))
        : Decision.reject(new AlreadyBegun()),
    CompleteCheckOut: (_, group) =>
      group._tag === "Leaving" ? Decision.accept(new GroupCheckedOut()) : Decision.nothing,
    GiveUpCheckOut: ({ absent, unsettled }, group) =>
      group._tag === "Leaving" ? Decision.accept(new GroupCheckOutIncomplete({ absent, unsettled })) : Decision.nothing
  },
  evolve: {
    GroupCheckOutBegun: () => ({ _tag: "Leaving" }),
    GroupCheckedOut: () => ({ _tag: "Left" }),
    GroupCheckOutIncomplete: (_, { absent, unsettled }) => ({ _tag: "Incomplete", absent, unsettled })
  }
})
