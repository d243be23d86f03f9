/** Reads the records of views: each from the generation that serves, decoded by the view's schema. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { InvalidCursor } from "../../domain/errors.ts"
import * as Query from "../../domain/Query.ts"
import { memoized } from "../../internal/memoized.ts"
import { decoded } from "./decodePage.ts"
import { decoder } from "../views/fold.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import type { RecordDecodeError } from "../views/errors.ts"

/**
 * The state of a record, or none where there is no record under the key.
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
 * The states of records by key, all from one moment; without those that do not
 * exist.
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
    const { load } = yield* ViewStore
    const stored = yield* load({ view: view.name }, keys)
    const decode = memoized(decoders, view, () => decoder(view))
    const states = new Map<string, State>()
    for (const [key, json] of stored.states) states.set(key, yield* Effect.fromResult(decode(key, json)))
    return states
  })

/**
 * The page of records that a query of this view asks for.
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
 *   const { rows } = yield* Records.query(Balances, richest)
 *   return rows.map(({ key, state }) => `${key}: ${state.balance}`)
 * })
 * ```
 */
export const query = <Row>(
  view: Query.Source<unknown>,
  query: Query.Query<Row>
): Effect.Effect<Query.Page<Row>, RecordDecodeError | InvalidCursor | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const store = yield* ViewStore
    return yield* Effect.fromResult(decoded(view, query, yield* store.query(query)))
  })

/**
 * How many records a query gives on all its pages.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const overdrawn = Records.count(Query.from(Balances, { where: ({ lt }) => lt("balance", 0) }))
 * ```
 */
export const count = (query: Query.Query): Effect.Effect<number, ViewStoreError, ViewStore> =>
  Effect.flatMap(ViewStore, (store) => store.query(Query.count(query)))

const decoders = new WeakMap<object, unknown>()
