import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { Claim, Claimed, ViewStore } from "../../../ports/ViewStore.ts"
import { ViewStoreError } from "../../../ports/errors.ts"
import { disconnectWithin } from "../../../internal/disconnect.ts"
import { isRetryable } from "../../../internal/retryable.ts"

/** What a claim gave to the one who owns a generation now. */
export type Owned = Extract<Claimed, { readonly _tag: "Owned" }>

/** What to do with the answer to a claim. */
export interface Work<A, E, E2> {
  readonly owned: (owned: Owned) => Effect.Effect<A, E>
  /** Where the generation is divided otherwise than it was claimed. */
  readonly divided: (positions: ReadonlyArray<number>) => Effect.Effect<void, E2>
}

/**
 * Does `work` as the owner of a generation or a part of it, renewing the lease
 * all the while, and frees it at the end. None, if another one has it, or as soon
 * as the lease could not be renewed in time: the work is interrupted then.
 */
export const owning = <A, E, E2>(
  records: ViewStore["Service"],
  claim: Claim,
  work: Work<A, E, E2>
): Effect.Effect<Option.Option<A>, E | E2 | ViewStoreError> =>
  Effect.suspend(() => {
    const patience = Duration.divideUnsafe(claim.lease, 3)
    const ask = (lease: Duration.Duration) => within(records.claim({ ...claim, lease }), patience, "claim", claim)
    // The lease counts from before we ask: the store's begins later, so ours never ends after it.
    const claiming = Effect.flatMap(Clock.currentTimeMillis, (asked) =>
      Effect.map(ask(claim.lease), (claimed) => ({ claimed, until: asked + Duration.toMillis(claim.lease) }))
    )

    /** Ends when the lease is lost, and not before. */
    const renewing = Effect.fnUntraced(function* (build: number, first: number) {
      for (let until = first; ;) {
        yield* Effect.sleep(patience)
        const left = until - (yield* Clock.currentTimeMillis)
        const renewed = yield* claiming.pipe(
          Effect.retry({ schedule: Schedule.spaced(Duration.divideUnsafe(patience, 10)), while: isRetryable }),
          Effect.timeoutOption(Math.max(0, left))
        )
        if (Option.isNone(renewed)) return Option.none<A>()
        const { claimed } = renewed.value
        // A build that has replaced ours may have been given in its place.
        if (claimed._tag !== "Owned" || claimed.build !== build) return Option.none<A>()
        until = renewed.value.until
      }
    })

    // A claim that was interrupted or failed may have been given all the same.
    let mayOwn = true
    const owned = Effect.flatMap(
      claiming,
      ({ claimed, until }): Effect.Effect<Option.Option<A>, E | E2 | ViewStoreError> => {
        mayOwn = claimed._tag === "Owned"
        switch (claimed._tag) {
          case "Owned":
            return Effect.raceFirst(Effect.asSome(work.owned(claimed)), renewing(claimed.build, until))
          case "Divided":
            return Effect.as(work.divided(claimed.positions), Option.none<A>())
          case "Held":
            return Effect.succeedNone
        }
      }
    )
    const free = Effect.suspend(() => (mayOwn ? Effect.ignore(ask(Duration.zero)) : Effect.void))
    return Effect.ensuring(owned, free)
  })

/** Gives an operation of the view store up after a time, as one that may succeed later. */
export const within = <A, E>(
  operation: Effect.Effect<A, E>,
  duration: Duration.Duration,
  name: ViewStoreError["operation"],
  { generation: { view } }: Pick<Claim, "generation">
): Effect.Effect<A, E | ViewStoreError> =>
  disconnectWithin(operation, duration, (reason) => new ViewStoreError({ operation: name, view, reason }))
