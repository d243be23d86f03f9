/** What must hold of the answers to a question. */
import { assert } from "@effect/vitest"
import type { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, Result, type Schema } from "effect"
import type { Front } from "../Front.ts"
import { graphql } from "../speaking/graphql.ts"
import { http } from "../speaking/http.ts"
import { whereOf } from "../speaking/questions.ts"
import { type Page, refusal, type Speaker } from "../speaking/Speaker.ts"
import { byPost } from "../speaking/transports.ts"
import { marker, put, type Row, seenPaths, shownOf, Things } from "../things.ts"

export const auditor = "eve:auditor"
export const reader = "ann"

/** Whether the reader may see a record. */
export const seenByReader = ({ state }: Row): boolean => state.isShared || state.owner === reader

/** A question as the address of a list, if the address can say it. */
const addressOf = ({ after, limit, orderBy, select, total, where }: Query.Query): string | undefined => {
  if (orderBy.some(({ ignoreCase, nulls }) => ignoreCase !== undefined || nulls !== undefined)) return undefined
  const params = new URLSearchParams({
    orderBy: orderBy.map(({ direction, path }) => (direction === "desc" ? "-" : "") + path.join(".")).join(","),
    ...(where === undefined ? {} : { where: JSON.stringify(where) }),
    ...(limit === undefined ? {} : { limit: `${limit}` }),
    ...(after === undefined ? {} : { after }),
    ...(select === undefined ? {} : { select: select.map((path) => path.join(".")).join(",") }),
    ...(total === undefined ? {} : { total: `${total}` })
  })
  return `/views/Things?${params.toString()}`
}

/** HTTP, which may be asked by an address as well: the answer must be the same. */
const byAddress = ({ json }: Front, speaker: Speaker): Speaker => ({
  ...speaker,
  page: (query, as) =>
    Effect.gen(function* () {
      const posted = yield* speaker.page(query, as)
      const address = addressOf(query)
      if (address !== undefined) {
        const { body, status } = yield* json(address, as === undefined ? {} : { as })
        const found: Page = status === 200 ? (body as unknown as Page) : refusal(String(body["title"]))
        assert.deepStrictEqual(withoutCursor(found), withoutCursor(posted))
      }
      return posted
    })
})

// Whether there is one counts. What it says is the server's own business.
const withoutCursor = (page: Page): unknown => ({ ...page, next: "next" in page })

/** The fronts that each question is put to. The socket is left out, because it executes queries as GraphQL over HTTP does. */
const askedOf = (front: Front): ReadonlyArray<Speaker> => [byAddress(front, http(front)), graphql(byPost(front))]

/** A question that selects what somebody may see, if it selects nothing: GraphQL has no other ones. */
export const selecting = (query: Query.Query, all: ReadonlyArray<Query.Path>): Query.Query => ({
  select: all,
  ...query
})

type Stored = Query.Row<Schema.Json>

/** What the query means, by the rules of the library itself. */
const meant = (query: Query.Query, all: ReadonlyArray<Stored>) =>
  Result.getOrThrow(QueryEvaluation.run(QueryEvaluation.prepared(Things, query), all))

/** Asks for all pages, and compares each with what it must be. */
const checkPages = ({ name, page }: Speaker, query: Query.Query, as: string, all: ReadonlyArray<Stored>) =>
  Effect.gen(function* () {
    const { limit: _, ...unlimited } = query
    const whole = meant(unlimited, all).rows
    const collected: Array<Stored> = []
    let local = query
    let remote = query
    for (;;) {
      const { next, ...found } = yield* page(remote, as)
      const { next: localNext, ...expected } = meant(local, all)
      assert.deepStrictEqual<unknown>(found, expected, `${name}: ${JSON.stringify(remote)}`)
      assert.strictEqual(next === undefined, localNext === undefined)
      collected.push(...expected.rows)
      if (localNext === undefined) break
      local = { ...query, after: localNext }
      remote = { ...query, after: String(next) }
    }
    assert.deepStrictEqual(collected, whole)
    assert.strictEqual(new Set(collected.map(({ key }) => key)).size, collected.length)
  })

export const everyPage = (front: Front, query: Query.Query, as: string, all: ReadonlyArray<Stored>) =>
  Effect.forEach(askedOf(front), (speaker) => checkPages(speaker, query, as, all), { discard: true })

/** Asserts that groups have the values of the records that somebody may see, and of no others. */
export const checkGroups = (front: Front, { where }: Query.Query, as: string, all: ReadonlyArray<Stored>) =>
  Effect.gen(function* () {
    const query = `query ($where: ThingsFilter) {
      thingsGroups(where: $where, first: 100) { by { owner isShared } count sum { count } min { label } max { rate } }
    }`
    const variables = where === undefined ? {} : { where: whereOf(where) }
    const { body } = yield* front.json("/graphql", { body: { query, variables }, as })
    const meant = QueryEvaluation.runGroups(
      QueryEvaluation.prepared(Things, {
        _tag: "Groups",
        view: "Things",
        ...(where === undefined ? {} : { where }),
        by: [["owner"], ["isShared"]],
        values: {
          count: { _tag: "count" },
          sum: { _tag: "sum", path: ["count"] },
          min: { _tag: "min", path: ["label"] },
          max: { _tag: "max", path: ["rate"] }
        }
      }),
      all
    )
    assert.deepStrictEqual<unknown>(
      (body["data"] as { readonly thingsGroups: unknown }).thingsGroups,
      meant.map(({ by: [owner, isShared], values }) => ({
        by: { owner, isShared },
        count: values["count"],
        sum: { count: Number(values["sum"]) },
        min: { label: values["min"] },
        max: { rate: values["max"] }
      }))
    )
  })

/** Asserts that hidden records and changes of hidden fields are not to be noticed. */
export const checkHidden = (
  front: Front,
  { livePage, liveRecord, page, record }: Speaker,
  found: ReadonlyArray<Row>,
  asked: ReadonlyArray<Query.Query>
) =>
  Effect.gen(function* () {
    for (const row of found) {
      const shown = seenByReader(row) ? shownOf(row).state : undefined
      assert.deepStrictEqual<unknown>(yield* record("Things", row.key, seenPaths, reader), shown)
    }
    const visible = found.filter(seenByReader)
    for (const each of asked) {
      const query = selecting(each, seenPaths)
      const { next } = yield* page(query, auditor)
      if (next === undefined) continue
      const after = yield* page({ ...query, after: next as string }, reader)
      if ("rows" in after) {
        const keys = new Set(visible.map(({ key }) => key))
        assert.isTrue((after.rows as ReadonlyArray<Stored>).every(({ key }) => keys.has(key)))
      } else assert.deepStrictEqual<unknown>(after, { is: "Invalid" })
    }
    yield* Effect.scoped(
      Effect.gen(function* () {
        const everything = { _tag: "Records", view: "Things", orderBy: [], limit: 100, select: seenPaths } as const
        const pages = yield* livePage(everything, reader)
        assert.deepStrictEqual<unknown>(yield* pages.next, { rows: visible.map(shownOf) })
        const secret = found.find((row) => !seenByReader(row))
        if (secret !== undefined) {
          const hidden = yield* liveRecord("Things", secret.key, seenPaths, reader)
          assert.isNull(yield* hidden.next)
          yield* put(front, { ...secret, state: { ...secret.state, count: 3 } })
        }
        const [first] = visible
        if (first !== undefined) {
          // Only what is hidden changes, and then what is seen: the next page has the second change.
          yield* put(front, { ...first, state: { ...first.state, secret: `${marker}9` } })
          const changed = { ...first, state: { ...first.state, label: "changed" } }
          yield* put(front, changed)
          const expected = visible.map((row) => (row === first ? changed : row))
          assert.deepStrictEqual<unknown>(yield* pages.next, { rows: expected.map(shownOf) })
          // As it was, for the next front.
          yield* put(front, first)
        }
      })
    )
  })
