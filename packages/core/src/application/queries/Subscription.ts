/** Events, and the results of queries, as they come. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { InvalidCursor } from "../../domain/errors.ts"
import type * as Query from "../../domain/Query.ts"
import { type Declared, type Declaring, type EventOf, followsOf } from "../../domain/storedTypes.ts"
import * as StreamId from "../../domain/StreamId.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { EventStoreError, NotServing, ViewStoreError } from "../../ports/errors.ts"
import type { EventStore, Position, RecordedEvent } from "../../ports/EventStore.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import type { EventReadError } from "../events/errors.ts"
import * as EventCodec from "../events/EventCodec.ts"
import type { DecodedEvent } from "../events/recording.ts"
import type { RecordDecodeError } from "../views/errors.ts"
import { memoized } from "../../internal/memoized.ts"
import { decoder } from "../views/fold.ts"
import { asked, counted, shown } from "./asking.ts"
import { follow, type SubscriptionOptions } from "./follow.ts"
import type { Step } from "./stretches.ts"
import { answers, pages } from "./liveQuery.ts"
import { liveRecord } from "./StoredRecords.ts"

export type { SubscriptionOptions } from "./follow.ts"
export type { EventOf } from "../../domain/storedTypes.ts"
export type { DecodedEvent } from "../events/recording.ts"
export type { Step } from "./stretches.ts"

/**
 * All events after a position: first the present ones, then each new one soon
 * after its append. Without `upTo` the stream never ends. No event is missing,
 * repeated or out of order. Past and new events are read in the same way, from
 * the last position that was read to the store's new horizon. While the store is
 * unavailable, the stream waits. It fails only for a reason that waiting does not
 * cure: an `after` that is no position or lies beyond the end of the log
 * (`Rejected`), or a log that has gone back before the position that the stream has
 * reached (`PositionFromAnotherHistory`), as after a restored backup.
 *
 * The subscriptions of one process read the log together: an event is read once,
 * and takes no time for those that do not select it. One that is slower than the
 * others holds up none of them: it reads alone until it has caught up. So does one
 * with `upTo`, and one inside a transaction of the caller.
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
): Stream.Stream<RecordedEvent, EventStoreError, EventStore> => eventsIn(follow(options, false))

/**
 * Like {@link recorded}, but with the position from which to go on. A step without
 * an event comes when the subscription has reached the end of the log, then at most
 * twice a second while the log grows, and regularly while it passes a long stretch
 * without an event for it. So a consumer whose events are rare can keep how far it has
 * read.
 *
 * @example
 * ```ts
 * import { EventStore, Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const handle: (event: EventStore.RecordedEvent) => Effect.Effect<void>
 * declare const keep: (resume: EventStore.Position) => Effect.Effect<void>
 * declare const kept: EventStore.Position
 *
 * const handling = Subscription.recordedSteps({ after: kept, types: ["Refunded"] }).pipe(
 *   Stream.runForEach(({ event, resume }) =>
 *     Effect.andThen(event === undefined ? Effect.void : handle(event), keep(resume))
 *   )
 * )
 * ```
 */
export const recordedSteps = (options: SubscriptionOptions = {}): Stream.Stream<Step, EventStoreError, EventStore> =>
  follow(options, true)

const eventsIn = <Event, E, R>(steps: Stream.Stream<Step<Event>, E, R>): Stream.Stream<Event, E, R> =>
  steps.pipe(
    Stream.filter((step): step is Step<Event> & { readonly event: Event } => step.event !== undefined),
    Stream.map(({ event }) => event)
  )

/** An aggregate or a topic whose events a subscription can follow. */
export type Source = Declared

/** Where a subscription begins, and which of the aggregates' events it selects. */
export interface EventsOptions<Type extends string> {
  /** The subscription begins with the first event after this position, as in {@link SubscriptionOptions}. 0 by default. */
  readonly after?: number | Position
  /** `now`: it begins after the events that are there when it begins, as in {@link SubscriptionOptions}. */
  readonly from?: "now"
  /** The subscription ends when it has delivered every event up to this position. By default it never ends. */
  readonly upTo?: number
  /** Only events of these types. All types by default. */
  readonly types?: ReadonlyArray<Type>
}

/**
 * Like {@link recorded}, but only the events of some aggregates or topics, decoded. The
 * store reads no other events. An event that does not decode is never skipped:
 * the stream fails with an error that has its position. A new stream with `after` can
 * begin after that event.
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
): Stream.Stream<DecodedEvent<EventOf<S>>, EventStoreError | EventReadError, EventStore> =>
  eventsIn(decodedSteps(aggregates, options, false))

/**
 * Like {@link events}, but with the position from which to go on, as in
 * {@link recordedSteps}.
 *
 * @example
 * ```ts
 * import { Aggregate, EventStore, Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * interface Refunded { readonly _tag: "Refunded"; readonly amount: number }
 * declare const Order: Aggregate.Aggregate<"Order", string, number, never, Refunded, never>
 * declare const keep: (resume: EventStore.Position) => Effect.Effect<void>
 *
 * const handling = Subscription.eventSteps([Order]).pipe(
 *   Stream.runForEach(({ event, resume }) =>
 *     Effect.andThen(event === undefined ? Effect.void : Effect.log(event.data.amount), keep(resume))
 *   )
 * )
 * ```
 */
export const eventSteps = <S extends Source>(
  aggregates: ReadonlyArray<S>,
  options: EventsOptions<NoInfer<EventOf<S>["_tag"]>> = {}
): Stream.Stream<Step<DecodedEvent<EventOf<S>>>, EventStoreError | EventReadError, EventStore> =>
  decodedSteps(aggregates, options, true)

const decodedSteps = <S extends Source>(
  aggregates: ReadonlyArray<S>,
  options: EventsOptions<NoInfer<EventOf<S>["_tag"]>>,
  wantsProgress: boolean
): Stream.Stream<Step<DecodedEvent<EventOf<S>>>, EventStoreError | EventReadError, EventStore> => {
  const byName = new Map(
    aggregates.map((aggregate) => {
      // A codec gives the events of its own aggregate.
      const source = aggregate as unknown as Declaring<string, EventOf<S>>
      return [aggregate.name, EventCodec.of(source)] as const
    })
  )
  const { types, ...range } = options
  const wanted = types && new Set<string>(types)
  const follows = followsOf(aggregates, (_, tag) => wanted?.has(tag) !== false)
  const isWanted = ({ data }: DecodedEvent<EventOf<S>>) => wanted?.has((data as Tagged)._tag) !== false
  const stepsOf = (step: Step): Effect.Effect<ReadonlyArray<Step<DecodedEvent<EventOf<S>>>>, EventReadError> => {
    const { event, resume } = step
    if (event === undefined) return Effect.succeed([{ event, resume }])
    const decoded = decodedOnce(byName.get(StreamId.aggregateOf(event.streamId))!, step, event)
    return Effect.fromResult(Result.map(decoded, (parts) => partSteps(parts.filter(isWanted), step)))
  }
  return Stream.flattenIterable(Stream.mapEffect(follow({ ...range, ...follows }, wantsProgress), stepsOf))
}

/**
 * A step for each current event that a stored event has become. Whoever goes on from one of them gets all of them again,
 * unless it is the last: they are handled together.
 */
const partSteps = <Event>(parts: ReadonlyArray<Event>, { resume }: Step): ReadonlyArray<Step<Event>> =>
  parts.length === 0
    ? [{ event: undefined, resume }]
    : parts.map((event, i) => ({
        event,
        resume: i === parts.length - 1 ? resume : { ...resume, position: resume.position - 1 }
      }))

// Subscriptions that share the reading of the log are given the same step. Its event is decoded once for all of them.
const decodedOnce = <Event extends Tagged>(
  codec: EventCodec.EventCodec<Event>,
  step: Step,
  event: RecordedEvent
): Decoded<Event> => {
  // The steps of one codec have events of one type.
  const known = memoized(decodings, codec, () => new WeakMap<Step, Decoded<Event>>())
  const found = known.get(step)
  if (found !== undefined) return found
  const decoded = EventCodec.decodeParts(codec, event)
  known.set(step, decoded)
  return decoded
}

type Decoded<Event> = Result.Result<ReadonlyArray<DecodedEvent<Event>>, EventReadError>

const decodings = new WeakMap<object, unknown>()

/** Why a stream of results can fail. */
export type QueryError = RecordDecodeError | InvalidCursor | NotServing | ViewStoreError | EventStoreError

/**
 * The results of a query, for live pages: the present result at once, then each
 * new one soon after the view has changed. The stream never ends. Each result
 * differs from the one before. A slow consumer skips results, but never the latest.
 *
 * The first result may be stale if the view is catching up; further results
 * follow as it advances. After that, the view is queried again only when a commit or
 * an append has changed one of its records. It is looked at when a new event arrives:
 * a change without an event, such as a rebuild taking over or a retry of parked
 * events, shows up with the next event. While a store is unavailable, the stream
 * waits. Otherwise it fails like `Records.query`, also with a `NotServing` if the
 * version of the view stops answering.
 *
 * Equal queries of one process share the asking: however many streams there are, the
 * store gets one query for a change. If it fails, all of them fail with the same error.
 *
 * The query of another view does not compile, or is a defect if the names are not
 * known to the compiler.
 *
 * @example
 * ```ts
 * import { Query, Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const richest = Query.from(Balances, { orderBy: [["balance", "desc"]], limit: 3 })
 * const printing = Subscription.query(Balances, richest).pipe(
 *   Stream.runForEach(({ rows }) => Effect.log(rows.map(({ key }) => key)))
 * )
 * ```
 */
export const query = <Row, Name extends string>(
  view: Query.Versioned<unknown, NoInfer<Name>>,
  query: Query.Query<Row, Name>
): Stream.Stream<Query.Page<Row>, QueryError, EventStore | ViewStore> =>
  Stream.unwrap(
    Effect.map(asked(view, query), (given) => Stream.mapEffect(pages(view, given), (page) => shown(view, query, page)))
  )

/**
 * The state of one record, for a live page: the present state at once, then each new
 * one soon after the record has changed; none while there is no record under the key.
 * It behaves like {@link query} otherwise.
 *
 * @example
 * ```ts
 * import { Query, Subscription } from "@hexfold/core"
 * import { Effect, Option, Stream } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const printing = Subscription.record(Balances, "a-1").pipe(
 *   Stream.runForEach((state) => Effect.log(Option.match(state, { onNone: () => "none", onSome: ({ balance }) => balance })))
 * )
 * ```
 */
export const record = <State>(
  view: Query.Versioned<State>,
  key: string
): Stream.Stream<
  Option.Option<State>,
  RecordDecodeError | NotServing | EventStoreError | ViewStoreError,
  EventStore | ViewStore
> => {
  const decode = decoder(view)
  return Stream.mapEffect(liveRecord(view, key), (stored) =>
    stored === undefined ? Effect.succeed(Option.none<State>()) : Effect.asSome(Effect.fromResult(decode(key, stored)))
  )
}

/**
 * Like {@link query}, but the number of records that the query gives on all its
 * pages.
 *
 * @example
 * ```ts
 * import { Query, Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const Balances: Query.Versioned<{ readonly balance: number }>
 *
 * const overdrawn = Query.from(Balances, { where: ({ lt }) => lt("balance", 0) })
 * const printing = Subscription.count(Balances, overdrawn).pipe(Stream.runForEach((count) => Effect.log(count)))
 * ```
 */
export const count = <Name extends string>(
  view: Query.Versioned<unknown, NoInfer<Name>>,
  query: Query.Query<unknown, Name>
): Stream.Stream<number, NotServing | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Stream.unwrap(
    Effect.map(counted(view, query), (given) =>
      answers(view, {
        // A query is plain data.
        data: ["count", given as unknown as Schema.Json],
        ask: (store) => store.query(given, view.version),
        isLimited: given.timeout !== undefined
      })
    )
  )
