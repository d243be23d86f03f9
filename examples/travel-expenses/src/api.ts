/** What the program shows to others, and who may do what. The roles are those of the log. */
import { Api, Policy, type Query } from "@hexfold/core"
import { Budget } from "./Budget.ts"
import { Declaration } from "./Declaration.ts"
import { HandlePayment } from "./HandlePayment.ts"
import { Declarations, Histories, LeadTimes, Spending } from "./views.ts"

/** The roles of the log, and two that it does not name: who makes the payments, and who grants the budgets. */
export type Role =
  | "EMPLOYEE"
  | "PRE_APPROVER"
  | "ADMINISTRATION"
  | "BUDGET OWNER"
  | "SUPERVISOR"
  | "SYSTEM"
  | "CONTROLLER"

const role = (...roles: readonly [Role, ...ReadonlyArray<Role>]): Policy.Roles => Policy.role(...roles)

/** For commands that only the program itself sends. */
const nobody = { when: () => false }

/** The budget that a budget owner owns, if the token says one. */
const budgetOf = ({ claims }: Policy.Caller): string | undefined =>
  typeof claims["budget"] === "string" ? claims["budget"] : undefined

/** The records of the own budget. Without a budget these are none. */
const ownBudget = <State extends { readonly budget: string | null }>(
  caller: Policy.Caller,
  { eq, or }: Query.Filters<State>
): Query.Filter => {
  const budget = budgetOf(caller)
  return budget === undefined ? or() : eq("budget", budget)
}

const isAbout = (caller: Policy.Caller, by: string, budget: string | null): boolean =>
  caller.roles.has(by) && (by !== "BUDGET OWNER" || budgetOf(caller) === budget)

export const declaration: Policy.OfAggregate<typeof Declaration> = {
  Save: role("EMPLOYEE"),
  Submit: role("EMPLOYEE"),
  GiveUp: role("EMPLOYEE"),
  // Nobody decides in the name of another role, and a budget owner decides about the own budget only. The rule is asked on
  // the state that the command is decided on.
  Approve: { whenState: (caller, { command }, { budget }) => isAbout(caller, command.by, budget) },
  Reject: { whenState: (caller, { command }, { budget }) => isAbout(caller, command.by, budget) },
  ApproveFinally: role("SUPERVISOR"),
  RequestPayment: role("SYSTEM"),
  // A payment charges the budget too: the boundary does both.
  HandlePayment: nobody,
  Remind: nobody,
  Lapse: nobody,
  state: "signed in",
  events: role("CONTROLLER")
}

export const budget: Policy.OfAggregate<typeof Budget> = {
  Grant: role("CONTROLLER"),
  Charge: nobody,
  state: {
    when: (caller, { id }) =>
      caller.roles.has("CONTROLLER") || (caller.roles.has("BUDGET OWNER") && budgetOf(caller) === id)
  },
  events: role("CONTROLLER")
}

export const declarations: Policy.OfView<typeof Declarations> = {
  read: "signed in",
  rows: (caller, filters) => (caller.roles.has("BUDGET OWNER") ? ownBudget(caller, filters) : filters.and())
}

const histories: Policy.OfView<typeof Histories> = {
  read: "signed in",
  // An employee sees what has happened, and not who has decided.
  fields: {
    by: role("PRE_APPROVER", "ADMINISTRATION", "BUDGET OWNER", "SUPERVISOR", "SYSTEM", "CONTROLLER")
  }
}

export const spending: Policy.OfView<typeof Spending> = {
  read: role("CONTROLLER", "BUDGET OWNER"),
  rows: (caller, filters) => (caller.roles.has("CONTROLLER") ? filters.and() : ownBudget(caller, filters))
}

export const api = Api.make("travel-expenses", {
  aggregates: [Declaration, Budget],
  boundaries: [HandlePayment],
  views: [Declarations, Histories, Spending, LeadTimes],
  // A step of a history leads to its declaration: `declarationRecord` in GraphQL, `?with=declarationRecord` over HTTP.
  links: [Api.link(Histories, "declaration", Declarations)],
  // Without limits of its own, a view answers what its indexes answer. These have no index for their orders.
  limits: { Declarations: { fields: "all", scan: true }, Spending: { fields: "all", scan: true } },
  policies: {
    Declaration: declaration,
    Budget: budget,
    HandlePayment: role("SYSTEM"),
    Declarations: declarations,
    Histories: histories,
    Spending: spending,
    LeadTimes: { read: role("CONTROLLER", "ADMINISTRATION") }
  }
})
