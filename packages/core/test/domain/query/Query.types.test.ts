import { describe, expectTypeOf, it } from "@effect/vitest"
import { Query } from "@hexfold/core"
import { DateTime, type Result, Schema } from "effect"
import { AccountId, AccountSummary, type Owner, type Summary } from "../../support/accountSummary.ts"

// What is expected here is checked by the compiler; running the tests proves only that the modules load.

type State = typeof Summary.Type

const where = (filter: (filters: Query.Filters<State>) => Query.Filter) => Query.from(AccountSummary, { where: filter })

describe("the rows of a query", () => {
  it("are states of the view", () => {
    expectTypeOf(Query.from(AccountSummary)).toEqualTypeOf<Query.Query<State>>()
    expectTypeOf(Query.from(AccountSummary, { limit: 1, orderBy: ["total"] })).toEqualTypeOf<Query.Query<State>>()
    expectTypeOf(Query.after(Query.from(AccountSummary), "")).toEqualTypeOf<Query.Query<State>>()
  })

  it("have the selected fields and no others", () => {
    const query = Query.from(AccountSummary, { select: ["owner.name", "total", "frozen", "tags"] })
    expectTypeOf(query).toEqualTypeOf<
      Query.Query<{
        readonly owner: { readonly name: string } | null
        readonly total: number
        readonly frozen?: boolean
        readonly tags: ReadonlyArray<string>
      }>
    >()
    const decode = Query.decoder(AccountSummary, Query.from(AccountSummary, { select: ["owner"] }))
    expectTypeOf<ReturnType<typeof decode>>().toEqualTypeOf<
      Result.Result<Query.Page<{ readonly owner: Owner | null }>, Schema.SchemaError>
    >()
  })

  it("in groups have a type with a name, so that a helper for any such view can be exported", () => {
    const byOwner = <State extends { readonly owner: string; readonly amount: number }>(view: Query.Source<State>) =>
      Query.groups(view, { by: ["owner"], values: ({ count, sum }) => ({ sum: sum("amount"), n: count() }) })
    type Values = { readonly sum: Query.Computed<number>; readonly n: Query.Computed<number> }
    type Owned = { readonly owner: string; readonly amount: number; readonly more: boolean }
    expectTypeOf(byOwner<Owned>).returns.toExtend<Query.Groups<Query.GroupOf<Owned, readonly ["owner"], Values>>>()
  })

  it("cannot have a field that the state lacks", () => {
    // @ts-expect-error there is no field owner.age
    expectTypeOf(() => Query.from(AccountSummary, { select: ["owner.age"] })).toBeFunction()
  })

  it("of a state that is a union have the fields of each member", () => {
    const view = {
      name: "Doors",
      schemas: { state: Schema.TaggedUnion({ Shut: {}, Ajar: { by: Schema.Int } }) }
    }
    const query = Query.from(view, { where: ({ gt }) => gt("by", 1), select: ["by"] })
    expectTypeOf(query).toEqualTypeOf<Query.Query<{} | { readonly by: number }>>()
  })
})

describe("filters", () => {
  it("take the fields of the state and operands of their types", () => {
    where(({ and, between, contains, eq, gt, includes, isNull, ne, not, or, overlaps, startsWith, ...filters }) =>
      and(
        eq("status", "open"),
        eq("id", AccountId.make("a")),
        ne("owner.name", "Ann"),
        gt("total", 100),
        eq("cents", 1n),
        eq("frozen", true),
        between("openedAt", new Date(0), new Date(1)),
        or(gt("owner.since", DateTime.makeUnsafe(0)), not(isNull("owner"))),
        filters.oneOf("status", ["open", "closed"]),
        contains("owner.name", "a", { ignoreCase: true }),
        startsWith("labels.size", "x"),
        includes("tags", "new"),
        overlaps("days", [DateTime.makeUnsafe(0)])
      )
    )
  })

  it("on a field that the state lacks do not compile", () => {
    // @ts-expect-error there is no field totl
    expectTypeOf(() => where(({ eq }) => eq("totl", 1))).toBeFunction()
    // @ts-expect-error there is no field owner.age
    expectTypeOf(() => where(({ isNull }) => isNull("owner.age"))).toBeFunction()
  })

  it("with an operand of another type do not compile", () => {
    // @ts-expect-error a text is no number
    expectTypeOf(() => where(({ gt }) => gt("total", "100"))).toBeFunction()
    // @ts-expect-error there is no such status
    expectTypeOf(() => where(({ eq }) => eq("status", "opened"))).toBeFunction()
    // @ts-expect-error a string is no AccountId
    expectTypeOf(() => where(({ eq }) => eq("id", "a"))).toBeFunction()
    // @ts-expect-error null is asked for by isNull
    expectTypeOf(() => where(({ eq }) => eq("owner.since", null))).toBeFunction()
    // @ts-expect-error a text is no time
    expectTypeOf(() => where((filters) => filters.oneOf("openedAt", ["2026-01-01"]))).toBeFunction()
    // @ts-expect-error a tag is a text
    expectTypeOf(() => where(({ includes }) => includes("tags", 1))).toBeFunction()
  })

  it("that the field's JSON cannot answer do not compile", () => {
    // @ts-expect-error whole numbers of any size are written as text
    expectTypeOf(() => where(({ gt }) => gt("cents", 1n))).toBeFunction()
    // @ts-expect-error an Option is no scalar
    expectTypeOf(() => where(({ eq }) => eq("note", "x"))).toBeFunction()
    // @ts-expect-error a number contains no text
    expectTypeOf(() => where(({ contains }) => contains("total", "1"))).toBeFunction()
    // @ts-expect-error an array is asked by includes
    expectTypeOf(() => where(({ eq }) => eq("tags", "new"))).toBeFunction()
  })
})

describe("orderBy", () => {
  it("takes fields that have an order", () => {
    Query.from(AccountSummary, { orderBy: ["status", ["total", "desc"], "owner.since"] })
    // @ts-expect-error there is no field totl
    expectTypeOf(() => Query.from(AccountSummary, { orderBy: ["totl"] })).toBeFunction()
    // @ts-expect-error an array has no order
    expectTypeOf(() => Query.from(AccountSummary, { orderBy: [["tags", "desc"]] })).toBeFunction()
    // @ts-expect-error there is no such direction
    expectTypeOf(() => Query.from(AccountSummary, { orderBy: [["total", "down"]] })).toBeFunction()
  })
})

describe("a state that contains itself", () => {
  it("has paths six names deep", () => {
    interface Folder {
      readonly name: string
      readonly parent: Folder | null
    }
    const Folder: Schema.Codec<Folder> = Schema.Struct({
      name: Schema.String,
      parent: Schema.NullOr(Schema.suspend(() => Folder))
    })
    const view = { name: "Folders", schemas: { state: Folder } }
    Query.from(view, { where: ({ eq }) => eq("parent.parent.name", "root") })
    // @ts-expect-error there is no field parent.size
    expectTypeOf(() => Query.from(view, { orderBy: ["parent.size"] })).toBeFunction()
  })
})

describe("an object of equalities", () => {
  it("takes the fields of the state with values of their types", () => {
    Query.from(AccountSummary, { where: { "owner.name": "Ann", total: 3, cents: 12n } })
    // @ts-expect-error there is no field totl
    expectTypeOf(() => Query.from(AccountSummary, { where: { totl: 3 } })).toBeFunction()
    // @ts-expect-error the total is a number
    expectTypeOf(() => Query.from(AccountSummary, { where: { total: "3" } })).toBeFunction()
  })
})

describe("a helper", () => {
  it("over any view whose state has a field compiles without casts", () => {
    const byOwner = <S extends { readonly owner: string }>(view: Query.Source<S>, owner: string, after?: string) =>
      Query.from(view, { where: ({ eq }) => eq("owner", owner), orderBy: ["owner", ["owner", "desc"]], after })
    const state = Schema.Struct({ owner: Schema.String, total: Schema.Int })
    expectTypeOf(byOwner({ name: "Totals", schemas: { state } }, "Ann")).toEqualTypeOf<Query.Query<typeof state.Type>>()
    // @ts-expect-error the state has no owner
    expectTypeOf(() => byOwner({ name: "Totals", schemas: { state: Schema.Struct({}) } }, "Ann")).toBeFunction()
  })

  it("knows no other field than those of the constraint", () => {
    const wrong = <S extends { readonly owner: string }>(view: Query.Source<S>) =>
      // @ts-expect-error the constraint has no field total
      Query.from(view, { orderBy: ["total"] })
    expectTypeOf(wrong).toBeFunction()
  })
})
