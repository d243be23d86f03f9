/**
 * Looks after declarations that nobody approves: after 14 days in which nobody has done anything, the approvers are
 * reminded, and 60 days after it was submitted the declaration is given up.
 */
import { Process } from "@hexfold/core"
import { DateTime, Schema } from "effect"
import { Declaration, Lapse, Remind } from "./Declaration.ts"

const State = Schema.Struct({
  /** When the declaration was submitted; null if it waits for no approval. */
  submitted: Schema.NullOr(Schema.DateTimeUtcFromString),
  /** When somebody has last approved it, or when it was submitted. */
  touched: Schema.NullOr(Schema.DateTimeUtcFromString)
})

/** The declaration has come at this time to somebody who has to approve it. */
interface Come {
  readonly at: DateTime.Utc
}

const reminderOf = (touched: DateTime.Utc): DateTime.Utc => DateTime.add(touched, { days: 14 })
const endOf = (submitted: DateTime.Utc): DateTime.Utc => DateTime.add(submitted, { days: 60 })

const key = (_: unknown, { id }: { readonly id: string }): string => id

/** Nobody has to be reminded any more. */
const settled = {
  key,
  react: () =>
    Process.next(
      { submitted: null, touched: null },
      Process.cancel("remind" as const),
      Process.cancel("giveUp" as const)
    )
}

// Whatever rejects a reminder, it has come too late.
const tooLate = () => Process.ignore

export const Reminders = Process.make("Reminders", {
  from: [Declaration],
  to: [Declaration],
  timeouts: ["remind", "giveUp"],
  start: "beginning",
  state: State,
  initial: { submitted: null, touched: null },
  on: {
    DeclarationSubmitted: {
      key,
      react: (_, { at }) =>
        Process.next(
          { submitted: at, touched: at },
          // Times of the log, and not of the store: a log may be executed long after it was written.
          Process.timeout("remind", { time: reminderOf(at) }),
          Process.timeout("giveUp", { time: endOf(at) })
        )
    },
    DeclarationApproved: {
      key,
      react: ({ submitted }, { at }: Come) =>
        Process.next({ submitted, touched: at }, Process.timeout("remind", { time: reminderOf(at) }))
    },
    DeclarationFinallyApproved: settled,
    DeclarationRejected: settled,
    DeclarationGivenUp: settled
  },
  onTimeout: {
    remind: (state, declaration) =>
      state.touched === null
        ? Process.ignore
        : Process.next(state, Process.send(Declaration, declaration, new Remind({ at: reminderOf(state.touched) }))),
    giveUp: (state, declaration) =>
      state.submitted === null
        ? Process.ignore
        : Process.next(state, Process.send(Declaration, declaration, new Lapse({ at: endOf(state.submitted) })))
  },
  onRejected: {
    NotNew: tooLate,
    NotWithEmployee: tooLate,
    NotInApproval: tooLate,
    NotChecked: tooLate,
    NotRejected: tooLate,
    NotApproved: tooLate,
    PaymentNotRequested: tooLate,
    StepOutOfOrder: tooLate
  }
})
