/** Events, and the results of queries, as they come. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { InvalidCursor } from "../../domain/errors.ts"
import type * as Participant from "../../domain/Participant.ts"
import type * as Query from "../../domain/Query.ts"
import * as StreamId from "../../domain/StreamId.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { checkRange } from "../../ports/AppendCheck.ts"
import { type AllReadOptions, EventStore, type RecordedEvent } from "../../ports/EventStore.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import type { EventDecodeError } from "../events/errors.ts"
import * as EventCodec from "../events/EventCodec.ts"
import type { RecordDecodeError } from "../views/errors.ts"
import { asked, counted, shown } from "./asking.ts"
import { answers, whileAway } from "./liveQuery.ts"

/** Where a subscription begins, and which events it selects. */
export interface SubscriptionOptions extends Pick<AllReadOptions, "aggregates" | "types"> {
  /** The subscription begins with the first event after this position. 0 by default. */
  readonly after?: number
  /** The subscription ends when it has delivered every event up to this position. By default it never ends. */
  readonly upTo?: number
}

/**
 * All events after a position: first the present ones, then each new one soon
 * after its append. Without `upTo` the stream never ends. No event is missing,
 * repeated or out of order. Past and new events are read in the same way, from
 * the last position that was read to the store's new horizon. While the store is
 * unavailable, the stream waits. It fails only for a reason that waiting does not
 * cure, such as an `after` that is not a whole number from 0 on.
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
      const { after = 0, upTo = Infinity, ...filters } = options
      const refused = checkRange("readAll", options)
      if (refused !== undefined) return Stream.fail(refused)
      let position = after
      // If all events up to `upTo` were delivered before a failure, nothing is left to wait for.
      const horizons = Stream.suspend(() => (position >= upTo ? Stream.empty : store.horizons))
      return horizons.pipe(
        Stream.filter((horizon) => horizon > position),
        Stream.map((horizon) => Math.min(horizon, upTo)),
        Stream.takeUntil((horizon) => horizon >= upTo),
        Stream.flatMap((horizon) =>
          Stream.concat(
            Stream.tap(store.readAll({ ...filters, after: position, upTo: horizon }), (event) =>
              Effect.sync(() => void (position = event.position))
            ),
            Stream.drain(Stream.fromEffect(Effect.sync(() => (position = horizon))))
          )
        ),
        // Begins again after the last event that was delivered.
        Stream.retry(whileAway)
      )
    })
  )

/** An aggregate whose events a subscription can follow. */
export type Source = Participant.Any["source"]

/** The events of aggregates. */
export type EventOf<S extends Source> = Parameters<S["evolve"]>[1] & Tagged

/** Where a subscription begins, and which of the aggregates' events it selects. */
export interface EventsOptions<Type extends string> {
  /** The subscription begins with the first event after this position. 0 by default. */
  readonly after?: number
  /** The subscription ends when it has delivered every event up to this position. By default it never ends. */
  readonly upTo?: number
  /** Only events of these types. All types by default. */
  readonly types?: ReadonlyArray<Type>
}

/**
 * Like {@link recorded}, but only the events of some aggregates, decoded. The
 * store reads no other events. An event that does not decode is never skipped:
 * the stream fails. A new stream with `after` can begin after that event.
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
      const codec = byName.get(StreamId.aggregateOf(event.streamId))!
      return Effect.fromResult(Result.map(codec.decode(event), (data) => ({ ...event, data })))
    })
  )
}

/** Why a stream of results can fail. */
export type QueryError = RecordDecodeError | InvalidCursor | ViewStoreError | EventStoreError

/**
 * The results of a query, for live pages: the present result at once, then each
 * new one soon after the view has changed. The stream never ends. Each result
 * differs from the one before. A slow consumer skips results, but never the latest.
 *
 * The first result may be stale if the view is catching up; further results
 * follow as it advances. After that, the view is queried again only when a new
 * event arrives. A change without an event, such as a new version taking over or
 * a retry of parked events, shows up with the next event. While a store is
 * unavailable, the stream waits. Otherwise it fails like `Records.query`.
 *
 * The query of another view does not compile, or is a defect if the names are not
 * known to the compiler.
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
 * ```
 */
export const query = <Row, Name extends string>(
  view: Query.Source<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>
): Stream.Stream<Query.Page<Row>, QueryError, EventStore | ViewStore> =>
  Stream.unwrap(
    Effect.map(asked(view, query), (given) =>
      Stream.mapEffect(
        answers(view, (store) => store.query(given), given.timeout !== undefined),
        (page) => shown(view, query, page)
      )
    )
  )

/**
 * Like {@link query}, but the number of records that the query gives on all its
 * pages.
 *
 * @example
 * ```ts
 * import { Query, Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const Balances: Query.Source<{ readonly balance: number }>
 *
 * const overdrawn = Query.from(Balances, { where: ({ lt }) => lt("balance", 0) })
 * const printing = Subscription.count(Balances, overdrawn).pipe(Stream.runForEach((count) => Effect.log(count)))
 * ```
 */
export const count = <Name extends string>(
  view: Query.Source<unknown, NoInfer<Name>>,
  query: Query.Query<unknown, Name>
): Stream.Stream<number, EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Stream.unwrap(
    Effect.map(counted(view, query), (given) =>
      answers(view, (store) => store.query(given), given.timeout !== undefined)
    )
  )
