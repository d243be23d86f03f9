/**
 * Reads the records of views. They are the records of the view's version in this
 * program, decoded by the view's schema.
 *
 * Records are as new as the last projection: they contain the events up to the
 * position that the projection has reached. `Projection.waitFor` waits for the
 * events of one command. If the version does not answer, because it is not
 * built yet or was left, reading fails with a `NotServing`, which says why.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { InvalidCursor } from "../../domain/errors.ts"
import type * as Query from "../../domain/Query.ts"
import type * as View from "../../domain/View.ts"
import { memoized } from "../../internal/memoized.ts"
import type { EventStoreError, NotServing, ViewStoreError } from "../../ports/errors.ts"
import { EventStore } from "../../ports/EventStore.ts"
import { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import type { MomentNotReached } from "../events/errors.ts"
import { cutOf, type Moment } from "../events/moment.ts"
import type { RecordDecodeError } from "../views/errors.ts"
import { decoder } from "../views/fold.ts"
import { asked, counted, grouped, shown } from "./asking.ts"
import { CursorKey, sealOf } from "./cursorKey.ts"
import { decodedGroups } from "./decodePage.ts"
import { type FoldOptions, pastStore } from "./past/pastStore.ts"

/**
 * The state of one record, or none if there is no record under the key.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 * import { Effect, Option } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const balance = Effect.map(Records.get(Balances, "a-1"), Option.map((state) => state.balance))
 * ```
 */
export const get = <State>(
  view: Query.Versioned<State>,
  key: string
): Effect.Effect<Option.Option<State>, RecordDecodeError | NotServing | ViewStoreError, ViewStore> =>
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
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const found = Effect.map(Records.getMany(Balances, ["a-1", "b-2"]), (states) => [...states.keys()])
 * ```
 */
export const getMany = <State>(
  view: Query.Versioned<State>,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, State>, RecordDecodeError | NotServing | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const store = yield* ViewStore
    const stored = yield* store.load({ view: view.name, version: view.version }, keys)
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
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
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
  view: Query.Versioned<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>,
  options: QueryOptions = {}
): Effect.Effect<Query.Page<Row>, QueryError, ViewStore> =>
  Effect.gen(function* () {
    const given = yield* asked(view, query, options.after)
    const store = yield* ViewStore
    const page = yield* store.query(given, view.version)
    return yield* shown(view, query, page)
  })

/** Why a query can fail. A query that takes longer than its `timeout` fails with a `ViewStoreError` of the reason `Timeout`. */
export type QueryError = RecordDecodeError | InvalidCursor | NotServing | ViewStoreError

/**
 * Like {@link query}, with the number of records on all pages, at the same moment
 * as the page.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const richest = Query.from(Balances, { orderBy: [["balance", "desc"]], limit: 20 })
 * const title = Effect.map(Records.page(Balances, richest), ({ rows, total }) => `${rows.length} of ${total}`)
 * ```
 */
export const page = <Row, Name extends string>(
  view: Query.Versioned<unknown, NoInfer<Name>>,
  asked: Query.Query<Row, Name>,
  options: QueryOptions = {}
): Effect.Effect<PageWithTotal<Row>, QueryError, ViewStore> =>
  Effect.map(query(view, { ...asked, total: true }, options), ({ total = 0, ...found }) => ({ ...found, total }))

/** A page that says how many records there are on all pages. */
export interface PageWithTotal<Row> extends Query.Page<Row> {
  readonly total: number
}

/**
 * The number of records that a query gives on all its pages.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const overdrawn = Records.count(Balances, Query.from(Balances, { where: ({ lt }) => lt("balance", 0) }))
 * ```
 */
export const count = <Name extends string>(
  view: Query.Versioned<unknown, NoInfer<Name>>,
  query: Query.Query<unknown, Name>
): Effect.Effect<number, NotServing | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const given = yield* counted(view, query)
    const store = yield* ViewStore
    const found = yield* store.query(given, view.version)
    return found
  })

/**
 * The groups that a query of {@link Query.groups} gives: counts, sums, averages,
 * minima and maxima of records, all from one moment.
 *
 * @example
 * ```ts
 * import { Query, Records } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly status: string; readonly balance: number }>
 *
 * const byStatus = Query.groups(Balances, { by: ["status"], values: ({ sum }) => ({ money: sum("balance") }) })
 * const lines = Effect.map(Records.groups(Balances, byStatus), (groups) =>
 *   groups.map(({ by: [status], values }) => `${status}: ${values.money}`)
 * )
 * ```
 */
export const groups = <Group, Name extends string>(
  view: Query.Versioned<unknown, NoInfer<Name>>,
  query: Query.Groups<Group, Name>
): Effect.Effect<ReadonlyArray<Group>, RecordDecodeError | NotServing | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const given = yield* grouped(view, query)
    const store = yield* ViewStore
    const found = yield* store.query(given, view.version)
    return yield* Effect.fromResult(decodedGroups(view, query, found))
  })

/**
 * The records of views as they were at a moment in the past, for all functions of this
 * module: provide the layer to a program that reads records. The records that
 * projections keep are not touched, and not used.
 *
 * The moment is a `position` of the log, such as that of a receipt, or a `time`: then all
 * events count that were recorded at or before it. A time of the domain, such as the day
 * on which something was ordered, is a field of your own. Where one stored event has
 * become several, they are folded together. A moment that lies ahead fails with
 * `MomentNotReached`.
 *
 * Nothing is folded before it is asked for. `get` and `getMany` fold the events of the
 * wanted records alone: of a view without `key`, and with `View.perEvent`, these are
 * read in milliseconds; of other views the log is read. The first query folds all
 * records of its view, in memory, or in a temporary generation of the view store if they
 * need more than `bytesInMemory`. It is deleted when the program ends.
 *
 * An event that stops the projection of the view fails the reads with a `ViewStoreError`
 * of the reason `Rejected`; its cause is the `ProjectionFailed`.
 *
 * @example
 * ```ts
 * import { Query, Records, View } from "@hexfold/core"
 * import { DateTime, Effect } from "effect"
 *
 * declare const Balances: View.Any & Query.Versioned<{ readonly balance: number }>
 *
 * const endOfMarch = DateTime.makeUnsafe("2026-03-31T22:00:00Z")
 * const richest = Records.query(Balances, Query.from(Balances, { orderBy: [["balance", "desc"]], limit: 20 }))
 *
 * const richestInMarch = Effect.provide(richest, Records.at(Balances, { time: endOfMarch }))
 * ```
 */
export const at = (
  views: View.Any | ReadonlyArray<View.Any>,
  moment: Moment,
  options: FoldOptions = {}
): Layer.Layer<ViewStore, MomentNotReached | EventStoreError, EventStore | ProjectionStore | ViewStore> =>
  Layer.effect(
    ViewStore,
    Effect.gen(function* () {
      const events = yield* EventStore
      const cut = yield* cutOf(events, moment)
      const stores = { projections: yield* ProjectionStore, views: yield* ViewStore }
      return pastStore("name" in views ? [views] : views, {
        ...options,
        ...stores,
        events,
        cut,
        scope: yield* Effect.scope
      })
    })
  )

export type { Moment } from "../events/moment.ts"
export type { FoldOptions, Progress } from "./past/pastStore.ts"

/**
 * Seals the cursors of queries with a secret: outside, nobody can read the values
 * in a cursor, or make a cursor. A cursor that was not sealed with the same secret
 * fails with `InvalidCursor`. Provide the layer to the programs that use `Records`
 * and `Subscription`; processes that share clients share the secret.
 *
 * Without this layer a cursor carries, for everybody to read, the key of the last
 * record of its page and that record's values of the fields in `orderBy`. The secret
 * is a text with at least 32 characters; a shorter one throws an `Error`.
 *
 * @example
 * ```ts
 * import { Records } from "@hexfold/core"
 * import { Config, Effect, Layer } from "effect"
 *
 * const Cursors = Layer.unwrap(Effect.map(Config.Redacted("CURSOR_SECRET"), Records.sealedCursors))
 * ```
 */
export const sealedCursors = (secret: Redacted.Redacted): Layer.Layer<never> => {
  if (Redacted.value(secret).length < shortest) {
    throw new Error(`the secret of cursors has fewer than ${shortest} characters`)
  }
  return Layer.succeed(CursorKey, sealOf(secret))
}

const shortest = 32

const decoders = new WeakMap<object, unknown>()
