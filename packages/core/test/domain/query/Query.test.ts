import { describe, expect, it } from "@effect/vitest"
import { InvalidCursor, Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { filters, queries, records, scalars, states, texts } from "@hexfold/testing/QueryArbitraries"
import { DateTime, Option, Result, Schema } from "effect"
import fc from "fast-check"
import { AccountId, AccountSummary, Owner, Summary } from "../../support/accountSummary.ts"

type Records = ReadonlyArray<Query.Row<Schema.Json>>

const run = (query: Query.Query, all: Records) => Result.getOrThrow(QueryEvaluation.run(query, all))
const keys = (query: Query.Query, all: Records) => run(query, all).rows.map(({ key }) => key)
const unlimited = ({ limit: _, ...query }: Query.Query): Query.Query => query
const not = (filter: Query.Filter): Query.Filter => ({ _tag: "Not", filter })
const where = (filter: (filters: Query.Filters<typeof Summary.Type>) => Query.Filter) =>
  Query.from(AccountSummary, { where: filter }).where!

// Every page of a query; `between` may change the records before each page that follows.
const pages = (query: Query.Query, all: Records, between = (now: Records) => now) => {
  const rows: Array<Query.Row<unknown>> = []
  let now = all
  let page = run(query, now)
  rows.push(...page.rows)
  while (page.next !== undefined) {
    now = between(now)
    page = run(Query.after(query, page.next), now)
    rows.push(...page.rows)
  }
  return rows
}

describe("a filter", () => {
  it("and its negation share the records between them, and twice negated it is itself", () => {
    fc.assert(
      fc.property(filters, states, (filter, state) => {
        expect(QueryEvaluation.matches(not(filter), state)).toBe(!QueryEvaluation.matches(filter, state))
        expect(QueryEvaluation.matches(not(not(filter)), state)).toBe(QueryEvaluation.matches(filter, state))
      })
    )
  })

  it("and others hold together with `and`, and one is enough with `or`", () => {
    fc.assert(
      fc.property(fc.array(filters, { maxLength: 3 }), states, (filters, state) => {
        const each = filters.map((filter) => QueryEvaluation.matches(filter, state))
        expect(QueryEvaluation.matches({ _tag: "And", filters }, state)).toBe(!each.includes(false))
        expect(QueryEvaluation.matches({ _tag: "Or", filters }, state)).toBe(each.includes(true))
      })
    )
  })

  it("that compares is met by values of one kind, in one order", () => {
    const path = ["a"]
    fc.assert(
      fc.property(scalars, scalars, (a, b) => {
        const is = (is: "eq" | "gt" | "gte" | "lt" | "lte") =>
          QueryEvaluation.matches({ _tag: "Compare", path, is, value: b }, { a })
        const [eq, gt, lt] = [is("eq"), is("gt"), is("lt")]
        expect([eq, gt, lt].filter(Boolean)).toHaveLength(typeof a === typeof b ? 1 : 0)
        expect(is("gte")).toBe(gt || eq)
        expect(is("lte")).toBe(lt || eq)
        expect(eq).toBe(QueryEvaluation.matches({ _tag: "In", path, values: [b] }, { a }))
        expect(eq).toBe(QueryEvaluation.matches({ _tag: "Overlaps", path, values: [b] }, { a: [null, a] }))
      })
    )
  })

  it("orders texts by code point", () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const points = (text: string) => Array.from(text, (character) => character.codePointAt(0)!)
        const [x, y] = [points(a), points(b)]
        const i = x.findIndex((point, i) => point !== y[i])
        const before = i === -1 ? x.length < y.length : i < y.length && x[i]! < y[i]!
        expect(QueryEvaluation.matches({ _tag: "Compare", path: ["a"], is: "lt", value: b }, { a })).toBe(before)
      })
    )
    expect(QueryEvaluation.matches({ _tag: "Compare", path: ["a"], is: "lt", value: "😀" }, { a: "\uffff" })).toBe(true)
  })

  it("finds a part of a text, each character literally", () => {
    fc.assert(
      fc.property(texts, texts, texts, (before, part, behind) => {
        const text = (is: "contains" | "startsWith", a: string) =>
          QueryEvaluation.matches({ _tag: "Text", path: ["a"], is, text: part, ignoreCase: false }, { a })
        expect(text("contains", before + part + behind)).toBe(true)
        expect(text("startsWith", part + behind)).toBe(true)
        expect(text("startsWith", before + behind)).toBe((before + behind).indexOf(part) === 0)
      })
    )
    const wild = { _tag: "Text", path: ["a"], is: "contains", text: "%", ignoreCase: true } as const
    expect(QueryEvaluation.matches(wild, { a: "a" })).toBe(false)
  })

  it("leaves case out by the table alone", () => {
    const same = (a: string, text: string, ignoreCase = true) =>
      QueryEvaluation.matches({ _tag: "Text", path: ["a"], is: "startsWith", text, ignoreCase }, { a })
    expect(same("ÄΣЖ", "äσж")).toBe(true)
    expect(same("äσж", "ÄΣЖ")).toBe(true)
    expect(same("ÄΣЖ", "äσж", false)).toBe(false)
    expect([same("σ", "ς"), same("İ", "i"), same("ß", "ss"), same("\u212a", "k")]).toEqual([false, false, false, false])
  })

  it("takes what is missing for null, never leads into an array, and knows only own fields", () => {
    const isNull = (path: ReadonlyArray<string>, state: Schema.Json) =>
      QueryEvaluation.matches({ _tag: "IsNull", path }, state)
    expect([isNull(["a"], {}), isNull(["a"], { a: null }), isNull(["a", "b"], { a: 1 })]).toEqual([true, true, true])
    expect([isNull(["a"], { a: [] }), isNull(["a"], { a: false })]).toEqual([false, false])
    expect([isNull(["a", "0"], { a: [1] }), isNull(["toString"], {}), isNull(["a", "length"], { a: "x" })]).toEqual([
      true,
      true,
      true
    ])
  })
})

describe("the table of letters", () => {
  it("has as many small as large ones, none of them twice among the large", () => {
    const { lower, upper } = QueryEvaluation.caseTable
    expect([...lower].length).toBe([...upper].length)
    expect(new Set(upper).size).toBe(upper.length)
    // What is small stays so: folding twice is folding once.
    expect([...lower].some((letter) => upper.includes(letter))).toBe(false)
  })

  it("is this one", () => {
    expect(QueryEvaluation.caseTable).toMatchInlineSnapshot(`
      {
        "lower": "abcdefghijklmnopqrstuvwxyzàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĳĵķĺļľŀłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷÿźżžͱͳͷϳάέήίόύώαβγδεζηθικλμνξοπρστυφχψωϊϋϗϙϛϝϟϡϣϥϧϩϫϭϯθϸϲϻͻͼͽѐёђѓєѕіїјљњћќѝўџабвгдежзийклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѷѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӂӄӆӈӊӌӎӑӓӕӗәӛӝӟӡӣӥӧөӫӭӯӱӳӵӷӹӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯ",
        "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮĲĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽͰͲͶͿΆΈΉΊΌΎΏΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫϏϘϚϜϞϠϢϤϦϨϪϬϮϴϷϹϺϽϾϿЀЁЂЃЄЅІЇЈЉЊЋЌЍЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѶѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӁӃӅӇӉӋӍӐӒӔӖӘӚӜӞӠӢӤӦӨӪӬӮӰӲӴӶӸӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮ",
      }
    `)
  })
})

describe("pages", () => {
  it("one after another are the whole list, whatever their size", () => {
    fc.assert(
      fc.property(queries, records, fc.integer({ min: 1, max: 4 }), (query, all, limit) => {
        expect(pages({ ...query, limit }, all)).toEqual(run(unlimited(query), all).rows)
      })
    )
  })

  it("neither repeat nor skip a record when others come in between", () => {
    fc.assert(
      fc.property(queries, records, records, (query, all, later) => {
        const old = new Set(all.map(({ key }) => key))
        const added = later.filter(({ key }) => !old.has(key))
        const seen = pages({ ...query, limit: 2 }, all, (now) => [...now, ...added.splice(0, 2)])
        expect(seen.filter(({ key }) => old.has(key)).map(({ key }) => key)).toEqual(keys(unlimited(query), all))
      })
    )
  })

  it("end with one that has no cursor, also where it is full", () => {
    const all = ["a", "b", "c", "d"].map((key) => ({ key, state: {} }))
    const first = run({ _tag: "Records", view: "Things", orderBy: [], limit: 2 }, all)
    const query = Query.after({ _tag: "Records", view: "Things", orderBy: [], limit: 2 }, first.next!)
    expect(run(query, all)).toEqual({ rows: all.slice(2), next: undefined })
  })

  it("do not depend on the order in which the store has its records", () => {
    fc.assert(
      fc.property(
        queries,
        records.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length }))),
        (query, [all, shuffled]) => {
          expect(run(query, shuffled)).toEqual(run(query, all))
        }
      )
    )
  })

  it("are counted by `count`, as one", () => {
    fc.assert(
      fc.property(queries, records, (query, all) => {
        expect(QueryEvaluation.runCount(Query.count(query), all)).toBe(keys(unlimited(query), all).length)
      })
    )
  })

  it("are ordered by kind and value, then by key, and `desc` turns all but the key around", () => {
    const values = [null, false, true, -1, 2, 10, "", "a", "\uffff", "😀", {}, []]
    const all = values.map((a, i) => ({ key: `${i}`.padStart(2, "0"), state: { a } }))
    const orderBy = (direction: "asc" | "desc") => [{ path: ["a"], direction }]
    const query = { _tag: "Records", view: "Things" } as const
    expect(keys({ ...query, orderBy: orderBy("asc") }, all.toReversed())).toEqual(all.map(({ key }) => key))
    const down = [
      "10",
      "11",
      ...all
        .slice(0, 10)
        .map(({ key }) => key)
        .reverse()
    ]
    expect(keys({ ...query, orderBy: orderBy("desc") }, all)).toEqual(down)
  })
})

describe("a cursor", () => {
  const query = Query.from(AccountSummary, { orderBy: [["total", "desc"]] })
  const cursor = QueryEvaluation.cursorOf(query, { key: "\ud800😀", state: { total: 3 } })

  it("gives back its place", () => {
    expect(QueryEvaluation.decodeCursor(Query.after(query, cursor))).toEqual(
      Result.succeed({ key: "\ud800😀", values: [3] })
    )
    expect(QueryEvaluation.decodeCursor(query)).toEqual(Result.succeed(undefined))
  })

  it("that is none is refused", () => {
    for (const text of ["", "x", "%", btoa("{}"), btoa("[]"), `${cursor}!`]) {
      const refused = new InvalidCursor({ view: "AccountSummary", cursor: text, problem: "Malformed" })
      expect(QueryEvaluation.run(Query.after(query, text), [])).toEqual(Result.fail(refused))
    }
  })

  it("of a query with another view, filter or order is refused", () => {
    const others: ReadonlyArray<Query.Query> = [
      { ...query, view: "Others" },
      { ...query, where: { _tag: "IsNull", path: ["total"] } },
      { ...query, orderBy: [{ path: ["total"], direction: "asc" }] }
    ]
    for (const other of others) {
      const refused = new InvalidCursor({ view: other.view, cursor, problem: "OtherQuery" })
      expect(QueryEvaluation.run(Query.after(other, cursor), [])).toEqual(Result.fail(refused))
    }
    const forged = JSON.stringify({
      ...JSON.parse(atob(QueryEvaluation.cursorOf(query, { key: "a", state: {} }))),
      values: []
    })
    expect(Result.isFailure(QueryEvaluation.run(Query.after(query, btoa(forged).replaceAll("=", "")), []))).toBe(true)
    const narrower: Query.Query = { ...query, limit: 1, select: [["total"]] }
    expect(Result.isSuccess(QueryEvaluation.run(Query.after(narrower, cursor), []))).toBe(true)
  })
})

describe("the schema", () => {
  const decode = Schema.decodeUnknownResult(Query.QuerySchema)
  const query = { _tag: "Records", view: "Things", orderBy: [] } as const
  const refuses = (part: object) => expect(Result.isFailure(decode({ ...query, ...part }))).toBe(true)
  const nested = (depth: number): Query.Filter =>
    depth === 0 ? { _tag: "IsNull", path: ["a"] } : not(nested(depth - 1))

  it("gives back every query from its JSON text, with the same answer", () => {
    fc.assert(
      fc.property(queries, records, (query, all) => {
        const again = Result.getOrThrow(decode(JSON.parse(JSON.stringify(query))))
        expect(again).toEqual(JSON.parse(JSON.stringify(query)))
        expect(run(again, all)).toEqual(run(query, all))
      })
    )
  })

  it("refuses what is too large", () => {
    const values = Array.from({ length: Query.maxOperands }, (_, i) => i)
    const leaf = nested(0)
    expect(Result.isSuccess(decode({ ...query, where: { _tag: "In", path: ["a"], values: values.slice(1) } }))).toBe(
      true
    )
    refuses({ where: { _tag: "In", path: ["a"], values } })
    refuses({ where: { _tag: "And", filters: values.map(() => leaf) } })
    expect(Result.isSuccess(decode({ ...query, where: nested(Query.maxDepth) }))).toBe(true)
    refuses({ where: nested(Query.maxDepth + 1) })
    let deep: object = leaf
    for (let i = 0; i < 100_000; i++) deep = { _tag: "Not", filter: deep }
    refuses({ where: deep })
  })

  it("refuses what means nothing", () => {
    for (const limit of [0, -1, 1.5, "1"]) refuses({ limit })
    for (const value of [null, NaN, Infinity, [], "\ud800", "a\udc00"]) {
      refuses({ where: { _tag: "Compare", path: ["a"], is: "eq", value } })
    }
    refuses({ where: { _tag: "IsNull", path: [] } })
    refuses({ where: { _tag: "Like", path: ["a"], text: "" } })
    refuses({ orderBy: [{ path: ["a"], direction: "asc; drop table" }] })
    refuses({ select: [] })
  })
})

describe("from", () => {
  const account = (fields: Partial<typeof Summary.Type>) =>
    Summary.make({
      id: AccountId.make("a"),
      owner: null,
      status: "open",
      total: 0,
      rate: 0,
      cents: 0n,
      openedAt: new Date(0),
      updatedAt: DateTime.makeUnsafe(0),
      note: Option.none(),
      tags: [],
      days: [],
      labels: {},
      ...fields
    })
  const encode = Schema.encodeSync(Schema.toCodecJson(Summary))
  const meets = (filter: Query.Filter, fields: Partial<typeof Summary.Type>) =>
    QueryEvaluation.matches(filter, encode(account(fields)))

  it("makes a value that its schema knows", () => {
    const query = Query.from(AccountSummary, {
      where: ({ and, between, ne }) => and(ne("status", "open"), between("total", 1, 2)),
      orderBy: ["owner.name", ["total", "desc"]],
      limit: 2,
      after: "x",
      select: ["owner.name"]
    })
    expect(query).toEqual({
      _tag: "Records",
      view: "AccountSummary",
      where: {
        _tag: "And",
        filters: [
          not({ _tag: "Compare", path: ["status"], is: "eq", value: "open" }),
          {
            _tag: "And",
            filters: [
              { _tag: "Compare", path: ["total"], is: "gte", value: 1 },
              { _tag: "Compare", path: ["total"], is: "lte", value: 2 }
            ]
          }
        ]
      },
      orderBy: [
        { path: ["owner", "name"], direction: "asc" },
        { path: ["total"], direction: "desc" }
      ],
      limit: 2,
      after: "x",
      select: [["owner", "name"]]
    })
    expect(Schema.decodeUnknownSync(Query.QuerySchema)(JSON.parse(JSON.stringify(query)))).toEqual(query)
    expect(Query.from(AccountSummary)).toEqual({ _tag: "Records", view: "AccountSummary", orderBy: [] })
  })

  it("writes operands as the field's schema does", () => {
    const day = (n: number) => DateTime.makeUnsafe(n * 86_400_000)
    const owner = new Owner({ name: "Ann", since: day(2) })
    const holding = [
      where(({ gt }) => gt("owner.since", day(1))),
      where(({ between }) => between("openedAt", new Date(0), new Date(9))),
      where(({ lte }) => lte("updatedAt", day(2))),
      where(({ eq }) => eq("cents", 12n)),
      where(({ eq }) => eq("rate", 1.5)),
      where(({ gt }) => gt("total", 2.5)),
      where((filters) => filters.oneOf("id", [AccountId.make("b"), AccountId.make("a")])),
      where(({ includes }) => includes("days", day(1))),
      where(({ overlaps }) => overlaps("tags", ["x", "y"])),
      where(({ startsWith }) => startsWith("labels.size", "l", { ignoreCase: true })),
      where(({ isNull, not }) => not(isNull("owner")))
    ]
    const fields = {
      owner,
      openedAt: new Date(9),
      updatedAt: day(2),
      cents: 12n,
      rate: 1.5,
      total: 3,
      days: [day(0), day(1)],
      tags: ["y"],
      labels: { size: "LARGE" }
    }
    for (const filter of holding) expect([filter, meets(filter, fields)]).toEqual([filter, true])
    for (const filter of holding) expect([filter, meets(not(filter), fields)]).toEqual([filter, false])
  })

  it("takes an object of equalities in the place of a filter", () => {
    const equal = (where: Query.Equalities<typeof Summary.Type>) => Query.from(AccountSummary, { where }).where!
    expect(equal({ total: 3 })).toEqual(where(({ eq }) => eq("total", 3)))
    expect(equal({ total: 3, "owner.name": "Ann" })).toEqual(
      where(({ and, eq }) => and(eq("total", 3), eq("owner.name", "Ann")))
    )
    expect(equal({ total: 3, rate: undefined })).toEqual(where(({ eq }) => eq("total", 3)))
    expect(meets(equal({}), { total: 3 })).toBe(true)
  })

  it("takes undefined in the place of what is left out", () => {
    expect(
      Query.from(AccountSummary, { where: undefined, orderBy: undefined, limit: undefined, after: undefined })
    ).toEqual(Query.from(AccountSummary))
  })

  it("throws for what the JSON of the state cannot answer", () => {
    const Renamed = Schema.Struct({ total: Schema.Int }).pipe(Schema.encodeKeys({ total: "t" }))
    const view = { name: "Renamed", schemas: { state: Renamed } }
    expect(() => Query.from(view, { orderBy: ["total"] })).toThrow("the view's state has no field total")
    expect(() => where(({ gt }) => gt("rate", 1))).toThrow("the numbers of rate are written as text")
    expect(() => where(({ eq }) => eq("owner.name", "\ud800"))).toThrow("half of a surrogate pair")
    expect(() => Query.from(AccountSummary, { limit: 0 })).toThrow("greater than or equal to 1")
  })
})

describe("what is selected", () => {
  it("stands where it was, and what is missing stays so", () => {
    const paths = [["a", "b"], ["c"], ["d"], ["e", "f"], ["g", "h"], ["g"], ["g", "i"]]
    const state = { a: { b: 1, x: 2 }, c: [1], e: null, g: { h: 1, i: 2 }, x: 3 }
    expect(QueryEvaluation.selected(state, paths)).toEqual({ a: { b: 1 }, c: [1], e: null, g: { h: 1, i: 2 } })
    expect(QueryEvaluation.selected({ a: 1 }, [["a", "b"]])).toEqual({ a: null })
    const hostile = JSON.parse('{"__proto__":{"a":1}}') as Schema.Json
    expect(JSON.stringify(QueryEvaluation.selected(hostile, [["__proto__", "a"]]))).toBe('{"__proto__":{"a":1}}')
  })

  it("is decoded by the schemas of its fields, and a whole state by its own", () => {
    const since = "2026-01-31T09:00:00.000Z"
    const state = { owner: { name: "Ann", since }, cents: "12", total: 1 }
    const query = Query.from(AccountSummary, { select: ["owner.since", "cents", "frozen"] })
    const page = run(query, [
      { key: "a", state },
      { key: "b", state: { owner: null, frozen: true } }
    ])
    const decoded = Result.getOrThrow(Query.decoder(AccountSummary, query)(page))
    expect(decoded.rows).toEqual([
      { key: "a", state: { owner: { since: DateTime.makeUnsafe(since) }, cents: 12n } },
      { key: "b", state: { owner: null, frozen: true } }
    ])
    const all = Query.decoder(AccountSummary, Query.from(AccountSummary))
    expect(Result.isFailure(all(page))).toBe(true)
  })
})
