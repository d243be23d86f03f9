/**
 * The records of views as the JSON that stores keep, for authors of fronts: it goes out without being decoded and encoded
 * again. A member that the state's schema fills in when it is missing may be missing in the JSON.
 *
 * All else is as for `Records` and `Subscription`: cursors are sealed where the program seals them, and equal live
 * questions of one process are asked once. Then all who follow them get the same object, until the answer changes.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { InvalidCursor } from "../../domain/errors.ts"
import type * as Query from "../../domain/Query.ts"
import type { EventStoreError, NotServing, ViewStoreError } from "../../ports/errors.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import * as Heard from "../../internal/heard.ts"
import { asked, askedAgain, grouped, sealed } from "./asking.ts"
import { answers, pages } from "./liveQuery.ts"

/** A view, or a version of it. */
type View = Query.Versioned<unknown>

/** How often live results may come. */
export interface Pace {
  /** The least time between two results. A result shows all that has changed in that time. By default there is no such time. */
  readonly pace?: Duration.Input
}

const millisOf = ({ pace = 0 }: Pace = {}): number => Duration.toMillis(pace)

/**
 * The page of records that a query asks for. The query must not be changed afterwards: what is known of it is remembered
 * for as long as it lives.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { StoredRecords } from "@hexfold/core/adapter"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const page = StoredRecords.query(Balances, Query.from(Balances, { limit: 20 }))
 * ```
 */
export const query = (
  view: View,
  query: Query.Query
): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | NotServing | ViewStoreError, ViewStore> =>
  Effect.flatMap(askedAgain(view, query), (given) =>
    Effect.flatMap(ViewStore, (store) => Effect.flatMap(store.query(given, view.version), sealed))
  )

/**
 * The groups that a query asks for.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { StoredRecords } from "@hexfold/core/adapter"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const sums = StoredRecords.groups(Balances, Query.groups(Balances, { values: ({ sum }) => ({ all: sum("balance") }) }))
 * ```
 */
export const groups = (
  view: View,
  query: Query.Groups
): Effect.Effect<ReadonlyArray<Query.GroupValues>, NotServing | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const given = yield* grouped(view, query)
    const store = yield* ViewStore
    return yield* store.query(given, view.version)
  })

/**
 * The records under some keys, without those that are not there.
 *
 * @example
 * ```ts
 * import type { Query } from "@hexfold/core"
 * import { StoredRecords } from "@hexfold/core/adapter"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const two = StoredRecords.get(Balances, ["a-1", "a-2"])
 * ```
 */
export const get = (
  view: View,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, Schema.Json>, NotServing | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const store = yield* ViewStore
    return (yield* store.load({ view: view.name, version: view.version }, keys)).states
  })

/**
 * The pages of a live query: the present one, then each new one.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { StoredRecords } from "@hexfold/core/adapter"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const pages = StoredRecords.live(Balances, Query.from(Balances, { limit: 20 }))
 * ```
 */
export const live = (
  view: View,
  query: Query.Query,
  options?: Pace
): Stream.Stream<
  Query.Page<Schema.Json>,
  InvalidCursor | NotServing | ViewStoreError | EventStoreError,
  EventStore | ViewStore
> =>
  Stream.unwrap(
    Effect.map(asked(view, query), (given) => Stream.mapEffect(pages(view, given, millisOf(options)), sealed))
  )

/**
 * When this process has heard of the first event that a live page shows and the one before did not, in milliseconds. It is
 * what a front measures its lag by. Undefined for the first answer to a question, and for a page that is of no live query.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { StoredRecords } from "@hexfold/core/adapter"
 * import { Stream } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const times = StoredRecords.live(Balances, Query.from(Balances)).pipe(Stream.map(StoredRecords.heardAt))
 * ```
 */
export const heardAt: (page: unknown) => number | undefined = Heard.heardAt

/** Makes a page of another one, which was heard of at the same time. */
export const remade = <Page extends Query.Page<unknown>>(from: Query.Page<unknown>, page: Page): Page => {
  Heard.mark(page, Heard.heardAt(from))
  return page
}

/**
 * A live record: its present JSON, then each new one; undefined while there is no record under the key.
 *
 * @example
 * ```ts
 * import type { Query } from "@hexfold/core"
 * import { StoredRecords } from "@hexfold/core/adapter"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const one = StoredRecords.liveRecord(Balances, "a-1", { pace: "100 millis" })
 * ```
 */
export const liveRecord = (
  view: View,
  key: string,
  options?: Pace
): Stream.Stream<Schema.Json | undefined, NotServing | ViewStoreError | EventStoreError, EventStore | ViewStore> =>
  Stream.map(
    answers(view, {
      data: ["record", key],
      ask: (store) =>
        Effect.map(store.load({ view: view.name, version: view.version }, [key]), ({ states }) => ({
          record: states.get(key)
        })),
      pace: millisOf(options)
    }),
    ({ record }) => record
  )
