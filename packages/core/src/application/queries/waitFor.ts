import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { ViewStoreError, WaitTimeout } from "../../ports/errors.ts"
import { Rejected } from "../../ports/Reason.ts"
import { type Status, ViewStore } from "../../ports/ViewStore.ts"
import { memoized } from "../../internal/memoized.ts"
import { disconnect } from "../../internal/disconnect.ts"
import { isTraced, spanIf } from "../../internal/tracing.ts"
import { servingOf } from "../../ports/generation.ts"

/** A view that can be waited for. */
export interface ViewName {
  readonly name: string
}

/**
 * Waits until the generations that serve have all events up to a position.
 * `receipt` is the receipt of the command before the wait; a `WaitTimeout`
 * keeps it.
 */
export const waitFor = <Receipt>(
  views: ReadonlyArray<ViewName>,
  wanted: number,
  receipt: Receipt,
  // Longer than a projection's default lease: so another projection can take over from one that died.
  timeout: Duration.Input = "15 seconds"
): Effect.Effect<void, WaitTimeout<Receipt> | ViewStoreError, ViewStore> =>
  !Number.isSafeInteger(wanted) || wanted < 0
    ? Effect.fail(invalidPosition(wanted))
    : views.length === 0 || wanted === 0
      ? Effect.void
      : Effect.contextWith((context: Context.Context<ViewStore>) => {
          const store = Context.get(context, ViewStore)
          let late = views.map(({ name }): Lateness => ({ view: name, reached: 0, reason: "no answer" }))
          const looking = Effect.map(look(store), (seen) => {
            if (Option.isSome(seen)) {
              late = views.flatMap((view) => {
                const serving = servingOf(view, seen.value)
                return hasReached(serving, wanted) ? [] : [lateness(view, serving)]
              })
            }
            return late.length === 0
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

const invalidPosition = (wanted: unknown) => {
  const found = typeof wanted === "number" ? String(wanted) : `a ${typeof wanted}`
  return new ViewStoreError({
    operation: "status",
    reason: new Rejected({ detail: `${found} is not a position: a whole number from 0 on` })
  })
}

type Lateness = Pick<WaitTimeout, "view" | "reached" | "reason">

const lateness = ({ name }: ViewName, serving: Status | undefined): Lateness => {
  if (serving === undefined) return { view: name, reached: 0, reason: "unowned" }
  const { parts, position } = serving
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
