/** Events, and the results of queries, as they come. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Tagged } from "../../domain/tagged.ts"
import type * as Participant from "../../domain/Participant.ts"
import type { InvalidCursor } from "../../domain/errors.ts"
import type * as Query from "../../domain/Query.ts"
import { answers, whileAway } from "./liveQuery.ts"
import { decoded } from "./decodePage.ts"
import { type AllReadOptions, EventStore, type RecordedEvent } from "../../ports/EventStore.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import * as EventCodec from "../events/EventCodec.ts"
import type { EventDecodeError } from "../events/errors.ts"
import type { RecordDecodeError } from "../views/errors.ts"

/** Where to begin, and which events to select. */
export interface SubscriptionOptions extends Pick<AllReadOptions, "aggregates" | "types"> {
  /** Begins behind this position; at the first event if not given. */
  readonly after?: number
}

/**
 * All events behind a position, first those that are there and then each new
 * one soon after it was appended; never ends. No event is missing, doubled or
 * out of order, also where history passes into the present: both are the same
 * read, from the last position that was read up to the store's new horizon.
 * While the store is away it waits; it fails only for a reason that waiting
 * does not cure.
 *
 * @example
 * ```ts
 * import { Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * const printing = Subscription.recorded({ aggregates: ["Account"] }).pipe(
 *   Stream.runForEach((event) => Effect.log(event.position, event.type))
 * )
 * ```
 */
export const recorded = (
  options: SubscriptionOptions = {}
): Stream.Stream<RecordedEvent, EventStoreError, EventStore> =>
  Stream.unwrap(
    Effect.map(EventStore, (store) => {
      const { after = 0, ...filters } = options
      let position = after
      return store.horizons.pipe(
        Stream.filter((horizon) => horizon > position),
        Stream.flatMap((horizon) =>
          Stream.concat(
            Stream.tap(store.readAll({ ...filters, after: position, upTo: horizon }), (event) =>
              Effect.sync(() => void (position = event.position))
            ),
            Stream.drain(Stream.fromEffect(Effect.sync(() => (position = horizon))))
          )
        ),
        // Begins again behind the last event that was delivered.
        Stream.retry(whileAway)
      )
    })
  )

/** An aggregate whose events can be followed. */
export type Source = Participant.Any["source"]

/** The events of the aggregates. */
export type EventOf<S extends Source> = Parameters<S["evolve"]>[1] & Tagged

/** Where to begin, and which of the aggregates' events to select. */
export interface EventsOptions<Type extends string> {
  /** Begins behind this position; at the first event if not given. */
  readonly after?: number
  /** Only events of these types; of all if not given. */
  readonly types?: ReadonlyArray<Type>
}

/**
 * As {@link recorded}, for the events of these aggregates, decoded. The store
 * reads no others. An event that does not decode is never skipped: the stream
 * fails, and can be begun again behind it.
 *
 * @example
 * ```ts
 * import { Aggregate, Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, Deposited, never>
 *
 * const printing = Subscription.events([Account], { types: ["Deposited"] }).pipe(
 *   Stream.runForEach(({ data, position }) => Effect.log(position, data.amount))
 * )
 * ```
 */
export const events = <S extends Source>(
  aggregates: ReadonlyArray<S>,
  options: EventsOptions<NoInfer<EventOf<S>["_tag"]>> = {}
): Stream.Stream<RecordedEvent<EventOf<S>>, EventStoreError | EventDecodeError, EventStore> => {
  const byName = new Map(
    aggregates.map((aggregate) => {
      // A codec gives the events of its own aggregate.
      const source = aggregate as unknown as Participant.Source<string, unknown, EventOf<S>>
      return [aggregate.name, EventCodec.of(source)] as const
    })
  )
  return recorded({ ...options, aggregates: [...byName.keys()] }).pipe(
    Stream.mapEffect((event) => {
      const codec = byName.get(event.streamId.slice(0, event.streamId.indexOf("-")))!
      return Effect.fromResult(Result.map(codec.decode(event), (data) => ({ ...event, data })))
    })
  )
}

/** Why a stream of results can fail. */
export type QueryError = RecordDecodeError | InvalidCursor | ViewStoreError | EventStoreError

/**
 * The results of a query, for live pages: the present one at once, then each
 * new one soon after the view has changed; never ends. Results that follow each
 * other differ. A slow consumer skips results, never the latest.
 *
 * The first result may be of a view that is behind. Then the store is asked as
 * the view advances, and not before the next event once it has caught up: what
 * changes without one, as when another version takes over or parked events are applied, shows
 * with the next event. While a store is away it waits; it fails as
 * `Records.query` does, for a reason that waiting does not cure.
 *
 * @example
 * ```ts
 * import { Query, Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const richest = Query.from(Balances, { orderBy: [["balance", "desc"]], limit: 3 })
 * const printing = Subscription.query(Balances, richest).pipe(
 *   Stream.runForEach(({ rows }) => Effect.log(rows.map(({ key }) => key)))
 * )
 * const counts = Subscription.query(Balances, Query.count(richest))
 * ```
 */
export const query: {
  <Row>(
    view: Query.Source<unknown>,
    query: Query.Query<Row>
  ): Stream.Stream<Query.Page<Row>, QueryError, EventStore | ViewStore>
  (
    view: Query.Source<unknown>,
    query: Query.Count
  ): Stream.Stream<number, EventStoreError | ViewStoreError, EventStore | ViewStore>
} = <Row>(view: Query.Source<unknown>, query: Query.Query<Row> | Query.Count): never =>
  (query._tag === "Count"
    ? answers(view, (store) => store.query(query))
    : Stream.mapEffect(
        answers(view, (store) => store.query(query)),
        (page) => Effect.fromResult(decoded(view, query, page))
      )) as never
