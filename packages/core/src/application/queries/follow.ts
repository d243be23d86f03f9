import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { reportedTogether, withMessage } from "../../internal/reported.ts"
import * as StepSize from "../../internal/stepSize.ts"
import { stopwatch } from "../../internal/steps.ts"
import { checkRange } from "../../ports/AppendCheck.ts"
import { EventStoreError } from "../../ports/errors.ts"
import {
  type AllReadOptions,
  EventStore,
  type Horizon,
  type Position,
  type RecordedEvent
} from "../../ports/EventStore.ts"
import { Rejected } from "../../ports/Reason.ts"
import { confirm } from "../events/positions.ts"
import { whileAway } from "./liveQuery.ts"

/** Where a subscription begins, and which events it selects. */
export interface SubscriptionOptions extends Pick<AllReadOptions, "aggregates" | "types"> {
  /**
   * The subscription begins with the first event after this position. 0 by default. Keep the `resume` of a
   * {@link Step} to begin again: it names the log's history, so a position that the log has lost is refused. A number is
   * only checked against the end of the log.
   */
  readonly after?: number | Position
  /**
   * `now`: the subscription begins after the events that are there when it begins, and `after` is not given. Its first
   * {@link Step} has no event and says where it has begun.
   */
  readonly from?: "now"
  /** The subscription ends when it has delivered every event up to this position. By default it never ends. */
  readonly upTo?: number
}

/** What a subscription has read next: an event, or a stretch of the log without an event that it selects. */
export interface Step<out Event = RecordedEvent> {
  /** The next event. Undefined if the subscription has found no further event up to `resume`. */
  readonly event: Event | undefined
  /** Where to go on: a subscription with this `after` begins with the first event that did not come yet. */
  readonly resume: Position
}

/**
 * The events after a position, with the position from which to go on.
 *
 * Why no event is missed, also by a log that goes back. (1) The position is kept
 * with its history, and for a horizon of another history, or below the position, the
 * store is asked with it: the store refuses a position that it has lost. (2) A read
 * names the history of the horizon, and a store refuses it in another. So if the
 * history has ended since the horizon, nothing is read, and the next horizon leads
 * to (1).
 */
export const follow = (options: SubscriptionOptions): Stream.Stream<Step, EventStoreError, EventStore> =>
  Stream.unwrap(
    Effect.map(EventStore, (store) => {
      const { after = 0, from, upTo = Infinity, ...filters } = options
      const refused = checkRange("readAll", options) ?? (from === undefined ? undefined : refusedStart(options))
      if (refused !== undefined) return Stream.fail(refused)
      let at: number | Position = after
      let isBeginning = from === "now"
      const stretch = StepSize.make(first, Number.MAX_SAFE_INTEGER)
      const place = () => (typeof at === "number" ? at : at.position)
      const report = reportedTogether(store, {
        failing: `a subscription to ${filters.aggregates?.join(", ") ?? "all events"} tries again, and delivers nothing meanwhile`,
        again: `a subscription to ${filters.aggregates?.join(", ") ?? "all events"} goes on`,
        write: (text, cause) => withMessage(`${text}; it has come to position ${place()}`, cause)
      })

      /** Fails if the log does not have the position. From then on the position is one of this history. */
      const check = (horizon: Horizon) =>
        Effect.map(confirm(store, at, horizon), () => void (at = { history: horizon.history, position: place() }))

      /** Begins after all events up to the first horizon. */
      const begin = ({ history, position }: Horizon): Stream.Stream<Step> => {
        isBeginning = false
        const resume = (at = { history, position })
        return Stream.succeed({ event: undefined, resume })
      }

      /**
       * Reads one stretch. If it fails, the next one begins after the last event that was
       * delivered. If it took too long, the next one is shorter: a server may end a statement
       * that searches for long.
       */
      const read = (history: number, end: number): Stream.Stream<Step, EventStoreError> =>
        Stream.unwrap(
          Effect.map(stopwatch, (elapsed) => {
            const steps = Stream.map(
              store.readAll({ ...filters, after: place(), history, upTo: end }),
              (event): Step => {
                const resume = (at = { history, position: event.position })
                return { event, resume }
              }
            )
            const shorter = ({ reason }: EventStoreError) =>
              Effect.sync(() => {
                if (reason._tag !== "Timeout") return
                stretch.limit(end - place())
                stretch.lost()
              })
            const nothingMore = Effect.suspend(() => {
              if (elapsed() < quick) stretch.grow()
              const done = place() === end
              if (!done) at = { history, position: end }
              const rest: ReadonlyArray<Step> = done ? [] : [{ event: undefined, resume: { history, position: end } }]
              return Effect.as(report.succeeded, rest)
            })
            return Stream.concat(
              Stream.tapError(steps, shorter),
              Stream.flatMap(Stream.fromEffect(nothingMore), Stream.fromIterable)
            )
          })
        )

      /** Reads up to a horizon, stretch by stretch: a read that searches long for few events would never end. */
      const readOn = ({ history, position }: Horizon) => {
        const last = Math.min(position, upTo)
        const ends = Stream.paginate(undefined, () =>
          Effect.sync(() =>
            place() < last
              ? ([[Math.min(last, place() + stretch.current())], Option.some(undefined)] as const)
              : ([[], Option.none<undefined>()] as const)
          )
        )
        return Stream.flatMap(ends, (end) => read(history, end)).pipe(
          Stream.catchIf(
            ({ reason }) => reason._tag === "PositionFromAnotherHistory",
            // The history has ended since this horizon. The store is about to send the horizon of the next history.
            () => Stream.empty
          )
        )
      }

      const isDone = Stream.suspend(() => (place() >= upTo ? Stream.succeed(undefined) : Stream.empty))
      return store.horizons.pipe(
        Stream.flatMap((horizon): Stream.Stream<Step | undefined, EventStoreError> => {
          const reading = Stream.concat(
            Stream.suspend(() => readOn(horizon)),
            isDone
          )
          if (isBeginning) return Stream.concat(begin(horizon), isDone)
          return Stream.concat(Stream.drain(Stream.fromEffect(Effect.suspend(() => check(horizon)))), reading)
        }),
        Stream.takeWhile((step): step is Step => step !== undefined),
        Stream.tapError((error) => (error.isRetryable ? report.failed(Cause.fail(error)) : Effect.void)),
        // Begins again after the last event that was delivered.
        Stream.retry(whileAway)
      )
    })
  )

const refusedStart = ({ after, from }: SubscriptionOptions): EventStoreError | undefined => {
  const problem =
    (from as unknown) !== "now"
      ? "from is not `now`"
      : after === undefined
        ? undefined
        : "both `from` and `after` are given"
  return problem === undefined
    ? undefined
    : new EventStoreError({ operation: "readAll", reason: new Rejected({ detail: problem }) })
}

/** The positions of the first stretch. */
const first = 100_000

/** A stretch that takes less, in milliseconds, is followed by a longer one. */
const quick = 500
