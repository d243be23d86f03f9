import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { ViewStoreError, WaitTimeout } from "../../ports/errors.ts"
import { checkRange } from "../../ports/AppendCheck.ts"
import { EventStore, type Position } from "../../ports/EventStore.ts"
import { placeOf } from "../../ports/PositionCheck.ts"
import { type Reason, Rejected } from "../../ports/Reason.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { memoized } from "../../internal/memoized.ts"
import { disconnect } from "../../internal/disconnect.ts"
import type { Follows } from "../../domain/view/follows.ts"
import { together } from "../../internal/together.ts"
import { isTraced, spanIf } from "../../internal/tracing.ts"
import { ownPositions } from "../events/ownPositions.ts"
import { confirm, confirmParts, horizonOf, inTime } from "../events/positions.ts"
import { neededOf } from "./needed.ts"
import { isUnknown } from "../../ports/deadLetter.ts"
import { buildsOf, currentOf, servingOf, type Status } from "../../ports/generation.ts"

/** A version of a view that can be waited for. */
export interface ViewName {
  readonly name: string
  readonly version: number
  /** The recorded events that the view is given. A wait for a view without them may take longer. */
  readonly follows?: Follows
}

/**
 * Waits until the generations that serve have all events up to a position. It does
 * not wait where that cannot come, see {@link hopelessly}. If the
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
  // The receipt of a command without events is reflected by whatever a query answers, even by nothing.
  if (views.length === 0 || (wanted === 0 && receipt !== undefined)) return Effect.void
  return Effect.contextWith((context: Context.Context<ViewStore>) => {
    const clock = Context.get(context, Clock.Clock)
    const store = Context.get(context, ViewStore)
    const events = Context.getOrUndefined(context, EventStore)
    const judge = judgement(events, position)
    const own = ownPositions(store)
    const needed = neededOf(events, wanted)
    const unseen = views.map((view): Late => ({ of: view, view: view.name, reached: 0, reason: "no answer" }))
    const idle = memoized(idles, store.status, () => new Map<string, Idle>())
    const began = clock.currentTimeMillisUnsafe()
    const failed = ({ of: _, ...seen }: Late, waited: Duration.Duration) =>
      Effect.fail(new WaitTimeout<Receipt>({ ...seen, wanted, waited, receipt }))
    let late: ReadonlyArray<Late> = unseen
    let isJudged = false
    const looking = Effect.gen(function* () {
      const seen = yield* look(store)
      if (Option.isNone(seen)) return false
      const servings = views.map((view) => servingOf(view, seen.value))
      // The positions that the projections of this process have reached may be further than those that are written.
      const nearer = own.seen(seen.value, historyOf(position))
      yield* needed.look(views.map((view) => [view, servingOf(view, nearer)]))
      const behind = views.flatMap((view) => {
        if (!hasReached(servingOf(view, nearer), needed.of(view))) return [lateness(view, nearer, wanted)]
        idle.delete(nameOf(view))
        return []
      })
      const isReached = behind.length === 0
      // If all have come so far, only the log has not answered yet.
      late = isReached ? unseen : behind
      if (isReached || !isJudged) isJudged = yield* judge(servings)
      if (!isReached && isJudged) {
        const now = clock.currentTimeMillisUnsafe()
        const hopeless = behind.find((each) => hopelessly(idle, each, seen.value, now))
        if (hopeless !== undefined) return yield* failed(hopeless, Duration.millis(Math.round(now - began)))
      }
      return isReached && isJudged
    })
    const waited = Duration.fromInputUnsafe(timeout)
    const waiting = Effect.repeat(looking, { schedule: pauses("100 millis"), until: (done) => done }).pipe(
      Effect.asVoid,
      Effect.timeoutOrElse({
        duration: waited,
        orElse: () => failed(late[0]!, waited)
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

interface Late extends Pick<WaitTimeout, "view" | "reached" | "reason" | "stoppedBy"> {
  readonly of: ViewName
}

/**
 * How far the build has come that projections work on, and why it does not go on, even if it does not answer queries
 * yet.
 */
const lateness = (of: ViewName, all: Seen, wanted: number): Late => {
  const current = currentOf(of, all)
  if (current === undefined) return { of, view: of.name, reached: 0, reason: "unbuilt" }
  const { parts, position } = current
  const at = { of, view: of.name, reached: position }
  const behind = parts.filter((part) => part.position < wanted)
  // A build that has the events, and does not answer yet, waits for all of its parts.
  const lagging = behind.length === 0 ? parts : behind
  // A projection that has taken a stopped part over tries the event again. For an event of a newer program, a process of
  // that program takes over.
  const stopped = lagging.find(({ failure, owner }) => failure !== undefined && owner === undefined)?.failure
  if (stopped !== undefined && !isUnknown(stopped)) {
    const { error, position, stream, streamVersion, type } = stopped
    const cause = error === undefined ? "" : `${error.step} failed: ${error.cause}`
    return { ...at, reason: "stopped", stoppedBy: { position, stream, streamVersion, type, cause } }
  }
  return { ...at, reason: lagging.some(({ owner }) => owner === undefined) ? "unowned" : "late" }
}

/**
 * Whether a view will not reach the position as things are. It is so at once if an event has stopped it, and otherwise
 * after a time in which a projection would have begun to work on it: one that starts, or one that takes over when a
 * lease has ended. It is never so while a projection works on another build of the version, which may come to serve.
 */
const hopelessly = (idle: Map<string, Idle>, { of, reason }: Late, all: Seen, now: number): boolean => {
  const name = nameOf(of)
  const current = currentOf(of, all)
  const isBuilt = buildsOf(of, all).some(
    (each) => each !== current && each.parts.some(({ owner }) => owner !== undefined)
  )
  if (reason === "late" || reason === "no answer" || isBuilt) return idle.delete(name) && false
  if (reason === "stopped") return true
  const patience = patiences[reason]
  const known = idle.get(name)
  // Those who wait one after the other do not each begin to count anew. What nobody has looked at for long may have had an owner.
  const isSame = known !== undefined && known.reason === reason && now - known.seen <= patience
  const since = isSame ? known.since : now
  idle.set(name, { reason, since, seen: now })
  return now - since >= patience
}

const nameOf = ({ name, version }: ViewName): string => `${version} ${name}`

/** A view that no projection works on. The times are in milliseconds. */
interface Idle {
  readonly reason: Late["reason"]
  readonly since: number
  readonly seen: number
}

const idles = new WeakMap<object, unknown>()

/** How long a view may be without an owner, in milliseconds. The default lease has 10 seconds. */
const patiences = { unbuilt: 5_000, unowned: 12_000 }

/** Whether a generation has all committed events up to a position. */
export const hasReached = (serving: Status | undefined, position: number): boolean =>
  serving !== undefined && (serving.inline || serving.position >= position)

/** Pauses that are short at first, then longer. */
const pauses = (longest: Duration.Input) =>
  Schedule.min([Schedule.exponential("5 millis", 1.5), Schedule.spaced(longest)])

/**
 * The positions of all generations; none if the store does not answer in time.
 * All callers that ask while a query is under way share the next query.
 */
export const look = (store: ViewStore["Service"]): Effect.Effect<Option.Option<Seen>, ViewStoreError> =>
  memoized(looks, store.status, () => together(Effect.timeoutOption(disconnect(store.status), "2 seconds")))

type Seen = ReadonlyArray<Status>

const looks = new WeakMap<object, unknown>()
