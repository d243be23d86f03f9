/**
 * Who may do what, as plain values beside the declarations: a rule for each command of an aggregate or a boundary, and
 * for each view. They are pure, so a test calls them, and they know nothing of a network: `Api.make` takes them, and
 * every front obeys them.
 *
 * The aggregate itself does not know its rules, because the same command may come from a process manager.
 */
import type * as Aggregate from "../Aggregate.ts"
import type * as Boundary from "../Boundary.ts"
import type { PathTo } from "../query/fields.ts"
import type { Filter } from "../query/data.ts"
import type { Filters } from "../query/filters.ts"
import type { Tagged } from "../tagged.ts"
import type * as View from "../View.ts"

/** On whose behalf a request comes. It is made of a verified token or session, never of what the request itself says. */
export interface Caller {
  /** Who it is. It becomes the actor of the events. */
  readonly subject: string
  readonly roles: ReadonlySet<string>
  /** What else the token says. */
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * Makes a caller.
 *
 * @example
 * ```ts
 * import { Policy } from "@hexfold/core"
 *
 * const ann = Policy.caller("ann", { roles: ["approver"] })
 * ```
 */
export const caller = (
  subject: string,
  options: { readonly roles?: Iterable<string>; readonly claims?: Readonly<Record<string, unknown>> } = {}
): Caller => ({ subject, roles: new Set(options.roles), claims: options.claims ?? {} })

/** Whoever has one of these roles. {@link role} makes it: `Policy.role("clerk")`. */
export interface Roles {
  readonly roles: readonly [string, ...ReadonlyArray<string>]
}

/**
 * The rule for callers who have one of these roles.
 *
 * @example
 * ```ts
 * import { Policy } from "@hexfold/core"
 *
 * const approvers = Policy.role("approver", "supervisor") // { roles: ["approver", "supervisor"] }
 * ```
 */
export const role = (...roles: readonly [string, ...ReadonlyArray<string>]): Roles => ({ roles })

/**
 * Who the caller must be. `anyone` needs no caller at all, `signed in` takes every known caller. Each of the other rules
 * takes only known callers, too.
 */
export type Who = "anyone" | "signed in" | Roles

/** A rule on the caller and what is asked. It holds if the function returns `true`, and for no other result. */
export interface When<Asked extends ReadonlyArray<unknown>> {
  readonly when: (caller: Caller, ...asked: Asked) => boolean
}

/**
 * A rule on the caller, what is asked, and the state. It is asked on the very state that the command is decided on, in
 * every attempt: nothing can change in between.
 */
export interface WhenState<Asked, State> {
  readonly whenState: (caller: Caller, asked: Asked, state: State) => boolean
}

/** A command that is asked of an aggregate. */
export interface AskedOf<Id, Command> {
  readonly id: Id
  readonly command: Command
}

/** A command that is asked of a boundary. */
export interface Asked<Command> {
  readonly command: Command
}

/** The state of an aggregate that a caller wants to read. */
export interface ReadState<Id, State> {
  readonly id: Id
  readonly state: State
}

/** A recorded event that a caller wants to read. */
export interface ReadEvent<Id, Event> {
  readonly id: Id
  readonly event: Event
}

/**
 * The rules with all their kinds. They are members of an interface, because the compiler says what is expected by the name of
 * a union that has one: instead of `Roles` and `"signed in"` a reader would see that name alone.
 */
export interface Written<Asked extends ReadonlyArray<unknown>, State = never> {
  readonly onRead: "anyone" | "signed in" | Roles | When<Asked>
  readonly onCommand: "anyone" | "signed in" | Roles | When<Asked> | WhenState<Asked[0], State>
}

/** The rules of an aggregate: one for each command, by its tag, and who may read what it has recorded. */
export type OfAggregate<A extends Aggregate.Any> = {
  readonly [C in Extract<Aggregate.CommandOf<A>, Tagged> as C["_tag"]]: Written<
    [asked: AskedOf<Aggregate.IdOf<A>, C>],
    Aggregate.StateOf<A>
  >["onCommand"]
} & {
  /** Who may read the state. Without this rule nobody can: it has no address, and no receipt has it. */
  readonly state?: Written<[read: ReadState<Aggregate.IdOf<A>, Aggregate.StateOf<A>>]>["onRead"]
  /** Who may read the events, in receipts and in the feed. Without this rule nobody can. */
  readonly events?: Written<[read: ReadEvent<Aggregate.IdOf<A>, Aggregate.EventOf<A>>]>["onRead"]
}

/** The rule for the command of a boundary. Its states are those of the roles. */
export type OfBoundary<B extends Boundary.Any> = Written<
  [asked: Asked<Boundary.CommandOf<B>>],
  Boundary.StatesOf<B>
>["onCommand"]

/** The rules of a view. */
export type OfView<V extends View.Any> = ViewRules<V["schemas"]["state"]["Type"]>

/** Who may read the records of a view, which of them, and which of their fields. */
export interface ViewRules<State> {
  readonly read: Written<[]>["onRead"]
  /**
   * The records that a known caller may see. The filter is part of every query, of a read by key, of counts and of live
   * results. Without it a caller sees all.
   */
  readonly rows?: (caller: Caller, filters: Filters<State>) => Filter
  /**
   * The records that somebody without a caller may see, if `read` is `anyone`. Without it such a reader sees no record
   * of a view that has `rows`, and all records of another one.
   */
  readonly publicRows?: (filters: Filters<State>) => Filter
  /**
   * Who may see a field, by its path; a rule holds for the fields below the path too. For a caller who may not, the field
   * is absent: records come without it, and a query that selects, filters, orders, groups or computes by it is refused.
   * The fields that are not named can be seen by all who may read.
   */
  readonly fields?: { readonly [P in PathTo<State, unknown>]?: Written<[]>["onRead"] }
}

/** What a rule says: the caller may, must be known first, or may not. `by state` is the answer of a `whenState`. */
export type Answer = "permitted" | "unauthenticated" | "forbidden" | "by state"

/** A rule whose types are not known. */
export type AnyRule =
  | Who
  | { readonly when: (caller: Caller, ...asked: ReadonlyArray<never>) => boolean }
  | { readonly whenState: (caller: Caller, asked: never, state: never) => boolean }

/** The rules of a view whose types are not known. */
export interface AnyViewRules {
  readonly read: AnyRule
  readonly rows?: (caller: Caller, filters: never) => Filter
  readonly publicRows?: (filters: never) => Filter
  readonly fields?: Readonly<Record<string, AnyRule | undefined>>
}

/**
 * Whether a rule lets a caller do what the caller asks for.
 *
 * @example
 * ```ts
 * import { Policy } from "@hexfold/core"
 *
 * Policy.answer(Policy.role("approver"), Policy.caller("ann")) // "forbidden"
 * ```
 */
export const answer = (rule: AnyRule, caller: Caller | undefined, ...asked: ReadonlyArray<unknown>): Answer => {
  if (rule === "anyone") return "permitted"
  if (caller === undefined) return "unauthenticated"
  if (rule === "signed in") return "permitted"
  if ("roles" in rule) return of(rule.roles.some((role) => caller.roles.has(role)))
  if ("whenState" in rule) return "by state"
  return of(rule.when(caller, ...(asked as ReadonlyArray<never>)))
}

/**
 * What a `whenState` says to a caller about a state.
 *
 * @example
 * ```ts
 * import { Policy } from "@hexfold/core"
 *
 * interface Close { readonly _tag: "Close" }
 * const owner: Policy.WhenState<Policy.AskedOf<string, Close>, { readonly owner: string }> = {
 *   whenState: (caller, _, { owner }) => caller.subject === owner
 * }
 *
 * Policy.answerOnState(owner, Policy.caller("ann"), { id: "a", command: { _tag: "Close" } }, { owner: "bob" }) // "forbidden"
 * ```
 */
export const answerOnState = <Asked, State>(
  rule: WhenState<Asked, State>,
  caller: Caller,
  asked: Asked,
  state: State
): Exclude<Answer, "by state"> => of(rule.whenState(caller, asked, state))

// An async function returns a promise, which is a truthy value.
const of = (held: unknown): "permitted" | "forbidden" => (held === true ? "permitted" : "forbidden")
