/** Arbitrary questions: a front gives what `Query` means, and nothing of what is hidden. */
import { assert } from "@effect/vitest"
import type { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, Result, type Schema } from "effect"
import fc from "fast-check"
import type { Body } from "../../http/web.ts"
import type { Cases, Front, Open } from "../Front.ts"
import {
  forbiddenQuestions,
  marker,
  plainQuestions,
  questions as anyQuestions,
  type Row,
  rows,
  shownOf,
  Things,
  things
} from "../things.ts"

/** Data sets of a property; each has a server of its own. */
const numRuns = Number(process.env["HEXFOLD_FRONT_RUNS"] ?? 4)

/** Questions to one data set. */
const many = { minLength: 25, maxLength: 25 } as const

const auditor = "eve:auditor"
const reader = "ann"

type Sees = (row: Row) => boolean
const seenByReader: Sees = ({ state }) => state.isShared || state.owner === reader

/** Asserts a property of data sets, each on a server that has it. */
const holds = <Questions>(
  open: Open,
  given: fc.Arbitrary<Questions>,
  check: (front: Front, found: ReadonlyArray<Row>, asked: Questions) => Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(rows, given, (found, asked) =>
        Effect.runPromise(
          Effect.scoped(
            Effect.gen(function* () {
              const front = yield* open(things)
              yield* fill(front, found)
              yield* check(front, found, asked)
            })
          )
        )
      ),
      // A smaller data set needs another server: what has failed is shown as it is.
      { numRuns, endOnFailure: true }
    )
  )

const put = ({ json }: Front, { key, state }: Row) =>
  Effect.map(
    json(`/aggregates/Thing/${encodeURIComponent(key)}/Put`, { body: state, headers: { prefer: "wait=60" } }),
    ({ status }) => assert.strictEqual(status, 200)
  )

const fill = (front: Front, found: ReadonlyArray<Row>) =>
  Effect.gen(function* () {
    const commands = found.map(({ key, state }) => ({
      aggregate: "Thing",
      id: key,
      command: { _tag: "Put", ...state }
    }))
    const { body } = yield* front.json("/batch", { body: { commands } })
    assert.isTrue((body["results"] as ReadonlyArray<{ readonly status: number }>).every(({ status }) => status === 200))
    // The view shows the last one, so it shows all that were before.
    yield* put(front, found.at(-1)!)
  })

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

/** Asks a question in every way that there is, and gives the one answer. */
const answer = ({ json }: Front, query: Query.Query, as: string) =>
  Effect.gen(function* () {
    const posted = yield* json("/views/Things", { body: query, as })
    const address = addressOf(query)
    if (address !== undefined) {
      const { body, status } = yield* json(address, { as })
      assert.deepStrictEqual([status, withoutCursor(body)], [posted.status, withoutCursor(posted.body)])
    }
    return posted
  })

// Whether there is one counts. What it says is the server's own business.
const withoutCursor = (body: Body): unknown => ({ ...body, next: body.next !== undefined })

type Stored = Query.Row<Schema.Json>

/** What the query means, by the rules of the library itself. */
const meant = (query: Query.Query, all: ReadonlyArray<Stored>) =>
  Result.getOrThrow(QueryEvaluation.run(QueryEvaluation.prepared(Things, query), all))

/** Asks for all pages, and compares each with what it must be. */
const checkPages = (front: Front, query: Query.Query, as: string, all: ReadonlyArray<Stored>) =>
  Effect.gen(function* () {
    const { limit: _, ...unlimited } = query
    const whole = meant(unlimited, all).rows
    const collected: Array<Stored> = []
    let local = query
    let remote = query
    for (;;) {
      const { body, status } = yield* answer(front, remote, as)
      const expected = meant(local, all)
      const { next, ...page } = body
      const { next: localNext, ...localPage } = expected
      assert.deepStrictEqual<unknown>([status, page], [200, localPage], JSON.stringify(remote))
      assert.strictEqual(next === undefined, localNext === undefined)
      collected.push(...(page.rows as ReadonlyArray<Stored>))
      if (localNext === undefined) break
      local = { ...query, after: localNext }
      remote = { ...query, after: next }
    }
    assert.deepStrictEqual(collected, whole)
    assert.strictEqual(new Set(collected.map(({ key }) => key)).size, collected.length)
  })

export const questions: Cases = {
  "any question has the answer that it means, and the pages together are the list": (open) =>
    holds(open, fc.array(anyQuestions, many), (front, found, asked) =>
      Effect.forEach(asked, (query) => checkPages(front, query, auditor, found), { discard: true })
    ),

  "no question brings out a record or a field that is hidden, also not by order, total or cursor": (open) =>
    holds(open, fc.array(plainQuestions, many), (front, found, asked) =>
      // As if the hidden records and fields did not exist.
      Effect.forEach(asked, (query) => checkPages(front, query, reader, found.filter(seenByReader).map(shownOf)), {
        discard: true
      })
    ),

  "a question that uses a hidden field is refused, and the refusal says nothing of it": (open) =>
    holds(open, fc.array(forbiddenQuestions, many), (front, _, asked) =>
      Effect.forEach(
        asked,
        (query) =>
          Effect.gen(function* () {
            for (const path of ["/views/Things", "/live/Things"]) {
              const { body, status } = yield* front.json(path, { body: query, as: reader })
              assert.deepStrictEqual([status, body["title"]], [403, "Forbidden"])
              assert.notInclude(JSON.stringify(body), marker)
            }
          }),
        { discard: true }
      )
    ),

  "a record that is hidden is like one that is not there: by key, live, and by the cursor of somebody else": (open) =>
    holds(open, fc.array(plainQuestions, { minLength: 5, maxLength: 5 }), (front, found, asked) =>
      Effect.gen(function* () {
        const { events, json } = front
        for (const row of found) {
          const path = `/views/Things/${row.key}`
          const { body, status } = yield* json(path, { as: reader })
          if (seenByReader(row)) assert.deepStrictEqual<unknown>([status, body], [200, shownOf(row)])
          else {
            const missing = yield* json("/views/Things/missing", { as: reader })
            const text = JSON.stringify(missing.body).replaceAll("missing", row.key)
            assert.deepStrictEqual([status, JSON.stringify(body)], [404, text])
          }
        }
        for (const query of asked) {
          const { body } = yield* json("/views/Things", { body: query, as: auditor })
          if (body.next === undefined) continue
          const next = yield* json("/views/Things", { body: { ...query, after: body.next }, as: reader })
          const visible = new Set(found.filter(seenByReader).map(({ key }) => key))
          if (next.status === 200) assert.isTrue(next.body.rows.every(({ key }) => visible.has(key)))
          else assert.strictEqual(next.body["title"], "InvalidCursor")
        }
        yield* Effect.scoped(
          Effect.gen(function* () {
            const pages = yield* events("/live/Things?limit=100", { as: reader })
            const shown = found.filter(seenByReader).map(shownOf)
            assert.deepStrictEqual<unknown>((yield* pages.data).rows, shown)
            const secret = found.find((row) => !seenByReader(row))
            if (secret !== undefined) {
              const record = yield* events(`/live/Things/${secret.key}`, { as: reader })
              assert.isNull((yield* record.data)["state"])
              yield* put(front, { ...secret, state: { ...secret.state, count: 3 } })
            }
            const [first] = found.filter(seenByReader)
            if (first !== undefined) {
              // Only what is hidden changes, and then what is seen: the next page has the second change.
              yield* put(front, { ...first, state: { ...first.state, secret: `${marker}9` } })
              const changed = { ...first, state: { ...first.state, label: "changed" } }
              yield* put(front, changed)
              const expected = found.map((row) => (row === first ? changed : row)).filter(seenByReader)
              assert.deepStrictEqual<unknown>((yield* pages.data).rows, expected.map(shownOf))
            }
          })
        )
      })
    )
}
