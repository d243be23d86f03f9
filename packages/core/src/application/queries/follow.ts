import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { reportedTogether, withMessage } from "../../internal/reported.ts"
import { checkRange } from "../../ports/AppendCheck.ts"
import { EventStoreError } from "../../ports/errors.ts"
import { type AllReadOptions, EventStore, type Horizon, type Position } from "../../ports/EventStore.ts"
import { Rejected } from "../../ports/Reason.ts"
import { confirm } from "../events/positions.ts"
import * as SharedLog from "./sharedLog.ts"
import { type Step, stretches } from "./stretches.ts"
import { reportRetryable, whileAway } from "./whileAway.ts"

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

/**
 * The events after a position, with the position from which to go on.
 *
 * A subscription reads alone until it has caught up, then it takes part in the reading that all subscriptions of the
 * process share. If it is too slow for that, it reads alone again. One with an end always reads alone, and so does one
 * inside a transaction of the caller.
 *
 * Why no event is missed, also by a log that goes back. (1) The position is kept
 * with its history, and for a horizon of another history, or below the position, the
 * store is asked with it: the store refuses a position that it has lost. (2) A read
 * names the history of the horizon, and a store refuses it in another. So if the
 * history has ended since the horizon, nothing is read, and the next horizon leads
 * to (1). (3) The shared reading begins after a position of one history. The subscription reads up to there in the same
 * history, or does not take part.
 */
export const follow = (
  options: SubscriptionOptions & Pick<AllReadOptions, "except">,
  wantsProgress: boolean
): Stream.Stream<Step, EventStoreError, EventStore> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const store = yield* EventStore
      const context = yield* Effect.context<never>()
      const { after = 0, from, upTo = Infinity, ...filters } = options
      const refused = checkRange("readAll", options) ?? (from === undefined ? undefined : refusedStart(options))
      if (refused !== undefined) return Stream.fail(refused)
      let at: number | Position = after
      let isBeginning = from === "now"
      const place = () => (typeof at === "number" ? at : at.position)
      const report = reportedTogether(store, {
        failing: `a subscription to ${filters.aggregates?.join(", ") ?? "all events"} tries again, and delivers nothing meanwhile`,
        again: `a subscription to ${filters.aggregates?.join(", ") ?? "all events"} goes on`,
        write: (text, cause) => withMessage(`${text}; it has come to position ${place()}`, cause)
      })
      const readOn = stretches(store, place, report.succeeded)

      const taken = (steps: Stream.Stream<Step, EventStoreError>) =>
        Stream.map(steps, (step) => {
          at = step.resume
          return step
        })

      /** Begins again after the last event that was delivered. */
      const again = (steps: Stream.Stream<Step, EventStoreError>) =>
        steps.pipe(
          Stream.tapError((error) => reportRetryable(report, error)),
          Stream.retry(whileAway)
        )

      /** Fails if the log does not have the position. From then on the position is one of this history. */
      const check = (horizon: Horizon) =>
        Effect.map(confirm(store, at, horizon), () => void (at = { history: horizon.history, position: place() }))

      /** Begins after all events up to the first horizon. */
      const begin = ({ history, position }: Horizon): Stream.Stream<Step> => {
        isBeginning = false
        const resume = (at = { history, position })
        return Stream.succeed({ event: undefined, resume })
      }

      const silently = <E>(effect: Effect.Effect<void, E>) => Stream.drain(Stream.fromEffect(effect))

      const alone = (horizon: Horizon): Stream.Stream<Step, EventStoreError> => {
        const { history, position } = horizon
        const steps = isBeginning
          ? begin(horizon)
          : Stream.concat(
              silently(Effect.suspend(() => check(horizon))),
              Stream.suspend(() => taken(readOn(filters, { history, position: Math.min(position, upTo) })))
            )
        return Stream.concat(steps, silently(report.succeeded))
      }

      const isDone = Stream.suspend(() => (place() >= upTo ? Stream.succeed(undefined) : Stream.empty))
      const untilEnd = store.horizons.pipe(
        Stream.flatMap((horizon): Stream.Stream<Step | undefined, EventStoreError> =>
          Stream.concat(alone(horizon), isDone)
        ),
        Stream.takeWhile((step): step is Step => step !== undefined)
      )
      if (upTo < Infinity || store.inTransaction?.(context) === true) return again(untilEnd)

      let member: SharedLog.Membership | undefined
      // From here on the member gets all its events from the shared reading.
      let since: number | undefined
      const leave = Effect.suspend(() => {
        const left = member
        member = since = undefined
        return left === undefined ? Effect.void : left.leave
      })

      const joining = Stream.suspend(() => {
        const joined = (member = SharedLog.join(store, { filters, wantsProgress }, context))
        const reading = Effect.map(joined.begun, (begin) => {
          if (begin === undefined || typeof at === "number") return Stream.empty
          // One of the two has not heard yet that the history has ended.
          if (begin.history !== at.history) return silently(Effect.sleep("100 millis"))
          const level = Effect.sync(() => {
            if (place() < begin.position) return
            joined.level()
            since = place()
          })
          return Stream.concat(taken(readOn(filters, begin)), silently(level))
        })
        return Stream.unwrap(reading)
      })

      /** Reads alone until it has caught up, and then joins the others. It may end without that. */
      const catchingUp = Stream.suspend(() => {
        if (member?.hasFailed() === true) return untilEnd
        const caughtUp = Stream.flatMap(SharedLog.present(store), alone)
        return Stream.concat(silently(leave), Stream.concat(caughtUp, joining))
      })

      const stage = yield* restartable(again(catchingUp))
      yield* Effect.addFinalizer(() => leave)

      // A pull by hand: streams around streams would take more time for an event than all else.
      const next: Pull.Pull<Arr.NonEmptyReadonlyArray<Step>, EventStoreError> = Effect.suspend(() => {
        if (member === undefined || since === undefined) return Effect.flatMap(stage, given)
        return Effect.flatMap(member.next, delivered)
      })
      const given = (steps: ReadonlyArray<Step> | undefined) =>
        steps !== undefined && Arr.isReadonlyArrayNonEmpty(steps) ? Effect.succeed(steps) : next
      const delivered = (steps: ReadonlyArray<Step> | undefined) => {
        const present = member?.place()
        if (present !== undefined && present.position > place()) at = present
        // The subscription may have been further than the reading that it has joined.
        const further = steps?.filter(({ resume }) => resume.position > since!)
        if (steps === undefined) since = undefined
        return given(further)
      }
      return Stream.fromPull(Effect.succeed(next))
    })
  )

/** The next elements of a stream; undefined at its end. After that it begins again. */
const restartable = <A, E>(
  stream: Stream.Stream<A, E>
): Effect.Effect<Effect.Effect<ReadonlyArray<A> | undefined, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    let run: { readonly scope: Scope.Closeable; readonly pull: Pull.Pull<ReadonlyArray<A>, E> } | undefined
    const close = Effect.suspend(() => {
      const ended = run
      run = undefined
      return ended === undefined ? Effect.void : Scope.close(ended.scope, Exit.void)
    })
    yield* Effect.addFinalizer(() => close)
    const opened = Effect.uninterruptible(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        return (run = { scope, pull: yield* Scope.provide(Stream.toPull(stream), scope) })
      })
    )
    const present = Effect.suspend(() => (run === undefined ? opened : Effect.succeed(run)))
    return Effect.flatMap(present, ({ pull }) => Pull.catchDone(pull, () => Effect.as(close, undefined)))
  })

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
