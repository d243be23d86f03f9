import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import type { Claimed, Renewal } from "../../../ports/ProjectionStore.ts"

/** How far an owner has come: the position that the store has, and the one that the owner has reached in memory. */
export interface Passed {
  readonly position: () => number
  /** The history of the log in which the position was reached; undefined as long as the store knows it as well. */
  readonly history: () => number | undefined
  /** Notes that the view handles no event after the present position and up to this one. */
  readonly pass: (position: number, history: number) => void
  /** Commits up to a position, from the one that the store has. */
  readonly commit: <E, R>(
    to: number,
    history: number | undefined,
    commit: (from: number) => Effect.Effect<void, E, R>
  ) => Effect.Effect<void, E, R>
  /** Claims again, and lets the store write what was passed. */
  readonly renew: <E, R>(claim: (renews: Renewal) => Effect.Effect<Claimed, E, R>) => Effect.Effect<Claimed, E, R>
}

/**
 * Keeps the position of an owner. An event that the view does not handle makes no
 * commit. Its position is written when the lease is renewed.
 *
 * Why the records always have every event up to the position of the store. (1) A
 * position is passed in memory only where the view handles no event, and events that it
 * handles are committed with their position. (2) A commit and a renewal with a position
 * are never under way together, so both begin at the position of the store. (3) If one
 * of them got no answer and arrives late, the store refuses what does not begin at its
 * own position in the owner's epoch.
 *
 * What was passed in a history that has ended is not written: the log may have gone back to a position in between, which
 * the records have not lost. The owner begins again at the position of the store then.
 */
export const make = (
  { epoch, history: first, position: from }: Start,
  isPresent: (history: number) => Effect.Effect<boolean> = () => Effect.succeed(true)
): Passed => {
  const one = Semaphore.makeUnsafe(1)
  let written = from
  let position = from
  let history = first

  return {
    position: () => position,
    history: () => history,
    pass: (to, of) => {
      position = to
      history = of
    },
    commit: (to, of, commit) =>
      one.withPermit(
        Effect.suspend(() =>
          Effect.tap(commit(written), () =>
            Effect.sync(() => {
              written = position = to
              history = of ?? history
            })
          )
        )
      ),
    renew: (claim) =>
      Effect.suspend(() => {
        const plain = claim({ epoch })
        if (position === written || history === undefined) return plain
        const of = history
        const writing = Effect.suspend(() => {
          const to = position
          if (to === written || history !== of) return plain
          return Effect.tap(claim({ epoch, passed: { from: written, to, history: of } }), (claimed) =>
            Effect.sync(() => {
              // An earlier renewal without an answer may have moved the position too. In this epoch nothing else does.
              if (claimed._tag !== "Owned" || claimed.epoch !== epoch || claimed.inline) return
              if (claimed.position > written && claimed.position <= to) written = claimed.position
            })
          )
        })
        // A commit under way writes its own position. The lease does not wait for it.
        const unlessBusy = Effect.flatMap(
          one.withPermitsIfAvailable(1)(writing),
          Option.match({ onNone: () => plain, onSome: Effect.succeed })
        )
        return Effect.flatMap(isPresent(of), (present) => (present ? unlessBusy : plain))
      })
  }
}

/** The answer to a claim that made the projection the owner. */
type Start = Extract<Claimed, { readonly _tag: "Owned" }>
