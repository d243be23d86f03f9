/**
 * What a program shows to others: its aggregates, boundaries and views, and who may do what with them. It is a plain
 * value that knows no network. Every front is made of it.
 */
import type * as Aggregate from "../Aggregate.ts"
import type * as Boundary from "../Boundary.ts"
import type * as Policy from "./Policy.ts"
import type { PathTo } from "../query/fields.ts"
import type { QueryLimits } from "../query/limits.ts"
import { type Link, type Rules, rulesOf } from "./rules.ts"
import type * as View from "../View.ts"

export type { Link, Rules }

type KeyField = string | null | undefined

/**
 * Says that a field of a view holds the key of a record of another view. A front then gives the other record with the
 * first one, if the caller may read it. Records of many are read together.
 *
 * The name of the link is that of the field and `Record`, such as `budgetRecord`, unless `as` gives another one.
 *
 * @example
 * ```ts
 * import { Api, type View } from "@hexfold/core"
 *
 * declare const Orders: View.View<"Orders", { readonly customer: string }, never, never>
 * declare const Customers: View.View<"Customers", { readonly name: string }, never, never>
 *
 * const customer = Api.link(Orders, "customer", Customers, { as: "orderedBy" })
 * ```
 */
export const link = <From extends View.Any, To extends View.Any>(
  from: From,
  path: PathTo<From["schemas"]["state"]["Type"], KeyField> & string,
  to: To,
  options: { readonly as?: string } = {}
): Link<From, To> => ({ from, path, to, as: options.as ?? `${path.replaceAll(".", "_")}Record` })

/**
 * The rules of everything that an API shows, by name.
 *
 * It is a conditional type, because the compiler gives functions in a mapped type no parameter types while it infers
 * what the type is made of.
 */
export type Policies<
  As extends ReadonlyArray<Aggregate.Any>,
  Bs extends ReadonlyArray<Boundary.Any>,
  Vs extends ReadonlyArray<View.Any>
> = [As, Bs, Vs] extends [
  infer A extends ReadonlyArray<Aggregate.Any>,
  infer B extends ReadonlyArray<Boundary.Any>,
  infer V extends ReadonlyArray<View.Any>
]
  ? { readonly [Each in A[number] as Each["name"]]: Policy.OfAggregate<Each> } & {
      readonly [Each in B[number] as Each["name"]]: Policy.Written<
        [asked: Policy.Asked<Boundary.CommandOf<Each>>],
        Boundary.StatesOf<Each>
      >["onCommand"]
    } & { readonly [Each in V[number] as Each["name"]]: Policy.OfView<Each> }
  : never

/** What others may ask of the views, by name. A view that is not named answers what its indexes answer. */
export type Limits<Vs extends ReadonlyArray<View.Any>> = {
  readonly [Each in Vs[number] as Each["name"]]?: QueryLimits<Each["schemas"]["state"]["Type"]>
}

/** What a program shows, made by {@link make}. */
export interface Api<
  Name extends string,
  As extends ReadonlyArray<Aggregate.Any>,
  Bs extends ReadonlyArray<Boundary.Any>,
  Vs extends ReadonlyArray<View.Any>
> {
  readonly name: Name
  readonly aggregates: As
  readonly boundaries: Bs
  readonly views: Vs
  readonly links: ReadonlyArray<Link>
  readonly limits: Limits<Vs>
  /** The rules of all that it shows. Those of an open API let everybody do everything. */
  readonly rules: Rules
}

/** What every API has, as a constraint for functions that accept them all. */
export interface Any {
  readonly name: string
  readonly aggregates: ReadonlyArray<Aggregate.Any>
  readonly boundaries: ReadonlyArray<Boundary.Any>
  readonly views: ReadonlyArray<View.Any>
  readonly links: ReadonlyArray<Link>
  readonly limits: Readonly<Record<string, unknown>>
  readonly rules: Rules
}

/**
 * Declares what a program shows to others. The policies must be said: a rule for each command, boundary and view, or
 * `"open"`, with which everybody may do everything. A missing or a surplus rule does not compile.
 *
 * Throws an `Error` that names everything that is wrong: a rule that is missing all the same, for a program that the
 * compiler has not seen; two members with one name; a command with the tag `state` or `events`, which are the names of
 * other rules; a link or a rule of a field that a view does not have.
 *
 * @example
 * ```ts
 * import { Aggregate, Api, Decision, Policy, View } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * class Open extends Schema.TaggedClass<Open>()("Open", { owner: Schema.String }) {}
 * class Opened extends Schema.TaggedClass<Opened>()("Opened", { owner: Schema.String }) {}
 *
 * const Account = Aggregate.make("Account", {
 *   id: Schema.String,
 *   state: Schema.Struct({ owner: Schema.String }),
 *   initial: { owner: "" },
 *   commands: [Open],
 *   events: [Opened],
 *   decide: { Open: ({ owner }) => Decision.accept(new Opened({ owner })) },
 *   evolve: { Opened: (_, { owner }) => ({ owner }) }
 * })
 *
 * const Accounts = View.make("Accounts", {
 *   from: [Account],
 *   state: Schema.Struct({ owner: Schema.String }),
 *   evolve: { Opened: (_, { owner }) => ({ owner }) }
 * })
 *
 * const api = Api.make("bank", {
 *   aggregates: [Account],
 *   views: [Accounts],
 *   policies: {
 *     Account: { Open: Policy.role("clerk"), state: { when: (caller, { state }) => state.owner === caller.subject } },
 *     Accounts: { read: "signed in", rows: (caller, { eq }) => eq("owner", caller.subject) }
 *   }
 * })
 * ```
 */
export const make = <
  const Name extends string,
  const As extends ReadonlyArray<Aggregate.Any> = readonly [],
  const Bs extends ReadonlyArray<Boundary.Any> = readonly [],
  const Vs extends ReadonlyArray<View.Any> = readonly []
>(
  name: Name,
  declared: {
    readonly aggregates?: As
    readonly boundaries?: Bs
    readonly views?: Vs
    /** Records that have records of other views with them. */
    readonly links?: ReadonlyArray<Link<Vs[number], Vs[number]>>
    readonly limits?: Limits<NoInfer<Vs>>
    readonly policies: "open" | Policies<NoInfer<As>, NoInfer<Bs>, NoInfer<Vs>>
  }
): Api<Name, As, Bs, Vs> => {
  const { aggregates = [], boundaries = [], limits = {}, links = [], policies, views = [] } = declared
  const { problems, rules } = rulesOf({ aggregates, boundaries, views, links, policies })
  if (name.trim() === "") problems.unshift("an API needs a name")
  if (problems.length > 0) throw new Error(`the API ${name}: ${problems.join("; ")}`)
  const api: Any = { name, aggregates, boundaries, views, links, limits, rules }
  return api as Api<Name, As, Bs, Vs>
}
