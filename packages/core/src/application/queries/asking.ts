/** How a query of the application becomes one of the store, and a store's answer one of the application. */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { InvalidCursor } from "../../domain/errors.ts"
import { prepared } from "../../domain/query/prepare.ts"
import * as Query from "../../domain/Query.ts"
import { heardAt, mark } from "../../internal/heard.ts"
import type { RecordDecodeError } from "../views/errors.ts"
import { CursorKey } from "./cursorKey.ts"
import { decoded } from "./decodePage.ts"
import type { ViewName } from "./waitFor.ts"

// The compiler finds the query of another view only for views with known names.
const checkSameView = (view: Pick<ViewName, "name">, query: Query.Query | Query.Groups): Effect.Effect<void> =>
  query.view === view.name
    ? Effect.void
    : Effect.die(new Error(`the query asks for records of ${query.view}, but it is given with the view ${view.name}`))

/** The query that a store is asked for a page of records. */
export const asked = <Row>(
  view: Query.Source<unknown>,
  query: Query.Query<Row>,
  after: string | undefined = query.after
): Effect.Effect<Query.Query<Row>, InvalidCursor> =>
  Effect.gen(function* () {
    yield* checkSameView(view, query)
    const given = prepared(view, query)
    if (after === undefined) return given
    const key = yield* CursorKey
    if (key === undefined) return Query.after(given, after)
    const opened = yield* key.open(after)
    if (opened !== undefined) return Query.after(given, opened)
    return yield* new InvalidCursor({ view: view.name, cursor: after, problem: "Malformed" })
  })

/** The page that a store has answered with, as the application sees it. */
export const shown = <Row>(
  view: Query.Source<unknown>,
  query: Query.Query<Row>,
  answer: Query.Page<Schema.Json>
): Effect.Effect<Query.Page<Row>, RecordDecodeError> =>
  Effect.gen(function* () {
    return yield* sealed(yield* Effect.fromResult(decoded(view, query, answer)))
  })

/** A page whose cursor nobody else can read, if the program has a secret for cursors. */
export const sealed = <Row>(page: Query.Page<Row>): Effect.Effect<Query.Page<Row>> =>
  Effect.gen(function* () {
    const key = yield* CursorKey
    if (key === undefined || page.next === undefined) return page
    const whole = { ...page, next: yield* key.seal(page.next) }
    mark(whole, heardAt(page))
    return whole
  })

/** The query that a store is asked for the number of records. */
export const counted = (view: Query.Source<unknown>, query: Query.Query): Effect.Effect<Query.Count> =>
  Effect.map(checkSameView(view, query), () => prepared(view, Query.count(query)))

/** The query that a store is asked for groups. */
export const grouped = (view: Query.Source<unknown>, query: Query.Groups): Effect.Effect<Query.Groups> =>
  Effect.map(checkSameView(view, query), () => prepared(view, query))
