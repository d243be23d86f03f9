/**
 * A declaration of travel expenses: an employee saves and submits it, the
 * administration and others approve or reject it, the supervisor approves it
 * finally, then it is paid. A rejected one goes back to the employee, who
 * submits it again or gives it up.
 */
import { Aggregate, Decision, Versions } from "@hexfold/core"
import { Schema } from "effect"
import * as former from "./former.ts"

export const Approver = Schema.Literals(["PRE_APPROVER", "ADMINISTRATION", "BUDGET OWNER"])
/** The roles that may send a declaration back. The log names `MISSING` where it does not know the role. */
export const Rejecter = Schema.Literals([...Approver.literals, "SUPERVISOR", "MISSING"])

export const Status = Schema.Literals([
  "unknown",
  "saved",
  "submitted",
  "rejected",
  "given up",
  "approved",
  "payment requested",
  "paid"
])
export type Status = typeof Status.Type

const State = Schema.Struct({
  status: Status,
  cents: Schema.Int,
  /** The budget that the declaration is paid from. A declaration has no budget before it is claimed. */
  budget: Schema.NullOr(Schema.String),
  /** Whether the administration has approved it since it was submitted. */
  checked: Schema.Boolean,
  /** The last step that was accepted. */
  step: Schema.Int
})
export type State = typeof State.Type

const step = { step: Schema.Int, at: Schema.DateTimeUtcFromString }
const claim = { cents: Schema.Int, budget: Schema.String }
const claimed = { cents: Schema.Int, budgetId: Schema.String }

export class Save extends Schema.TaggedClass<Save>()("Save", { ...step, ...claim }) {}
export class Submit extends Schema.TaggedClass<Submit>()("Submit", { ...step, ...claim }) {}
export class Approve extends Schema.TaggedClass<Approve>()("Approve", { ...step, by: Approver }) {}
export class ApproveFinally extends Schema.TaggedClass<ApproveFinally>()("ApproveFinally", step) {}
export class Reject extends Schema.TaggedClass<Reject>()("Reject", { ...step, by: Rejecter }) {}
export class GiveUp extends Schema.TaggedClass<GiveUp>()("GiveUp", step) {}
export class RequestPayment extends Schema.TaggedClass<RequestPayment>()("RequestPayment", step) {}
export class HandlePayment extends Schema.TaggedClass<HandlePayment>()("HandlePayment", step) {}

/** Reminds who has to approve it. It does nothing for a declaration that waits for nobody's approval. */
export class Remind extends Schema.TaggedClass<Remind>()("Remind", { at: Schema.DateTimeUtcFromString }) {}
/** Gives up a declaration that nobody has approved. It does nothing for one that waits for nobody's approval. */
export class Lapse extends Schema.TaggedClass<Lapse>()("Lapse", { at: Schema.DateTimeUtcFromString }) {}

export class Saved extends Schema.TaggedClass<Saved>()("DeclarationSaved", { ...step, ...claimed }) {}
export class Submitted extends Schema.TaggedClass<Submitted>()("DeclarationSubmitted", { ...step, ...claimed }) {}
export class Approved extends Schema.TaggedClass<Approved>()("DeclarationApproved", { ...step, by: Approver }) {}
export class FinallyApproved extends Schema.TaggedClass<FinallyApproved>()("DeclarationFinallyApproved", step) {}
export class Rejected extends Schema.TaggedClass<Rejected>()("DeclarationRejected", { ...step, by: Rejecter }) {}
export class GivenUp extends Schema.TaggedClass<GivenUp>()("DeclarationGivenUp", step) {}
/** Somebody was reminded of a declaration. Its step is the last one before. */
class Reminded extends Schema.TaggedClass<Reminded>()("ApproversReminded", step) {}
export class PaymentRequested extends Schema.TaggedClass<PaymentRequested>()("PaymentRequested", step) {}
export class PaymentHandled extends Schema.TaggedClass<PaymentHandled>()("PaymentHandled", {
  ...step,
  cents: Schema.Int
}) {}

const found = { status: Status }

/** Only a new declaration can be saved. */
export class NotNew extends Schema.TaggedError<NotNew>()("NotNew", found) {}
/** A declaration that is under way, approved or paid cannot be submitted. */
export class NotWithEmployee extends Schema.TaggedError<NotWithEmployee>()("NotWithEmployee", found) {}
/** Only a submitted declaration can be approved. Only a submitted or approved one can be rejected. */
export class NotInApproval extends Schema.TaggedError<NotInApproval>()("NotInApproval", found) {}
/** A budget owner decides after the administration. */
export class NotChecked extends Schema.TaggedError<NotChecked>()("NotChecked", found) {}
/** An employee can give up only a declaration that was sent back. */
export class NotRejected extends Schema.TaggedError<NotRejected>()("NotRejected", found) {}
/** A payment needs the supervisor's approval. */
export class NotApproved extends Schema.TaggedError<NotApproved>()("NotApproved", found) {}
/** A payment must be requested before it is handled. */
export class PaymentNotRequested extends Schema.TaggedError<PaymentNotRequested>()("PaymentNotRequested", found) {}
/** A later step was accepted before this one came. */
export class StepOutOfOrder extends Schema.TaggedError<StepOutOfOrder>()("StepOutOfOrder", {
  step: Schema.Int,
  last: Schema.Int
}) {}

/** All errors of a declaration. */
export const DeclarationErrors = [
  NotNew,
  NotWithEmployee,
  NotInApproval,
  NotChecked,
  NotRejected,
  NotApproved,
  PaymentNotRequested,
  StepOutOfOrder
] as const

/** Rejects a step that is older than one that was accepted. For every other step `allowed` decides. */
const inOrder =
  <Command extends { readonly step: number }, D extends Decision.Decision<unknown, unknown>>(
    allowed: (command: Command, state: State) => D
  ) =>
  (command: Command, state: State): D | Decision.Decision<never, StepOutOfOrder> =>
    command.step <= state.step
      ? Decision.reject(new StepOutOfOrder({ step: command.step, last: state.step }))
      : allowed(command, state)

export const Declaration = Aggregate.make("Declaration", {
  id: Schema.NonEmptyString,
  state: State,
  initial: { status: "unknown", cents: 0, budget: null, checked: false, step: 0 },
  commands: [Save, Submit, Approve, ApproveFinally, Reject, GiveUp, RequestPayment, HandlePayment, Remind, Lapse],
  events: [
    Versions.first(former.Saved).next(Saved, (saved) => new Saved(former.renamed(saved))),
    Versions.first(former.Submitted).next(Submitted, (submitted) => new Submitted(former.renamed(submitted))),
    Approved,
    FinallyApproved,
    Rejected,
    GivenUp,
    PaymentRequested,
    PaymentHandled,
    Reminded
  ],
  retired: [
    Versions.retired(
      former.ApprovedByAdministration,
      ({ at, step }) => new Approved({ step, at, by: "ADMINISTRATION" })
    )
  ],
  errors: DeclarationErrors,
  decide: {
    Save: inOrder(({ at, budget, cents, step }: Save, { status }) =>
      status === "unknown"
        ? Decision.accept(new Saved({ step, at, cents, budgetId: budget }))
        : Decision.reject(new NotNew({ status }))
    ),
    Submit: inOrder(({ at, budget, cents, step }: Submit, { status }) =>
      status === "unknown" || status === "saved" || status === "rejected" || status === "given up"
        ? Decision.accept(new Submitted({ step, at, cents, budgetId: budget }))
        : Decision.reject(new NotWithEmployee({ status }))
    ),
    Approve: inOrder(({ at, by, step }: Approve, { checked, status }) =>
      status !== "submitted"
        ? Decision.reject(new NotInApproval({ status }))
        : by === "BUDGET OWNER" && !checked
          ? Decision.reject(new NotChecked({ status }))
          : Decision.accept(new Approved({ step, at, by }))
    ),
    ApproveFinally: inOrder(({ at, step }: ApproveFinally, { status }) =>
      status === "submitted"
        ? Decision.accept(new FinallyApproved({ step, at }))
        : Decision.reject(new NotInApproval({ status }))
    ),
    Reject: inOrder(({ at, by, step }: Reject, { status }) =>
      status === "submitted" || status === "approved"
        ? Decision.accept(new Rejected({ step, at, by }))
        : Decision.reject(new NotInApproval({ status }))
    ),
    GiveUp: inOrder(({ at, step }: GiveUp, { status }) =>
      status === "rejected" ? Decision.accept(new GivenUp({ step, at })) : Decision.reject(new NotRejected({ status }))
    ),
    RequestPayment: inOrder(({ at, step }: RequestPayment, { status }) =>
      status === "approved"
        ? Decision.accept(new PaymentRequested({ step, at }))
        : Decision.reject(new NotApproved({ status }))
    ),
    HandlePayment: inOrder(({ at, step }: HandlePayment, { cents, status }) =>
      status === "payment requested"
        ? Decision.accept(new PaymentHandled({ step, at, cents }))
        : Decision.reject(new PaymentNotRequested({ status }))
    ),
    Remind: ({ at }, { status, step }) =>
      status === "submitted" ? Decision.accept(new Reminded({ step, at })) : Decision.nothing,
    Lapse: ({ at }, { status, step }) =>
      status === "submitted" ? Decision.accept(new GivenUp({ step, at })) : Decision.nothing
  },
  evolve: {
    DeclarationSaved: (state, { budgetId, cents, step }) => ({
      ...state,
      status: "saved",
      cents,
      budget: budgetId,
      step
    }),
    DeclarationSubmitted: (state, { budgetId, cents, step }) => ({
      ...state,
      status: "submitted",
      cents,
      budget: budgetId,
      checked: false,
      step
    }),
    DeclarationApproved: (state, { by, step }) => ({
      ...state,
      checked: state.checked || by === "ADMINISTRATION",
      step
    }),
    DeclarationFinallyApproved: (state, { step }) => ({ ...state, status: "approved", step }),
    DeclarationRejected: (state, { step }) => ({ ...state, status: "rejected", step }),
    DeclarationGivenUp: (state, { step }) => ({ ...state, status: "given up", step }),
    PaymentRequested: (state, { step }) => ({ ...state, status: "payment requested", step }),
    PaymentHandled: (state, { step }) => ({ ...state, status: "paid", step }),
    ApproversReminded: (state) => state
  }
})

export type Command = Aggregate.CommandOf<typeof Declaration>
