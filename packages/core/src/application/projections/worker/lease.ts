import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { monotonicMillis, nextBeat } from "../../../internal/beat.ts"
import { disconnectWithin } from "../../../internal/disconnect.ts"
import { memoized } from "../../../internal/memoized.ts"
import { isRetryable } from "../../../internal/retryable.ts"
import { recently } from "../../../internal/recently.ts"
import { together } from "../../../internal/together.ts"
import { ViewStoreError } from "../../../ports/errors.ts"
import type { Generation } from "../../../ports/generation.ts"
import { Timeout } from "../../../ports/Reason.ts"
import type { Claim, Claimed, ProjectionStore, Renewal } from "../../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../../ports/ViewStore.ts"
import * as Passed from "./passed.ts"

/** The answer to a claim that made the projection the owner. */
export type Owned = Extract<Claimed, { readonly _tag: "Owned" }>

/** An ownership as it goes on. */
export interface Ownership extends Owned {
  /** How far the owner has come. */
  readonly passed: Passed.Passed
}

/** What to do after a claim. */
export interface Work<A, E, E2> {
  readonly asOwner: (owned: Ownership) => Effect.Effect<A, E>
  /** The keys of the generation are divided into another number of parts than was claimed. */
  readonly divided: (positions: ReadonlyArray<number>) => Effect.Effect<void, E2>
  /** Another definition of the same version, with this fingerprint, has made the records. */
  readonly differs: (fingerprint: string) => Effect.Effect<never, E2>
  /** Whether the log is still in a history. */
  readonly isPresent?: (history: number) => Effect.Effect<boolean>
  /**
   * Is run when the lease is lost, before the work is interrupted. `yields` if it has not ended yet, and a higher version
   * waits for its end: then what is under way can still be written.
   */
  readonly lost?: (why: string, yields: boolean) => Effect.Effect<void>
}

/**
 * Works as the owner of a generation or of a part of it. Renews the lease during
 * the work and releases it at the end. Gives nothing if another projection owns
 * it, or if the lease could not be renewed in time: then the work is interrupted.
 */
export const withLease = <A, E, E2>(
  store: Pick<ProjectionStore["Service"], "claim">,
  claim: Claim,
  work: Work<A, E, E2>
): Effect.Effect<Option.Option<A>, E | E2 | ViewStoreError> =>
  Effect.suspend(() => {
    const patience = Duration.divideUnsafe(claim.lease, 3)
    const ask = (lease: Duration.Duration, renews?: Renewal) => {
      const asked = renews === undefined ? { ...claim, lease } : { ...claim, lease, renews }
      return within(store.claim(asked), patience, "claim", claim.generation.view)
    }
    // Our lease counts from before the question. The store's begins later, so ours never ends after it.
    const leased = (claiming: Effect.Effect<Claimed, ViewStoreError>) =>
      Effect.flatMap(monotonicMillis, (asked) =>
        Effect.map(claiming, (claimed) => ({ claimed, until: asked + Duration.toMillis(claim.lease) }))
      )

    /** Ends when the lease is lost, and not before. */
    const renewing = Effect.fnUntraced(function* ({ build, epoch, passed }: Ownership, first: number) {
      const renewal = leased(passed.renew((renews) => ask(claim.lease, renews)))
      for (let until = first; ;) {
        // All leases of one length are renewed together.
        yield* nextBeat(patience)
        const left = until - (yield* monotonicMillis)
        if (left <= 0) {
          // Something has held the event loop for longer than the lease. The batch under way may still commit: its epoch and
          // its position decide. To claim now would change the epoch, and the batch would be lost each time.
          yield* Effect.sleep(patience)
          return `the process was busy, and its lease had ended ${Duration.format(Duration.millis(Math.round(-left)))} before it could renew it`
        }
        let failure: ViewStoreError | undefined
        const renewed = yield* renewal.pipe(
          Effect.tapError((error) => Effect.sync(() => void (failure = error))),
          Effect.retry({ schedule: Schedule.spaced(Duration.divideUnsafe(patience, 10)), while: isRetryable }),
          Effect.timeoutOption(left)
        )
        if (Option.isNone(renewed))
          return `it could not renew the lease in time: ${failure?.message ?? "the view store has not answered"}`
        const { claimed } = renewed.value
        // The answer may be another build, which has replaced ours.
        if (claimed._tag === "Held") {
          yields = claimed.by === claim.owner
          return yields ? "a higher version takes over" : `the projection ${claimed.by} owns it now`
        }
        if (claimed._tag === "Differs") return "records of another definition have replaced its own"
        if (claimed._tag === "Divided") return "its keys are divided into other parts now"
        if (claimed.build !== build) return `build ${claimed.build} has replaced build ${build}`
        if (claimed.epoch !== epoch) return "its lease had ended before it was renewed"
        until = renewed.value.until
      }
    })

    // A claim that was interrupted or failed may have succeeded in the store.
    let mayOwn = true
    let present: Ownership | undefined
    let yields = false
    const working = Effect.flatMap(
      leased(ask(claim.lease)),
      ({ claimed, until }): Effect.Effect<Option.Option<A>, E | E2 | ViewStoreError> => {
        mayOwn = claimed._tag === "Owned"
        switch (claimed._tag) {
          case "Owned": {
            const owned = (present = { ...claimed, passed: Passed.make(claimed, work.isPresent) })
            const lost = Effect.flatMap(renewing(owned, until), (why) => {
              present = undefined
              return work.lost?.(why, yields) ?? Effect.void
            })
            return Effect.raceFirst(Effect.asSome(work.asOwner(owned)), Effect.andThen(lost, Effect.succeedNone))
          }
          case "Divided":
            return Effect.as(work.divided(claimed.positions), Option.none<A>())
          case "Differs":
            return work.differs(claimed.fingerprint)
          case "Held":
            return Effect.succeedNone
        }
      }
    )
    // After a lost lease nothing is written.
    const release = Effect.suspend(() => {
      if (!mayOwn) return Effect.void
      if (present === undefined) return Effect.ignore(ask(Duration.zero))
      return Effect.ignore(present.passed.renew((renews) => ask(Duration.zero, renews)))
    })
    return Effect.ensuring(working, release)
  })

/** What a projection asks of its stores. Each operation fails with a retryable `Timeout` if it takes longer than the lease. */
export interface BoundedStore
  extends Pick<ProjectionStore["Service"], "load" | "commit">, Pick<ViewStore["Service"], "status"> {
  /** The status, or what another projection of this process was told within that time. */
  readonly recentStatus: (within: Duration.Duration) => ViewStore["Service"]["status"]
  /** Whether a key of the generation is parked. */
  readonly hasParked: (generation: Generation) => Effect.Effect<boolean, ViewStoreError>
}

/** Bounds the operations of the stores by the duration of a lease. */
export const bounded = (
  store: ProjectionStore["Service"],
  views: ViewStore["Service"],
  lease: Duration.Duration,
  { name }: { readonly name: string }
): BoundedStore => ({
  load: (generation, keys) => within(store.load(generation, keys), lease, "load", name),
  // The commit is not interrupted, but it still gets no more time than the lease.
  commit: (commit) => Effect.uninterruptible(within(store.commit(commit), lease, "commit", name)),
  hasParked: (generation) =>
    within(store.deadLetters(generation, { parked: true, limit: 1 }), lease, "deadLetters", name).pipe(
      Effect.map((parked) => parked.length > 0)
    ),
  ...sharedStatus(views, lease)
})

// All projections of a process that want to know the status at nearly one moment ask once. One that gets no answer must
// not hold the next one up for longer than the lease.
const sharedStatus = (views: ViewStore["Service"], lease: Duration.Duration) => {
  const byLease = memoized(asked, views, () => new Map<number, Pick<BoundedStore, "recentStatus" | "status">>())
  const millis = Duration.toMillis(lease)
  const found = byLease.get(millis)
  if (found !== undefined) return found
  const asking = within(views.status, lease, "status", undefined)
  const shared = { status: together(asking), recentStatus: recently(asking) }
  byLease.set(millis, shared)
  return shared
}

const asked = new WeakMap<object, unknown>()

const within = <A, E>(
  call: Effect.Effect<A, E>,
  duration: Duration.Duration,
  operation: ViewStoreError["operation"],
  view: string | undefined
): Effect.Effect<A, E | ViewStoreError> =>
  disconnectWithin(
    call,
    duration,
    (detail) =>
      new ViewStoreError({ operation, ...(view === undefined ? {} : { view }), reason: new Timeout({ detail }) })
  )
