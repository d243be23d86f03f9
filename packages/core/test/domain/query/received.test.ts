import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Query } from "@hexfold/core"
import { Effect, Result, Schema } from "effect"
import { AccountSummary } from "../../support/accountSummary.ts"

const view = { ...AccountSummary, indexes: ["status", ["owner.name", "total"]] }
const all = { fields: "all", scan: true } as const
const base = { _tag: "Records", view: "AccountSummary", orderBy: [] }

// Where a query is wrong, and why.
const problem = (asked: unknown, limits: Query.QueryLimits<(typeof view)["schemas"]["state"]["Type"]> = all) => {
  const decoded = Schema.decodeUnknownResult(Query.schemaFor(view, limits))(asked)
  return Result.isFailure(decoded) ? String(decoded.failure).replace(/\s+/g, " ") : undefined
}

const compare = (path: ReadonlyArray<unknown>, value: unknown, is = "eq") => ({ _tag: "Compare", path, is, value })
const wrong = (where: unknown) => problem({ ...base, where: { _tag: "And", filters: [compare(["total"], 1), where] } })
const at = (...path: ReadonlyArray<string>) => `at ["where"]["filters"][1]${path.map((name) => `["${name}"]`).join("")}`

describe("a query that somebody has sent", () => {
  it("is decoded if the view can answer it, with a limit and a timeout", () => {
    const asked = { ...base, where: compare(["status"], "open"), orderBy: [], select: [["total"]] }
    const schema = Query.schemaFor(view)
    const query = Schema.decodeUnknownSync(schema)(asked)
    expect(query).toEqual({ ...asked, limit: 20, timeout: 2_000 })
    expect(Schema.encodeSync(schema)(query)).toEqual({ ...asked, limit: 20 })
    expectTypeOf(query).toExtend<Query.Query>()
  })

  it("has the path of what is wrong", () => {
    expect(problem({ ...base, view: "Salaries" })).toContain('at ["view"]')
    expect(problem({ ...base, timeout: 1 })).toContain('at ["timeout"]')
    expect(problem({ ...base, index: [] })).toContain('at ["index"]')
    expect(wrong(compare(["salary"], 1))).toContain(`has no field salary ${at("path")}`)
    expect(wrong({ _tag: "IsNull", path: ["owner", "age"] })).toContain(at("path"))
    expect(wrong(compare(["total"], 1, "like"))).toContain(at("is"))
    expect(wrong({ _tag: "Like", path: ["total"] })).toContain(at("_tag"))
    expect(wrong({ ...compare(["total"], 1), more: 1 })).toContain(at("more"))
    expect(wrong(compare(["total"], "1"))).toContain(at("value"))
    expect(wrong(compare(["status"], "gone"))).toContain(at("value"))
    expect(wrong(compare(["openedAt"], "yesterday"))).toContain(at("value"))
    expect(wrong(compare(["tags"], "new"))).toContain(at("path"))
    expect(wrong(compare(["cents"], "1", "gt"))).toContain(`written as text, which has another order ${at("path")}`)
    expect(wrong(compare(["rate"], "1", "lt"))).toContain(at("path"))
    expect(wrong({ _tag: "Overlaps", path: ["total"], values: [1] })).toContain(at("path"))
    expect(wrong({ _tag: "Text", path: ["total"], is: "contains", text: "1" })).toContain(at("path"))
    expect(wrong({ _tag: "In", path: ["total"], values: [1, "x"] })).toContain('["values"][1]')
    expect(wrong(null)).toContain(at("_tag"))
    expect(problem({ ...base, orderBy: [{ path: ["tags"], direction: "asc" }] })).toContain('at ["orderBy"][0]["path"]')
    expect(problem({ ...base, orderBy: [{ path: ["total"], direction: "up" }] })).toContain(
      'at ["orderBy"][0]["direction"]'
    )
    expect(problem({ ...base, select: [] })).toContain('at ["select"]')
    expect(problem(null)).toContain("expected an object")
  })

  it("has its operands as the view writes them", () => {
    const where = compare(["openedAt"], "2026-01-31T10:00:00+01:00", "gte")
    const query = Schema.decodeUnknownSync(Query.schemaFor(view, all))({ ...base, where })
    expect(query.where).toMatchObject({ value: "2026-01-31T09:00:00.000Z" })
    const half = Schema.decodeUnknownSync(Query.schemaFor(view, all))({ ...base, where: compare(["total"], 0.5, "gt") })
    expect(half.where).toMatchObject({ value: 0.5 })
  })

  it("asks for null as a query of the program does, also for an option", () => {
    const state = Schema.Struct({ note: Schema.Option(Schema.Int), n: Schema.NullOr(Schema.Int) })
    const notes = { name: "Notes", schemas: { state } }
    const decode = Schema.decodeUnknownSync(Query.schemaFor(notes, { scan: true, fields: "all" }))
    for (const path of ["note", "n"] as const) {
      const { where } = Query.from(notes, { where: ({ isNull }) => isNull(path) })
      const sent = { _tag: "Records", view: "Notes", orderBy: [] }
      expect(decode({ ...sent, where: { _tag: "IsNull", path: [path] } }).where).toEqual(where)
      expect(decode({ ...sent, where }).where).toMatchObject({ _tag: where!._tag })
    }
  })

  it("does not ask for a field that has several meanings where it is missing", () => {
    const member = <Tag extends string>(tag: Tag, n: number) =>
      Schema.TaggedStruct(tag, { n: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(n))) })
    const state = Schema.Union([member("A", 1), member("B", 2)])
    const unions = { name: "Unions", schemas: { state }, indexes: ["n"] }
    for (const limits of [{ scan: true, fields: "all" }, {}] as const) {
      const decode = Schema.decodeUnknownResult(Query.schemaFor(unions, limits))
      for (const parts of [
        { where: compare(["n"], 1) },
        { orderBy: [{ path: ["n"], direction: "asc" }] },
        { select: [["n"]] }
      ]) {
        const decoded = decode({ _tag: "Records", view: "Unions", orderBy: [], ...parts })
        expect(Result.isFailure(decoded) && String(decoded.failure)).toContain("a missing field n has several meanings")
      }
    }
  })

  it("selects an unknown field as null", () => {
    expect(problem({ ...base, select: [["nope"]] })).toBeUndefined()
  })
})

describe("limits", () => {
  const status = compare(["status"], "open")

  it("allow what an index answers, and the rest only with scan", () => {
    const name = compare(["owner", "name"], "Ann")
    const orderBy = [{ path: ["total"], direction: "desc" }]
    const range = { _tag: "And", filters: [name, compare(["total"], 1, "gt"), compare(["total"], 9, "lte")] }
    for (const asked of [
      base,
      { ...base, where: status },
      { ...base, where: name, orderBy },
      { ...base, where: range, orderBy }
    ]) {
      expect(problem(asked, {})).toBeUndefined()
    }
    const scans = [
      { ...base, where: { _tag: "Not", filter: status } },
      { ...base, where: name },
      { ...base, where: name, orderBy: [{ path: ["total"], direction: "desc", ignoreCase: true }] },
      { ...base, where: status, orderBy },
      { ...base, where: { _tag: "Text", path: ["owner", "name"], is: "contains", text: "n" }, orderBy },
      { ...base, where: { _tag: "In", path: ["status"], values: Array.from({ length: 21 }, () => "open") } },
      { ...base, total: true }
    ]
    for (const asked of scans) {
      expect([asked, problem(asked, {})]).toEqual([asked, expect.stringMatching(/at \["(where|orderBy|total)"\]/)])
      expect([asked, problem(asked, { scan: true })]).toEqual([asked, undefined])
    }
  })

  it("name the indexes that there are, in bounded length, and no field that may not be asked for", () => {
    const said = (
      indexes: ReadonlyArray<string | ReadonlyArray<string>>,
      limits: Parameters<typeof problem>[1] = {}
    ) => {
      const decode = Schema.decodeUnknownResult(Query.schemaFor({ ...view, indexes }, limits))
      const decoded = decode({ ...base, where: { _tag: "Not", filter: status } })
      return Result.isFailure(decoded) ? /look at all records: (.*)/.exec(String(decoded.failure))?.[1] : undefined
    }
    expect(said(view.indexes)).toBe("its indexes are [status], [owner.name, total]")
    expect(said(view.indexes, { fields: ["status", "total"] })).toBe("its indexes are [status]")
    expect(said(view.indexes, { fields: ["status", "total", "owner"] })).toBe(said(view.indexes))
    expect(said(view.indexes, { fields: "all", unnamed: ["owner"] })).toBe("its indexes are [status]")
    expect(said(view.indexes, { unnamed: ["owner.name", "status"] })).toBe("it has no index that may be named")
    expect(said([], { fields: "all" })).toBe("it has no index")
    const many = said(Array.from({ length: 1_000 }, () => ["status", "owner.name"]))
    expect(many).toMatch(/^its indexes are (\[status, owner.name\], ){10,20}9\d\d more$/)
  })

  it("name the fields that may be asked for", () => {
    const total = { ...base, where: compare(["updatedAt"], 1) }
    expect(problem(total, { scan: true })).toContain('updatedAt may not be asked for at ["where"]["path"]')
    expect(problem(total, { scan: true, fields: ["updatedAt"] })).toBeUndefined()
    expect(problem({ ...base, orderBy: [{ path: ["rate"], direction: "asc" }] }, {})).toContain(
      'at ["orderBy"][0]["path"]'
    )
    expect(problem({ ...base, where: status }, { fields: ["total"] })).toContain("may not be asked for")
  })

  it("bound the size of a page and of every part", () => {
    expect(problem({ ...base, limit: 101 }, {})).toContain('expected a whole number from 1 to 100 at ["limit"]')
    expect(problem({ ...base, limit: 0.5 }, {})).toContain('at ["limit"]')
    expect(problem({ ...base, where: { _tag: "Or", filters: Array.from({ length: 101 }, () => status) } })).toContain(
      "more than 100"
    )
    const names = Array.from({ length: 11 }, () => "x")
    expect(problem({ ...base, select: [names] })).toContain('more than 10 names at ["select"][0]')
    expect(problem({ ...base, select: [["x".repeat(201)]] })).toContain('more than 200 characters at ["select"][0][0]')
    expect(problem({ ...base, where: compare(["labels", "x"], "x".repeat(1_001)) })).toContain(
      "more than 1000 characters"
    )
    expect(problem({ ...base, after: "x".repeat(65_537) })).toContain('at ["after"]')
    let deep: unknown = status
    for (let i = 0; i < 100_000; i++) deep = { _tag: "Not", filter: deep }
    expect(problem({ ...base, where: deep })).toContain("nested deeper than 20")
    const query = Schema.decodeUnknownSync(Query.schemaFor(view, { maxLimit: 5, timeout: "1 second" }))(base)
    expect(query).toEqual({ ...base, limit: 5, timeout: 1_000 })
  })

  it("are looked at before a part of a query is read", () => {
    let read = 0
    const filters = new Proxy(
      Array.from({ length: 1_000_000 }, () => status),
      {
        get: (target, name) => {
          if (name !== "length" && name !== "constructor") read++
          return Reflect.get(target, name) as unknown
        }
      }
    )
    expect(problem({ ...base, where: { _tag: "Or", filters } })).toContain("more than 100")
    expect(read).toBe(0)
  })

  it("that make no sense throw", () => {
    expect(() => Query.schemaFor(view, { maxLimit: 0 })).toThrow("the limit maxLimit must be a whole number from 1")
    expect(() => Query.schemaFor(view, { maxLimit: 5, defaultLimit: 6 })).toThrow("is more than maxLimit")
    expect(() => Query.schemaFor(view, { maxLimit: 5_000 })).toThrow("needs scan")
    expect(() => Query.schemaFor({ ...view, indexes: ["nope"] })).toThrow("no field nope")
  })
})

describe("a query for groups that somebody has sent", () => {
  const asked = {
    _tag: "Groups",
    view: "AccountSummary",
    by: [["status"]],
    values: { n: { _tag: "count" }, sum: { _tag: "sum", path: ["total"] } }
  }
  const decode = (
    given: unknown,
    limits: Parameters<typeof Query.groupsSchemaFor<typeof view.schemas.state.Type, string>>[1]
  ) => Schema.decodeUnknownResult(Query.groupsSchemaFor(view, limits))(given)

  it("needs limits with scan", () => {
    expect(Result.getOrThrow(decode(asked, all))).toEqual({ ...asked, limit: 20, timeout: 2_000 })
    expect(String(Result.getOrThrow(Result.flip(decode(asked, {}))))).toContain("groups look at all records")
    const wrong = { ...asked, values: { sum: { _tag: "sum", path: ["status"] } } }
    expect(String(Result.getOrThrow(Result.flip(decode(wrong, all))))).toContain(
      'is not a number\n  at ["values"]["sum"]["path"]'
    )
    expect(Result.isFailure(decode({ ...asked, by: [["tags"]] }, all))).toBe(true)
  })
})

describe("helpers over any state with an owner", () => {
  it("compile without casts", () => {
    const helper = <S extends { readonly owner: string }>(view: Query.Source<S>, owner: string) => [
      Query.from(view, {
        where: ({ and, eq, oneOf }) => and(eq("owner", owner), oneOf("owner", [owner])),
        orderBy: [["owner", "asc", { ignoreCase: true }]]
      }),
      Query.groups(view, { by: ["owner"], values: ({ count, max }) => ({ n: count(), last: max("owner") }) }),
      Query.schemaFor(view, { fields: ["owner"], scan: true })
    ]
    const state = Schema.Struct({
      owner: Schema.String,
      more: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1)))
    })
    expect(helper({ name: "Owned", schemas: { state } }, "ann")).toHaveLength(3)
  })
})
