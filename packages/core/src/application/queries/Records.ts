/**
 * Reads the records of views. They come from the generation that answers queries,
 * decoded by the view's schema.
 *
 * Records are as new as the last projection: they contain the events up to the
 * position that the projection has reached. `Projection.waitFor` waits for the
 * events of one command. A view that no projection has begun to build has no
 * records; the first query that finds none logs a warning.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { InvalidCursor } from "../../domain/errors.ts"
import * as Query from "../../domain/Query.ts"
import { memoized } from "../../internal/memoized.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import type { RecordDecodeError } from "../views/errors.ts"
import { decoder } from "../views/fold.ts"
import { decoded } from "./decodePage.ts"
import { checkSameView } from "./sameView.ts"
import { warnIfUnbuilt } from "./unbuilt.ts"

/**
 * The state of one record, or none if there is no record under the key.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 * import { Effect, Option } from "effect"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const balance = Effect.map(Records.get(Balances, "a-1"), Option.map((state) => state.balance))
 * ```
 */
export const get = <State>(
  view: Query.Source<State>,
  key: string
): Effect.Effect<Option.Option<State>, RecordDecodeError | ViewStoreError, ViewStore> =>
  Effect.map(getMany(view, [key]), (states) => (states.has(key) ? Option.some(states.get(key)!) : Option.none()))

/**
 * The states of several records by key, all from one moment. A key without a
 * record is left out.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const found = Effect.map(Records.getMany(Balances, ["a-1", "b-2"]), (states) => [...states.keys()])
 * ```
 */
export const getMany = <State>(
  view: Query.Source<State>,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, State>, RecordDecodeError | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const store = yield* ViewStore
    const stored = yield* store.load({ view: view.name }, keys)
    if (stored.states.size === 0) yield* warnIfUnbuilt(store, view)
    const decode = memoized(decoders, view, () => decoder(view))
    const states = new Map<string, State>()
    for (const [key, json] of stored.states) states.set(key, yield* Effect.fromResult(decode(key, json)))
    return states
  })

/** Which page of a query's records to read. */
export interface QueryOptions {
  /** The `next` of the page before. Without it, the page is the first one, or the one after the query's own `after`. */
  readonly after?: string | undefined
}

/**
 * The page of records that a query asks for. The query of another view does not
 * compile, or is a defect if the names are not known to the compiler.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const program = Effect.gen(function*() {
 *   const richest = Query.from(Balances, { orderBy: [["balance", "desc"]], limit: 20 })
 *   const { next, rows } = yield* Records.query(Balances, richest)
 *   const more = next === undefined ? [] : (yield* Records.query(Balances, richest, { after: next })).rows
 *   return [...rows, ...more].map(({ key, state }) => `${key}: ${state.balance}`)
 * })
 * ```
 */
export const query = <Row, Name extends string>(
  view: Query.Source<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>,
  { after }: QueryOptions = {}
): Effect.Effect<Query.Page<Row>, RecordDecodeError | InvalidCursor | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    yield* checkSameView(view, query)
    const store = yield* ViewStore
    const page = yield* store.query(after === undefined ? query : Query.after(query, after))
    if (page.rows.length === 0) yield* warnIfUnbuilt(store, view)
    return yield* Effect.fromResult(decoded(view, query, page))
  })

/**
 * The number of records that a query gives on all its pages.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const overdrawn = Records.count(Balances, Query.from(Balances, { where: ({ lt }) => lt("balance", 0) }))
 * ```
 */
export const count = <Name extends string>(
  view: Query.Source<unknown, NoInfer<Name>>,
  query: Query.Query<unknown, Name>
): Effect.Effect<number, ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    yield* checkSameView(view, query)
    const store = yield* ViewStore
    const found = yield* store.query(Query.count(query))
    if (found === 0) yield* warnIfUnbuilt(store, view)
    return found
  })

const decoders = new WeakMap<object, unknown>()
