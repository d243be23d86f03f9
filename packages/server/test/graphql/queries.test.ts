import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Api, Decision, Executor, Projection, Query, Records, View } from "@hexfold/core"
import { Arbitrary, DateTime, Effect, Layer, Option, Schema } from "effect"
import { serveOn } from "./web.ts"

const fields = {
  text: Schema.String,
  cents: Schema.Int,
  flag: Schema.Boolean,
  colour: Schema.Literals(["red", "deep blue"]),
  due: Schema.Option(Schema.DateTimeUtc),
  big: Schema.BigInt,
  nested: Schema.Struct({ note: Schema.NullOr(Schema.String) }),
  tags: Schema.Array(Schema.String)
} as const

const Thing = Schema.Struct(fields)
type Thing = typeof Thing.Type

const Make = Schema.TaggedStruct("Make", fields)
const Made = Schema.TaggedStruct("Made", fields)

const Item = Aggregate.make("Item", {
  id: Schema.String,
  state: Schema.Struct({}),
  initial: {},
  commands: [Make],
  events: [Made],
  decide: { Make: ({ _tag: _, ...thing }) => Decision.accept(Made.make(thing)) },
  evolve: { Made: () => ({}) }
})

const Items = View.make("Items", {
  from: [Item],
  state: Thing,
  evolve: { Made: (_: Thing | undefined, { _tag, ...thing }): Thing => thing }
})

const items = Api.make("items", {
  aggregates: [Item],
  views: [Items],
  limits: { Items: { fields: "all", scan: true } },
  policies: "open"
})

// The values that fields have and are compared with: as the domain has them, and as they are written in a document.
const moments = [0, 1_000, 1_738_368_000_000].map((millis) => DateTime.makeUnsafe(millis))
const pools = {
  text: ["", "ann", "Ann", "böb"].map((value) => ({ value, sent: JSON.stringify(value) })),
  cents: [-1, 0, 5, 3_000_000_000].map((value) => ({ value, sent: String(value) })),
  flag: [true, false].map((value) => ({ value, sent: String(value) })),
  colour: (["red", "deep blue"] as const).map((value) => ({ value, sent: value.replace(" ", "_") })),
  due: moments.map((value) => ({ value, sent: JSON.stringify(DateTime.formatIso(value)) })),
  big: [0n, 9n, 10n].map((value) => ({ value, sent: `"${value}"` })),
  "nested.note": ["", "ann", "x"].map((value) => ({ value, sent: JSON.stringify(value) })),
  tags: ["a", "b", "c"].map((value) => ({ value, sent: JSON.stringify(value) }))
} as const

const ordered = ["eq", "ne", "in", "isNull", "gt", "gte", "lt", "lte", "between"] as const
const texts = [...ordered, "startsWith", "contains"] as const
const equal = ["eq", "ne", "in", "isNull"] as const

const Pick = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 11 }))
const leaf = <const F extends keyof typeof pools, const Ops extends ReadonlyArray<string>>(field: F, ops: Ops) =>
  Schema.Struct({ field: Schema.Literal(field), is: Schema.Literals(ops), a: Pick, b: Pick })

const Leaf = Schema.Union([
  leaf("text", texts),
  leaf("cents", ordered),
  leaf("flag", equal),
  leaf("colour", equal),
  leaf("due", ordered),
  leaf("big", equal),
  leaf("nested.note", texts),
  leaf("tags", ["includes", "overlaps", "isNull"])
])
type Leaf = typeof Leaf.Type

type Where =
  | Leaf
  | { readonly and: ReadonlyArray<Where> }
  | { readonly or: ReadonlyArray<Where> }
  | { readonly not: Where }

const whereOf = (depth: number): Schema.Codec<Where> => {
  if (depth === 0) return Leaf
  const inner = whereOf(depth - 1)
  const several = Schema.Array(inner).check(Schema.isMaxLength(3))
  return Schema.Union([
    Leaf,
    Schema.Struct({ and: several }),
    Schema.Struct({ or: several }),
    Schema.Struct({ not: inner })
  ])
}

const Order = Schema.Struct({
  field: Schema.Literals(["text", "cents", "flag", "colour", "due", "nested.note"]),
  direction: Schema.Literals(["asc", "desc"]),
  nulls: Schema.NullOr(Schema.Literals(["first", "last"]))
})

const Question = Schema.Struct({
  where: Schema.NullOr(whereOf(3)),
  orders: Schema.Array(Order).check(Schema.isMaxLength(2)),
  first: Schema.Literals([1, 4, 9])
})

const poolOf = ({ a, b, field }: Leaf) => {
  const pool = pools[field]
  return [pool[a % pool.length]!, pool[b % pool.length]!] as const
}

/** The question in GraphQL. */
const sentOf = (where: Where): string => {
  if ("and" in where) return `{ and: [${where.and.map(sentOf).join(", ")}] }`
  if ("or" in where) return `{ or: [${where.or.map(sentOf).join(", ")}] }`
  if ("not" in where) return `{ not: ${sentOf(where.not)} }`
  const [a, b] = poolOf(where)
  const operand =
    where.is === "isNull"
      ? String(where.a % 2 === 0)
      : where.is === "in" || where.is === "overlaps"
        ? `[${a.sent}, ${b.sent}]`
        : where.is === "between"
          ? `{ from: ${a.sent}, to: ${b.sent} }`
          : a.sent
  const isText = where.is === "startsWith" || where.is === "contains"
  const comparison = `{ ${where.is}: ${operand} ${isText ? `, ignoreCase: ${where.b % 2 === 0}` : ""} }`
  return where.field === "nested.note" ? `{ nested: { note: ${comparison} } }` : `{ ${where.field}: ${comparison} }`
}

type Loose = Readonly<Record<string, (...args: ReadonlyArray<unknown>) => Query.Filter>>

/** The question as the domain asks it. */
const filterOf =
  (where: Where) =>
  (filters: unknown): Query.Filter => {
    const of = filters as Loose
    const inner = (each: Where) => filterOf(each)(filters)
    if ("and" in where) return of["and"]!(...where.and.map(inner))
    if ("or" in where) return of["or"]!(...where.or.map(inner))
    if ("not" in where) return of["not"]!(inner(where.not))
    const { field } = where
    const [{ value: a }, { value: b }] = poolOf(where)
    // An Option is compared by its value, which stands one step further in its JSON.
    const path = field === "due" && where.is !== "isNull" ? "due.value" : field
    switch (where.is) {
      case "isNull":
        return where.a % 2 === 0 ? of["isNull"]!(path) : of["not"]!(of["isNull"]!(path))
      case "in":
        return of["oneOf"]!(path, [a, b])
      case "between":
        return of["between"]!(path, a, b)
      case "overlaps":
        return of["overlaps"]!(path, [a, b])
      case "startsWith":
      case "contains":
        return of[where.is]!(path, a, { ignoreCase: where.b % 2 === 0 })
      default:
        return of[where.is]!(path, a)
    }
  }

const thingOf = (picks: ReadonlyArray<number>): Thing => {
  const one = <F extends keyof typeof pools>(field: F, i: number) => {
    const pool: ReadonlyArray<{ readonly value: unknown }> = pools[field]
    return pool[picks[i]! % pool.length]!.value as (typeof pools)[F][number]["value"]
  }
  return {
    text: one("text", 0),
    cents: one("cents", 1),
    flag: one("flag", 2),
    colour: one("colour", 3),
    due: picks[4]! % 4 === 0 ? Option.none() : Option.some(one("due", 4)),
    big: one("big", 5),
    nested: { note: picks[6]! % 3 === 0 ? null : one("nested.note", 6) },
    tags: ["a", "b", "c"].slice(picks[7]! % 3, picks[0]! % 4)
  }
}

describe("a question in GraphQL", () => {
  it.live("has the answer of the same query, and its pages together are the list", () =>
    Effect.gen(function* () {
      const stores = yield* Layer.build(
        Layer.provideMerge(Projection.layer(items.views), MemoryStores.layer({ views: items.views }))
      )
      const picks = yield* Arbitrary.sampleEffect(
        Arbitrary.schema(Schema.Array(Pick).check(Schema.isMinLength(8), Schema.isMaxLength(8))),
        { count: 25, seed: 4 }
      )
      for (const [i, each] of picks.entries()) {
        yield* Executor.execute(Item, `i${i}`, { _tag: "Make", ...thingOf(each) }).pipe(
          Projection.waitFor(items.views),
          Effect.provideContext(stores)
        )
      }
      const { data } = yield* serveOn(items, stores)
      let found = 0
      const outcome = yield* Arbitrary.checkEffect(
        Arbitrary.schema(Question),
        ({ first, orders, where }) =>
          Effect.gen(function* () {
            const query = Query.from(Items, {
              ...(where === null ? {} : { where: filterOf(where) }),
              orderBy: orders.map(
                ({ direction, field, nulls }) =>
                  [field === "due" ? "due.value" : field, direction, nulls === null ? {} : { nulls }] as never
              )
            })
            const expected = yield* Effect.provideContext(Records.query(Items, query), stores)
            const sent = orders.map(
              ({ direction, field, nulls }) =>
                `{ field: ${field.replace(".", "_")}, direction: ${direction.toUpperCase()}${nulls === null ? "" : `, nulls: ${nulls.toUpperCase()}`} }`
            )
            const keys: Array<string> = []
            let after: string | null = null
            do {
              const { items } = (yield* data(
                `query ($after: String) { items(first: ${first}, after: $after, orderBy: [${sent.join(", ")}]
                  ${where === null ? "" : `, where: ${sentOf(where)}`}) { totalCount nodes { key } pageInfo { hasNextPage endCursor } } }`,
                { variables: { after } }
              )) as {
                readonly items: {
                  readonly totalCount: number
                  readonly nodes: ReadonlyArray<{ readonly key: string }>
                  readonly pageInfo: { readonly endCursor: string | null }
                }
              }
              assert.strictEqual(items.totalCount, expected.rows.length)
              assert.isAtMost(items.nodes.length, first)
              keys.push(...items.nodes.map(({ key }) => key))
              after = items.pageInfo.endCursor
            } while (after !== null)
            assert.deepStrictEqual(
              keys,
              expected.rows.map(({ key }) => key)
            )
            if (keys.length > 0 && keys.length < 25) found++
            return true
          }),
        { runs: 80, seed: 16 }
      )
      assert.strictEqual(outcome._tag, "Passed", Arbitrary.formatCheckFailure(outcome))
      // Most questions must tell the records apart, or they would show nothing.
      assert.isAbove(found, 15)
    })
  )
})
