import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { disconnectWithin } from "../../../internal/disconnect.ts"
import { isRetryable } from "../../../internal/retryable.ts"
import { ViewStoreError } from "../../../ports/errors.ts"
import type { Generation } from "../../../ports/generation.ts"
import { Timeout } from "../../../ports/Reason.ts"
import type { Claim, Claimed, ProjectionStore } from "../../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../../ports/ViewStore.ts"

/** The answer to a claim that made the projection the owner. */
export type Owned = Extract<Claimed, { readonly _tag: "Owned" }>

/** What to do after a claim. */
export interface Work<A, E, E2> {
  readonly asOwner: (owned: Owned) => Effect.Effect<A, E>
  /** The keys of the generation are divided into another number of parts than was claimed. */
  readonly divided: (positions: ReadonlyArray<number>) => Effect.Effect<void, E2>
  /** Another definition of the same version, with this fingerprint, has made the records. */
  readonly differs: (fingerprint: string) => Effect.Effect<never, E2>
  /** Is run when the lease is lost, before the work is interrupted. */
  readonly lost?: (why: string) => Effect.Effect<void>
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
    const ask = (lease: Duration.Duration) =>
      within(store.claim({ ...claim, lease }), patience, "claim", claim.generation.view)
    // Our lease counts from before the question. The store's begins later, so ours never ends after it.
    const claiming = Effect.flatMap(monotonicMillis, (asked) =>
      Effect.map(ask(claim.lease), (claimed) => ({ claimed, until: asked + Duration.toMillis(claim.lease) }))
    )

    /** Ends when the lease is lost, and not before. */
    const renewing = Effect.fnUntraced(function* ({ build, epoch }: Owned, first: number) {
      for (let until = first; ;) {
        yield* Effect.sleep(patience)
        const left = until - (yield* monotonicMillis)
        if (left <= 0) {
          // Something has held the event loop for longer than the lease. The batch under way may still commit: its epoch and
          // its position decide. To claim now would change the epoch, and the batch would be lost each time.
          yield* Effect.sleep(patience)
          return `the process was busy, and its lease had ended ${Duration.format(Duration.millis(Math.round(-left)))} before it could renew it`
        }
        let failure: ViewStoreError | undefined
        const renewed = yield* claiming.pipe(
          Effect.tapError((error) => Effect.sync(() => void (failure = error))),
          Effect.retry({ schedule: Schedule.spaced(Duration.divideUnsafe(patience, 10)), while: isRetryable }),
          Effect.timeoutOption(left)
        )
        if (Option.isNone(renewed))
          return `it could not renew the lease in time: ${failure?.message ?? "the view store has not answered"}`
        const { claimed } = renewed.value
        // The answer may be another build, which has replaced ours.
        if (claimed._tag === "Held") return `the projection ${claimed.by} owns it now`
        if (claimed._tag === "Differs") return "records of another definition have replaced its own"
        if (claimed._tag === "Divided") return "its keys are divided into other parts now"
        if (claimed.build !== build) return `build ${claimed.build} has replaced build ${build}`
        if (claimed.epoch !== epoch) return "its lease had ended before it was renewed"
        until = renewed.value.until
      }
    })

    // A claim that was interrupted or failed may have succeeded in the store.
    let mayOwn = true
    const working = Effect.flatMap(
      claiming,
      ({ claimed, until }): Effect.Effect<Option.Option<A>, E | E2 | ViewStoreError> => {
        mayOwn = claimed._tag === "Owned"
        switch (claimed._tag) {
          case "Owned":
            return Effect.raceFirst(
              Effect.asSome(work.asOwner(claimed)),
              Effect.andThen(
                Effect.flatMap(renewing(claimed, until), (why) => work.lost?.(why) ?? Effect.void),
                Effect.succeedNone
              )
            )
          case "Divided":
            return Effect.as(work.divided(claimed.positions), Option.none<A>())
          case "Differs":
            return work.differs(claimed.fingerprint)
          case "Held":
            return Effect.succeedNone
        }
      }
    )
    const release = Effect.suspend(() => (mayOwn ? Effect.ignore(ask(Duration.zero)) : Effect.void))
    return Effect.ensuring(working, release)
  })

// A correction of the wall clock must not end a lease.
const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** What a projection asks of its stores. Each operation fails with a retryable `Timeout` if it takes longer than the lease. */
export interface BoundedStore
  extends Pick<ProjectionStore["Service"], "load" | "commit">, Pick<ViewStore["Service"], "status"> {
  /** Whether a key of the generation is parked. */
  readonly hasParked: (generation: Generation) => Effect.Effect<boolean, ViewStoreError>
}

/** Bounds the operations of the stores by the duration of a lease. */
export const bounded = (
  store: ProjectionStore["Service"],
  { status }: ViewStore["Service"],
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
  status: within(status, lease, "status", name)
})

const within = <A, E>(
  call: Effect.Effect<A, E>,
  duration: Duration.Duration,
  operation: ViewStoreError["operation"],
  view: string
): Effect.Effect<A, E | ViewStoreError> =>
  disconnectWithin(call, duration, (detail) => new ViewStoreError({ operation, view, reason: new Timeout({ detail }) }))
