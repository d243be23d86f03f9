/** How a query of the application becomes one of the store, and a store's answer one of the application. */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { InvalidCursor } from "../../domain/errors.ts"
import { prepared } from "../../domain/query/prepare.ts"
import * as Query from "../../domain/Query.ts"
import { heardAt, mark } from "../../internal/heard.ts"
import { memoized } from "../../internal/memoized.ts"
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
  Effect.flatMap(checkSameView(view, query), () => continued(view, prepared(view, query), after))

/**
 * The same for a query that does not change and is asked again and again, as those are that a front remembers: it is
 * prepared once.
 */
export const askedAgain = (
  view: Query.Source<unknown>,
  query: Query.Query
): Effect.Effect<Query.Query, InvalidCursor> =>
  Effect.flatMap(checkSameView(view, query), () => {
    const queries = memoized(preparations, view, () => new WeakMap<object, unknown>())
    return continued(
      view,
      memoized(queries, query, () => prepared(view, query)),
      query.after
    )
  })

const preparations = new WeakMap<object, unknown>()

const continued = <Row>(
  view: Query.Source<unknown>,
  given: Query.Query<Row>,
  after: string | undefined
): Effect.Effect<Query.Query<Row>, InvalidCursor> =>
  after === undefined
    ? Effect.succeed(given)
    : Effect.flatMap(CursorKey, (key) => {
        if (key === undefined) return Effect.succeed(Query.after(given, after))
        return Effect.flatMap(key.open(after), (opened) =>
          opened === undefined
            ? Effect.fail(new InvalidCursor({ view: view.name, cursor: after, problem: "Malformed" }))
            : Effect.succeed(Query.after(given, opened))
        )
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
  Effect.flatMap(CursorKey, (key) =>
    key === undefined || page.next === undefined
      ? Effect.succeed(page)
      : Effect.map(key.seal(page.next), (next) => {
          const whole = { ...page, next }
          mark(whole, heardAt(page))
          return whole
        })
  )

/** The query that a store is asked for the number of records. */
export const counted = (view: Query.Source<unknown>, query: Query.Query): Effect.Effect<Query.Count> =>
  Effect.map(checkSameView(view, query), () => prepared(view, Query.count(query)))

/** The query that a store is asked for groups. */
export const grouped = (view: Query.Source<unknown>, query: Query.Groups): Effect.Effect<Query.Groups> =>
  Effect.map(checkSameView(view, query), () => prepared(view, query))
