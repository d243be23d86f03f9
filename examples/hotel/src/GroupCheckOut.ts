/**
 * A group checks out, each guest for himself. One who has not paid holds up nobody else: the process waits for him, and checks
 * him out when he pays. After a time it gives up, and says who is left.
 */
import { Process } from "@hexfold/core"
import { type Duration, Schema } from "effect"
import { CompleteCheckOut, GiveUpCheckOut, Group, Guests } from "./Group.ts"
import { CheckOut, Stay } from "./Stay.ts"

const State = Schema.Struct({
  /** Those who are still to check out. */
  open: Guests,
  /** Those of them who have to pay first. */
  unsettled: Guests,
  absent: Guests
})
type State = typeof State.Type

const without = (guests: ReadonlyArray<string>, guest: string) => guests.filter((each) => each !== guest)

/** The guest whose command was rejected: the id of a rejection is JSON. */
const guestOf = Schema.decodeUnknownSync(Stay.schemas.id)

/** The end of the process: the group is gone, or somebody is left. */
const conclude = (state: State, group: string) => {
  const { absent, unsettled } = state
  return absent.length + unsettled.length === 0
    ? Process.end(state, Process.send(Group, group, new CompleteCheckOut()))
    : Process.end(state, Process.send(Group, group, new GiveUpCheckOut({ absent, unsettled })))
}

/** A guest is done. If he was the last one, so is the group. */
const done = (state: State, guest: string, group: string) => {
  const next = { ...state, open: without(state.open, guest), unsettled: without(state.unsettled, guest) }
  return next.open.length > 0 ? Process.next(next) : conclude(next, group)
}

/** A process that waits for so long. */
export const groupCheckOut = (patience: Duration.Input) =>
  Process.make("GroupCheckOut", {
    from: [Group, Stay],
    to: [Group, Stay],
    timeouts: ["over"],
    start: "beginning",
    state: State,
    initial: { open: [], unsettled: [], absent: [] },
    on: {
      GroupCheckOutBegun: {
        key: (_, { id }) => id,
        react: (state, { guests }, { id }) =>
          guests.length === 0
            ? conclude(state, id)
            : Process.next(
                { ...state, open: guests },
                ...guests.map((guest) => Process.send(Stay, guest, new CheckOut())),
                Process.timeout("over", { after: patience })
              )
      },
      GuestCheckedOut: {
        key: ({ group }) => group,
        // Before the group leaves, a guest may leave alone. That does not concern the process.
        react: (state, { group }, { id }) => (state.open.includes(id) ? done(state, id, group) : Process.ignore)
      },
      GuestPaid: {
        key: ({ group }) => group,
        react: (state, { balance }, { id }) =>
          balance <= 0 && state.unsettled.includes(id)
            ? Process.next(
                { ...state, unsettled: without(state.unsettled, id) },
                Process.send(Stay, id, new CheckOut())
              )
            : Process.ignore
      }
    },
    onRejected: {
      Unsettled: (state, _, { id }) => Process.next({ ...state, unsettled: [...state.unsettled, guestOf(id)] }),
      NotThere: (state, _, { id, key }) => done({ ...state, absent: [...state.absent, guestOf(id)] }, guestOf(id), key),
      // Only the command that begins the check-out is rejected so, and the process does not send it.
      AlreadyBegun: () => Process.ignore
    },
    onTimeout: {
      // Each command has its answer before the next event comes. So a guest who is open and not unsettled has checked out:
      // the event of the check-out is on its way.
      over: (state, key) => conclude(state, key)
    }
  })

export const GroupCheckOut = groupCheckOut("2 hours")
