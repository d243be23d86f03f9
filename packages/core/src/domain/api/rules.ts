/** The rules of an API without their types, and what is wrong with them. The compiler finds most of it before. */
import type * as Aggregate from "../Aggregate.ts"
import type * as Boundary from "../Boundary.ts"
import type * as Policy from "./Policy.ts"
import { pathOf } from "../query/fields.ts"
import { thrownText } from "../texts.ts"
import type * as View from "../View.ts"

/** A field of a view's records that holds the key of a record of another view. */
export interface Link<From extends View.Any = View.Any, To extends View.Any = View.Any> {
  readonly from: From
  readonly path: string
  readonly to: To
  /** The name under which a record has the other one. */
  readonly as: string
}

/** The rules of an API, for programs that do not know the types. */
export interface Rules {
  /** By the name of the aggregate, and by the tag of the command. */
  readonly commands: ReadonlyMap<string, ReadonlyMap<string, Policy.AnyRule>>
  readonly boundaries: ReadonlyMap<string, Policy.AnyRule>
  /** Who may read the state of an aggregate. An aggregate that is not named shows none. */
  readonly states: ReadonlyMap<string, Policy.AnyRule>
  /** Who may read the events of an aggregate. An aggregate that is not named shows none. */
  readonly events: ReadonlyMap<string, Policy.AnyRule>
  readonly views: ReadonlyMap<string, Policy.AnyViewRules>
}

interface Declared {
  readonly aggregates: ReadonlyArray<Aggregate.Any>
  readonly boundaries: ReadonlyArray<Boundary.Any>
  readonly views: ReadonlyArray<View.Any>
  readonly links: ReadonlyArray<Link>
  readonly policies: unknown
}

/** The rules of an API, and what is wrong with its declaration. */
export const rulesOf = (declared: Declared): { readonly rules: Rules; readonly problems: Array<string> } => {
  const { aggregates, boundaries, policies, views } = declared
  const problems = [...repeated([...aggregates, ...boundaries, ...views]), ...linkProblems(declared)]
  const given = policies === "open" ? undefined : objectOf(policies)
  if (policies !== "open" && given === undefined) problems.push('the policies are neither rules nor "open"')
  const rulesFor = ({ name }: { readonly name: string }): Readonly<Record<string, unknown>> => {
    const own = objectOf(given?.[name])
    if (given !== undefined && own === undefined) problems.push(`there is no rule for ${name}`)
    return own ?? {}
  }
  const known = new Set([...aggregates, ...boundaries, ...views].map(({ name }) => name))
  for (const name of Object.keys(given ?? {})) {
    if (!known.has(name)) problems.push(`there are rules for ${name}, which is not declared`)
  }
  const check = (what: string, rule: unknown, kinds: ReadonlyArray<"when" | "whenState">): Policy.AnyRule => {
    const problem = ruleProblem(rule, kinds)
    if (problem !== undefined) problems.push(`${what}: ${problem}`)
    return rule as Policy.AnyRule
  }

  const commands = new Map<string, ReadonlyMap<string, Policy.AnyRule>>()
  const states = new Map<string, Policy.AnyRule>()
  const events = new Map<string, Policy.AnyRule>()
  for (const aggregate of aggregates) {
    const { name } = aggregate
    const tags = tagsOf(aggregate)
    for (const tag of tags.filter((tag) => reserved.has(tag))) {
      problems.push(`${name} has a command with the tag ${tag}, which is the name of another rule`)
    }
    if (given === undefined) {
      commands.set(name, new Map(tags.map((tag) => [tag, "anyone"])))
      states.set(name, "anyone")
      events.set(name, "anyone")
      continue
    }
    const { events: readEvents, state, ...own } = rulesFor(aggregate)
    for (const tag of Object.keys(own).filter((tag) => !tags.includes(tag))) {
      problems.push(`${name} has no command ${tag}, but a rule for it`)
    }
    commands.set(name, new Map(tags.map((tag) => [tag, check(`${name}, ${tag}`, own[tag], ["when", "whenState"])])))
    if (state !== undefined) states.set(name, check(`${name}, state`, state, ["when"]))
    if (readEvents !== undefined) events.set(name, check(`${name}, events`, readEvents, ["when"]))
  }

  const ofBoundaries = new Map(
    boundaries.map(({ name }) => [
      name,
      given === undefined ? ("anyone" as const) : check(name, given[name], ["when", "whenState"])
    ])
  )

  const ofViews = new Map<string, Policy.AnyViewRules>()
  for (const view of views) {
    if (given === undefined) {
      ofViews.set(view.name, { read: "anyone" })
      continue
    }
    const own = rulesFor(view)
    if (objectOf(given[view.name]) !== undefined) check(`${view.name}, read`, own["read"], ["when"])
    problems.push(...rowProblems(view.name, own))
    for (const [path, rule] of Object.entries(objectOf(own["fields"]) ?? {})) {
      check(`${view.name}, the field ${path}`, rule, ["when"])
      problems.push(...pathProblems(view, path))
    }
    ofViews.set(view.name, own as unknown as Policy.AnyViewRules)
  }
  return { rules: { commands, boundaries: ofBoundaries, states, events, views: ofViews }, problems }
}

// The names of the rules of an aggregate that are not those of commands.
const reserved = new Set(["state", "events"])

const tagsOf = (aggregate: Aggregate.Any): ReadonlyArray<string> => {
  const { schemas } = aggregate as Aggregate.Any & {
    readonly schemas: { readonly commands: ReadonlyMap<string, unknown> }
  }
  return [...schemas.commands.keys()]
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined

const repeated = (named: ReadonlyArray<{ readonly name: string }>): ReadonlyArray<string> => {
  const names = named.map(({ name }) => name)
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))].map((name) => `${name} is declared twice`)
}

const ruleProblem = (rule: unknown, kinds: ReadonlyArray<"when" | "whenState">): string | undefined => {
  if (rule === undefined) return "there is no rule"
  if (rule === "anyone" || rule === "signed in") return undefined
  if (typeof rule === "string") {
    const role = JSON.stringify(rule.slice(0, 100))
    return `the rule ${role} is none of those that there are: those who have a role are Policy.role(${role})`
  }
  const given = objectOf(rule)
  const [name, ...more] = Object.keys(given ?? {})
  if (given === undefined || name === undefined || more.length > 0) return "the rule is none of those that there are"
  const value = given[name]
  if (name === "roles") {
    const isRight = Array.isArray(value) && value.length > 0 && value.every((role) => typeof role === "string")
    return isRight ? undefined : "the roles are no list of names, or an empty one"
  }
  if (!kinds.some((kind) => kind === name)) return `a rule of the kind ${name} cannot be given here`
  return typeof value === "function" ? undefined : `${name} is no function`
}

const rowProblems = (name: string, own: Readonly<Record<string, unknown>>): ReadonlyArray<string> => [
  ...Object.keys(own)
    .filter((key) => !["read", "rows", "publicRows", "fields"].includes(key))
    .map((key) => `${name}: a view has no rule ${key}`),
  ...["rows", "publicRows"]
    .filter((key) => own[key] !== undefined && typeof own[key] !== "function")
    .map((key) => `${name}, ${key}: it is no function`),
  ...(own["publicRows"] !== undefined && own["read"] !== "anyone"
    ? [`${name}, publicRows: only a view that anyone may read has them`]
    : [])
]

const pathProblems = ({ name, schemas }: View.Any, path: string): ReadonlyArray<string> => {
  try {
    pathOf(schemas.state, path)
    return []
  } catch (cause) {
    return [`${name}: ${cause instanceof Error ? cause.message : thrownText(cause)}`]
  }
}

const linkProblems = ({ links, views }: Declared): ReadonlyArray<string> =>
  links.flatMap((link, i) => {
    const { as, from, path, to } = link
    const unknown = [from, to].filter((view) => !views.includes(view))
    const other = links.findIndex((each) => each.from === from && each.as === as)
    return [
      ...unknown.map(({ name }) => `the link ${as} of ${from.name}: the view ${name} is not declared`),
      ...pathProblems(from, path),
      ...(pathProblems(from, as).length === 0 ? [`${from.name} has both a field and a link ${as}`] : []),
      ...(other === i ? [] : [`${from.name} has two links ${as}`])
    ]
  })
