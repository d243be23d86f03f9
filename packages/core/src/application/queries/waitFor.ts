import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { ViewStoreError, WaitTimeout } from "../../ports/errors.ts"
import { checkRange } from "../../ports/AppendCheck.ts"
import { EventStore, type Position } from "../../ports/EventStore.ts"
import { placeOf } from "../../ports/PositionCheck.ts"
import { type Reason, Rejected } from "../../ports/Reason.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { memoized } from "../../internal/memoized.ts"
import { disconnect } from "../../internal/disconnect.ts"
import { isTraced, spanIf } from "../../internal/tracing.ts"
import { ownPositions } from "../events/ownPositions.ts"
import { confirm, confirmParts, horizonOf, inTime } from "../events/positions.ts"
import { neededOf } from "./needed.ts"
import { currentOf, servingOf, type Status } from "../../ports/generation.ts"

/** A version of a view that can be waited for. */
export interface ViewName {
  readonly name: string
  readonly version: number
  /** The aggregates whose events the view follows, and their types. A wait for a view without them may take longer. */
  readonly sources?: ReadonlyArray<{ readonly name: string }>
  readonly types?: ReadonlyArray<string>
}

/**
 * Waits until the generations that serve have all events up to a position. If the
 * context has the event store, the wait fails if the log does not have the position,
 * or the position of one of the views. `receipt` is the receipt of the command
 * before the wait. A `WaitTimeout` keeps it.
 */
export const waitFor = <Receipt>(
  views: ReadonlyArray<ViewName>,
  position: number | Position,
  receipt: Receipt,
  // Longer than a projection's default lease: so another projection can take over from one that died.
  timeout: Duration.Input = "15 seconds"
): Effect.Effect<void, WaitTimeout<Receipt> | ViewStoreError, ViewStore> => {
  const refused = checkRange("readAll", { after: position })
  if (refused !== undefined) return Effect.fail(ofViews(refused.reason))
  const wanted = placeOf(position)
  if (wanted === undefined) return Effect.fail(ofViews(new Rejected({ detail: "no position is given" })))
  if (views.length === 0 || wanted === 0) return Effect.void
  return Effect.contextWith((context: Context.Context<ViewStore>) => {
    const store = Context.get(context, ViewStore)
    const events = Context.getOrUndefined(context, EventStore)
    const judge = judgement(events, position)
    const own = ownPositions(store)
    const needed = neededOf(events, wanted)
    const unseen = views.map(({ name }): Lateness => ({ view: name, reached: 0, reason: "no answer" }))
    let late: ReadonlyArray<Lateness> = unseen
    let isJudged = false
    const looking = Effect.gen(function* () {
      const seen = yield* look(store)
      if (Option.isNone(seen)) return false
      const servings = views.map((view) => servingOf(view, seen.value))
      const nearer = own.seen(seen.value, historyOf(position))
      yield* needed.look(views.map((view) => [view, servingOf(view, nearer)]))
      late = views.flatMap((view) =>
        hasReached(servingOf(view, nearer), needed.of(view)) ? [] : [lateness(view, currentOf(view, nearer))]
      )
      const isReached = late.length === 0
      if (isJudged && !isReached) return false
      if (isReached) late = unseen
      isJudged = yield* judge(servings)
      return isJudged && isReached
    })
    const waited = Duration.fromInputUnsafe(timeout)
    const waiting = Effect.repeat(looking, { schedule: pauses("100 millis"), until: (done) => done }).pipe(
      Effect.asVoid,
      Effect.timeoutOrElse({
        duration: waited,
        orElse: () => Effect.fail(new WaitTimeout<Receipt>({ ...late[0]!, wanted, waited, receipt }))
      })
    )
    return spanIf(isTraced(context), waiting, "Projection.waitFor", () => ({
      "hexfold.views": views.map(({ name }) => name),
      "hexfold.position": wanted
    }))
  })
}

/**
 * Whether the event store has answered that its log has the position, and those of
 * the views. Fails if the log does not have them. Without an event store nothing is
 * judged. It is asked after the views, so that no view is ahead of its log.
 */
const judgement = (events: EventStore["Service"] | undefined, wanted: number | Position) => {
  if (events === undefined) return () => Effect.succeed(true)
  return (servings: ReadonlyArray<Status | undefined>): Effect.Effect<boolean, ViewStoreError> =>
    Effect.gen(function* () {
      const log = yield* inTime(() => horizonOf(events))
      yield* confirm(events, wanted, log)
      yield* Effect.forEach(servings, (serving) => confirmParts(events, serving, log), { discard: true })
      return true
    }).pipe(
      Effect.catch((error) => (error.isRetryable ? Effect.succeed(false) : Effect.fail(ofViews(error.reason)))),
      Effect.withTracerEnabled(false)
    )
}

const historyOf = (position: number | Position) => (typeof position === "number" ? undefined : position.history)

const ofViews = (reason: Reason) => new ViewStoreError({ operation: "status", reason })

type Lateness = Pick<WaitTimeout, "view" | "reached" | "reason">

/** How far the build has come that projections work on, and why it does not go on, even if it does not answer queries yet. */
const lateness = ({ name }: ViewName, current: Status | undefined): Lateness => {
  if (current === undefined) return { view: name, reached: 0, reason: "unowned" }
  const { parts, position } = current
  const isStopped = parts.some(({ failure }) => failure !== undefined)
  const isOwned = parts.every(({ owner }) => owner !== undefined)
  return { view: name, reached: position, reason: isStopped ? "stopped" : isOwned ? "late" : "unowned" }
}

/** Whether a generation has all committed events up to a position. */
export const hasReached = (serving: Status | undefined, position: number): boolean =>
  serving !== undefined && (serving.inline || serving.position >= position)

/** Pauses that are short at first, then longer. */
export const pauses = (longest: Duration.Input) =>
  Schedule.min([Schedule.exponential("5 millis", 1.5), Schedule.spaced(longest)])

/**
 * The positions of all generations; none if the store does not answer in time.
 * All callers that ask while a query is under way share the next query.
 */
export const look = (store: ViewStore["Service"]): Effect.Effect<Option.Option<Seen>, ViewStoreError> =>
  memoized(looks, store, () => sharing(store))

type Seen = ReadonlyArray<Status>

const sharing = ({ status }: ViewStore["Service"]): ReturnType<typeof look> => {
  const one = Semaphore.makeUnsafe(1)
  let next: Deferred.Deferred<Option.Option<Seen>, ViewStoreError> | undefined
  // A caller may join only before the query begins: for an inline view the
  // answer covers only events that were appended before it.
  const query = Effect.suspend(() => {
    next = undefined
    return Effect.timeoutOption(disconnect(status), "2 seconds")
  })
  const joined = Effect.suspend(() => {
    if (next !== undefined) return Effect.succeed(next)
    const answer = (next = Deferred.makeUnsafe())
    // In a fiber of its own, so that it does not end with the first caller that waits for it.
    return Effect.as(Effect.forkDetach(Effect.interruptible(Deferred.into(one.withPermit(query), answer))), answer)
  })
  return Effect.flatMap(Effect.uninterruptible(joined), Deferred.await)
}

const looks = new WeakMap<object, unknown>()
