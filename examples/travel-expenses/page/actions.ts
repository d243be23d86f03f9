/** What people do with a declaration. The page only offers it: whether it happens is decided by the server. */
import { Remote, type RemoteError } from "@hexfold/client"
import { Query } from "@hexfold/core"
import { DateTime, Effect, Schedule } from "effect"
import type { Role } from "../src/api.ts"
import type { BudgetExceeded } from "../src/Budget.ts"
import * as D from "../src/Declaration.ts"
import { HandlePayment, type OtherBudget } from "../src/HandlePayment.ts"
import { type Declarations, Histories } from "../src/views.ts"

/** A declaration, as the view has it. */
export interface Row {
  readonly key: string
  readonly state: (typeof Declarations)["schemas"]["state"]["Type"]
}

/** Why something did not happen: an error of the domain, as an instance of its class, or the failure of the call. */
export type Failure = InstanceType<(typeof D.DeclarationErrors)[number]> | OtherBudget | BudgetExceeded | RemoteError

type Execution = Effect.Effect<unknown, Failure, Remote.Remote>

interface Action {
  readonly label: string
  readonly execute: (row: Row) => Execution
}

interface Next {
  readonly step: number
  readonly at: DateTime.Utc
}

// A step has a number that is higher than that of the step before. The query selects what it needs: an employee may not see
// who has decided, so whole records would come without that field.
const nextOf = (declaration: string): Effect.Effect<Next, RemoteError, Remote.Remote> =>
  Effect.gen(function* () {
    const last = Query.from(Histories, {
      where: { declaration },
      orderBy: [["step", "desc"]],
      select: ["step"],
      limit: 1
    })
    const { rows } = yield* Remote.query(Histories, last)
    return { step: (rows[0]?.state.step ?? 0) + 1, at: yield* DateTime.now }
  })

interface Named {
  readonly commandId: string
  /** Until then the views show it. A next step then knows of this one. */
  readonly wait: "5 seconds"
}

/** Sends a command again if nobody has answered. It has a name, so it has one effect, however often it is sent. */
const patiently = (send: (options: Named) => Execution): Execution =>
  Effect.suspend(() =>
    Effect.retry(send({ commandId: crypto.randomUUID(), wait: "5 seconds" }), {
      schedule: Schedule.exponential("200 millis"),
      times: 5,
      while: (failure) => failure._tag === "RemoteError" && failure.isRetryable
    })
  )

const action = (label: string, command: (next: Next, row: Row) => D.Command): Action => ({
  label,
  execute: (row) =>
    Effect.flatMap(nextOf(row.key), (next) =>
      patiently((options) => Remote.execute(D.Declaration, row.key, command(next, row), options))
    )
})

const decisions = (by: typeof D.Approver.Type): ReadonlyArray<Action> => [
  action("Approve", (next) => new D.Approve({ ...next, by })),
  action("Reject", (next) => new D.Reject({ ...next, by }))
]

/** What somebody in a role can try. */
export const actions: Readonly<Record<Role, ReadonlyArray<Action>>> = {
  EMPLOYEE: [
    action("Submit again", (next, { state }) => new D.Submit({ ...next, cents: state.cents, budget: state.budget })),
    action("Give up", (next) => new D.GiveUp(next))
  ],
  PRE_APPROVER: decisions("PRE_APPROVER"),
  ADMINISTRATION: decisions("ADMINISTRATION"),
  "BUDGET OWNER": decisions("BUDGET OWNER"),
  SUPERVISOR: [
    action("Approve finally", (next) => new D.ApproveFinally(next)),
    action("Reject", (next) => new D.Reject({ ...next, by: "SUPERVISOR" }))
  ],
  SYSTEM: [
    action("Request payment", (next) => new D.RequestPayment(next)),
    {
      label: "Pay",
      // One step on two streams: it pays the declaration and charges its budget.
      execute: ({ key, state: { budget } }) =>
        Effect.flatMap(nextOf(key), (next) =>
          patiently((options) =>
            Remote.execute(HandlePayment, { _tag: "HandlePayment", ...next, declaration: key, budget }, options)
          )
        )
    }
  ],
  CONTROLLER: []
}

/** Submits a new declaration. */
export const submit = (key: string, claim: { readonly cents: number; readonly budget: string }): Execution =>
  Effect.flatMap(DateTime.now, (at) =>
    patiently((options) => Remote.execute(D.Declaration, key, new D.Submit({ step: 1, at, ...claim }), options))
  )

/** What went wrong, in words. The compiler knows all errors that there can be. */
export const explained = (failure: Failure): string => {
  switch (failure._tag) {
    case "NotNew":
      return `it is not new, it is ${failure.status}`
    case "NotWithEmployee":
      return `it is not with the employee, it is ${failure.status}`
    case "NotInApproval":
      return `nobody has to approve it, it is ${failure.status}`
    case "NotChecked":
      return "the administration has to approve it first"
    case "NotRejected":
      return `only a rejected declaration can be given up, and it is ${failure.status}`
    case "NotApproved":
      return `it is not approved, it is ${failure.status}`
    case "PaymentNotRequested":
      return `no payment is requested, it is ${failure.status}`
    case "StepOutOfOrder":
      return `somebody was faster: step ${failure.last} has happened`
    case "OtherBudget":
      return `it was claimed on the budget ${failure.claimed}`
    case "BudgetExceeded":
      return `the budget has only ${failure.left} cents left`
    case "RemoteError":
      return failure.message
  }
}
