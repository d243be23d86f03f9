/** A view with fields of many kinds, of which some records and some fields are hidden from some callers. */
import { Aggregate, Api, Decision, Policy, type Query, View } from "@hexfold/core"
import { assert } from "@effect/vitest"
import { texts } from "@hexfold/testing/QueryArbitraries"
import { Effect, Schema } from "effect"
import fc from "fast-check"
import type { Front } from "./Front.ts"

const fields = {
  owner: Schema.String,
  isShared: Schema.Boolean,
  label: Schema.String,
  count: Schema.Int,
  rate: Schema.Finite,
  tags: Schema.Array(Schema.String),
  note: Schema.NullOr(Schema.String),
  part: Schema.Struct({ name: Schema.String, cost: Schema.Int }),
  secret: Schema.String
}

const State = Schema.Struct(fields)

/** The state of a record. Its JSON is the same. */
type Thing = typeof State.Type

class Put extends Schema.TaggedClass<Put>()("Put", fields) {}
class WasPut extends Schema.TaggedClass<WasPut>()("WasPut", fields) {}

const Thing = Aggregate.make("Thing", {
  id: Schema.NonEmptyString,
  state: Schema.Struct({}),
  initial: {},
  commands: [Put],
  events: [WasPut],
  errors: { Put: [] },
  decide: { Put: ({ _tag: _, ...thing }) => Decision.accept(new WasPut(thing)) },
  evolve: { WasPut: () => ({}) }
})

export const Things = View.make("Things", {
  from: [Thing],
  state: State,
  evolve: { WasPut: (_, { _tag: __, ...thing }) => thing }
})

/** Callers see their own things and those that are shared. Auditors see all of them, and they alone see secrets and costs. */
export const things = Api.make("things", {
  aggregates: [Thing],
  views: [Things],
  limits: { Things: { fields: "all", scan: true } },
  policies: {
    Thing: { Put: "anyone" },
    Things: {
      read: "signed in",
      rows: (caller, { and, eq, or }) =>
        caller.roles.has("auditor") ? and() : or(eq("owner", caller.subject), eq("isShared", true)),
      fields: { secret: Policy.role("auditor"), "part.cost": Policy.role("auditor") }
    }
  }
})

/** A record of the view. */
export interface Row {
  readonly key: string
  readonly state: Thing
}

const owners = fc.constantFrom("ann", "bob", "eve")
const counts = fc.constantFrom(0, 1, -1, 7, Number.MAX_SAFE_INTEGER)
const rates = fc.constantFrom(0, 1, -1.5, 1e21, 5e-324)
/** What a secret begins with, so that it can be looked for. */
export const marker = "hush"
const secrets = fc.integer({ min: 0, max: 3 }).map((n) => `${marker}${n}`)

const states: fc.Arbitrary<Thing> = fc.record(
  {
    owner: owners,
    isShared: fc.boolean(),
    label: texts,
    count: counts,
    rate: rates,
    tags: fc.array(texts, { maxLength: 3 }),
    note: fc.oneof(texts, fc.constant(null)),
    part: fc.record({ name: texts, cost: counts }, { noNullPrototype: true }),
    secret: secrets
  },
  { noNullPrototype: true }
)

/** Records with keys of their own. */
export const rows: fc.Arbitrary<ReadonlyArray<Row>> = fc
  .array(states, { minLength: 1, maxLength: 15 })
  .map((all) => all.map((state, i) => ({ key: `${marker}-${String(i).padStart(2, "0")}`, state })))

/** A field, its values, and what may be asked of it. */
interface Field {
  readonly path: Query.Path
  readonly values: fc.Arbitrary<Query.Scalar>
  readonly is: "text" | "number" | "boolean" | "list"
}

const seen: ReadonlyArray<Field> = [
  { path: ["owner"], values: owners, is: "text" },
  { path: ["isShared"], values: fc.boolean(), is: "boolean" },
  { path: ["label"], values: texts, is: "text" },
  { path: ["count"], values: counts, is: "number" },
  { path: ["rate"], values: rates, is: "number" },
  { path: ["tags"], values: texts, is: "list" },
  { path: ["note"], values: texts, is: "text" },
  { path: ["part", "name"], values: texts, is: "text" }
]

const hidden: ReadonlyArray<Field> = [
  { path: ["secret"], values: secrets, is: "text" },
  { path: ["part", "cost"], values: counts, is: "number" }
]

/** The paths that all callers may see. */
export const seenPaths: ReadonlyArray<Query.Path> = seen.map(({ path }) => path)

/** The paths of whole states. */
export const allPaths: ReadonlyArray<Query.Path> = [...seenPaths, ...hidden.map(({ path }) => path)]

const leaf = ({ is, path, values }: Field): fc.Arbitrary<Query.Filter> => {
  const own = fc.constant(path)
  const many = fc.array(values, { maxLength: 3 })
  const isNull = fc.record({ _tag: fc.constant("IsNull" as const), path: own })
  if (is === "list")
    return fc.oneof(isNull, fc.record({ _tag: fc.constant("Overlaps" as const), path: own, values: many }))
  const comparisons = is === "boolean" ? ["eq" as const] : (["eq", "gt", "gte", "lt", "lte"] as const)
  return fc.oneof(
    isNull,
    fc.record({ _tag: fc.constant("Compare" as const), path: own, is: fc.constantFrom(...comparisons), value: values }),
    fc.record({ _tag: fc.constant("In" as const), path: own, values: many }),
    ...(is === "text"
      ? [
          fc.record({
            _tag: fc.constant("Text" as const),
            path: own,
            is: fc.constantFrom("contains" as const, "startsWith" as const),
            text: texts,
            ignoreCase: fc.boolean()
          })
        ]
      : [])
  )
}

const filtersOf = (of: ReadonlyArray<Field>): fc.Arbitrary<Query.Filter> =>
  fc.letrec<{ filter: Query.Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3 },
      fc.oneof(...of.map(leaf)),
      fc.record({
        _tag: fc.constantFrom("And" as const, "Or" as const),
        filters: fc.array(tie("filter"), { maxLength: 3 })
      }),
      fc.record({ _tag: fc.constant("Not" as const), filter: tie("filter") })
    )
  })).filter

const ordersOf = (of: ReadonlyArray<Field>): fc.Arbitrary<Query.Order> =>
  fc.record(
    {
      path: fc.constantFrom(...of.filter(({ is }) => is !== "list").map(({ path }) => path)),
      direction: fc.constantFrom("asc" as const, "desc" as const),
      nulls: fc.constantFrom("first" as const, "last" as const),
      ignoreCase: fc.boolean()
    },
    { requiredKeys: ["path", "direction"], noNullPrototype: true }
  )

const queriesOf = (of: ReadonlyArray<Field>): fc.Arbitrary<Query.Query> =>
  fc.record(
    {
      _tag: fc.constant("Records" as const),
      view: fc.constant("Things"),
      where: filtersOf(of),
      orderBy: fc.array(ordersOf(of), { maxLength: 3 }),
      limit: fc.integer({ min: 1, max: 5 }),
      select: fc.array(fc.constantFrom(...of.map(({ path }) => path)), { minLength: 1, maxLength: 3 }),
      total: fc.boolean()
    },
    { requiredKeys: ["_tag", "view", "orderBy", "limit"], noNullPrototype: true }
  )

/** A question that uses any fields. */
export const questions = queriesOf([...seen, ...hidden])

/** A question that uses only fields that all callers may see. */
export const plainQuestions = queriesOf(seen)

/** A question that uses a hidden field: by filter, order or selection. */
export const forbiddenQuestions: fc.Arbitrary<Query.Query> = fc
  .tuple(plainQuestions, fc.constantFrom(...hidden), fc.constantFrom("where", "orderBy", "select"))
  .chain(([query, field, part]) =>
    fc.record({ filter: leaf(field), order: ordersOf([field]) }).map(({ filter, order }): Query.Query => {
      const { where } = query
      if (part === "orderBy") return { ...query, orderBy: [...query.orderBy, order] }
      if (part === "select") return { ...query, select: [...(query.select ?? []), field.path] }
      return { ...query, where: where === undefined ? filter : { _tag: "Or", filters: [where, filter] } }
    })
  )

/** What a caller without the role sees of a record. */
export const shownOf = ({ key, state: { part, secret: _, ...state } }: Row) => ({
  key,
  state: { ...state, part: { name: part.name } }
})

/** Puts a record, and waits until the view shows it. */
export const put = ({ json }: Front, { key, state }: Row) =>
  Effect.map(
    json(`/aggregates/Thing/${encodeURIComponent(key)}/Put`, { body: state, headers: { prefer: "wait=60" } }),
    ({ status }) => assert.strictEqual(status, 200)
  )
