import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { WaitTimeout } from "./errors.ts"
import { type Status, ViewStore } from "../../ports/ViewStore.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import { memoized } from "../../internal/memoized.ts"
import { disconnect } from "../../internal/disconnect.ts"
import { servingOf } from "../../ports/generation.ts"

/** What can be waited for: a view. */
export interface ViewName {
  readonly name: string
}

/** Waits until the generations that serve have all events up to a position. */
export const waitFor = (
  views: ReadonlyArray<ViewName>,
  wanted: number,
  timeout: Duration.Input = "5 seconds"
): Effect.Effect<void, WaitTimeout | ViewStoreError, ViewStore> =>
  Effect.flatMap(ViewStore, (store) => {
    let late = views.map((view) => ({ view: view.name, wanted, reached: 0 }))
    if (late.length === 0 || wanted <= 0) return Effect.void
    const looking = Effect.map(look(store), (seen) => {
      if (Option.isSome(seen)) {
        late = views.flatMap((view) => {
          const serving = servingOf(view, seen.value)
          return hasReached(serving, wanted) ? [] : [{ view: view.name, wanted, reached: serving?.position ?? 0 }]
        })
      }
      return late.length === 0
    })
    return Effect.repeat(looking, { schedule: pauses("100 millis"), until: (done) => done }).pipe(
      Effect.asVoid,
      Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(new WaitTimeout(late[0]!)) })
    )
  })

/** Whether a generation has all committed events up to a position. */
export const hasReached = (serving: Status | undefined, position: number): boolean =>
  serving !== undefined && (serving.inline || serving.position >= position)

/** Short at first, then longer. */
export const pauses = (longest: Duration.Input) =>
  Schedule.min([Schedule.exponential("5 millis", 1.5), Schedule.spaced(longest)])

/**
 * Where all generations stand; none if there is no answer in time. Who asks
 * while a query is under way shares the next one with all others who do.
 */
export const look = (store: ViewStore["Service"]): Effect.Effect<Option.Option<Seen>, ViewStoreError> =>
  memoized(looks, store, () => sharing(store))

type Seen = ReadonlyArray<Status>

const sharing = ({ status }: ViewStore["Service"]): ReturnType<typeof look> => {
  const one = Semaphore.makeUnsafe(1)
  let next: Deferred.Deferred<Option.Option<Seen>, ViewStoreError> | undefined
  // From here on nobody joins: a query may answer only who asked before it
  // began, for what it says of an inline view holds of events before that.
  const query = Effect.suspend(() => {
    next = undefined
    return Effect.timeoutOption(disconnect(status), "2 seconds")
  })
  const joined = Effect.suspend(() => {
    if (next !== undefined) return Effect.succeed(next)
    const answer = (next = Deferred.makeUnsafe())
    // Of its own, so that it does not end with the first one who waits for it.
    return Effect.as(Effect.forkDetach(Effect.interruptible(Deferred.into(one.withPermit(query), answer))), answer)
  })
  return Effect.flatMap(Effect.uninterruptible(joined), Deferred.await)
}

const looks = new WeakMap<object, unknown>()
