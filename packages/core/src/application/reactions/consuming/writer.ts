/** Writes how far an owner has come: the position, what is done after it, and dead letters, together. */
import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import type { DeadLetter } from "../../../ports/deadLetter.ts"
import type { CommitConflict, ViewStoreError } from "../../../ports/errors.ts"
import { type Part, servingOf } from "../../../ports/generation.ts"
import type { BoundedStore, Ownership } from "../../projections/worker/lease.ts"
import type { ReactionFailed } from "../errors.ts"
import * as Appended from "../../events/appended.ts"
import type { Position } from "../../../ports/EventStore.ts"
import * as DoneAhead from "./ahead.ts"
import { unapplied } from "../../views/poison.ts"
import type { Outcome } from "./delivery.ts"
import type { Settings } from "./options.ts"
import type { Progress } from "./progress.ts"
import type { Reaction } from "./reaction.ts"
import type { Reports } from "./reports.ts"

/** What is written, and where. */
export interface Given {
  readonly reaction: Reaction
  readonly part: Part
  readonly settings: Settings
  readonly store: BoundedStore
  readonly reports: Reports
  readonly owned: Ownership
  readonly progress: Progress
  readonly clock: Clock.Clock
  /** What was done before. Until the owner has read all of it, the record of that stays. */
  readonly before: () => DoneAhead.DoneBefore
  /** What the record of the part says that handlers have appended. */
  readonly appended: () => Position | undefined
}

/** Writes for one owner. */
export interface Writer {
  /** Takes note of the outcome of an event. */
  readonly note: (outcome: Outcome) => void
  /** Takes note of the horizon that is read to, and of its history of the log. */
  readonly reads: (horizon: number, history: number) => void
  /** Asks for a commit. */
  readonly ask: () => void
  /** Commits once, with the failure that stops the reactor if there is one. */
  readonly commit: (failure?: ReactionFailed) => Effect.Effect<void, CommitConflict | ViewStoreError>
  /** Commits whenever it is asked, for ever. What is asked for during a commit is in the next one. */
  readonly committing: Effect.Effect<never, CommitConflict | ViewStoreError>
}

/** A writer that has nothing to write yet. */
export const make = (given: Given): Writer => {
  const { appended: appendedBefore, before, clock, owned, part, progress, reaction, reports, settings, store } = given
  const { consumer } = reaction
  const generation = { view: consumer.name, version: consumer.version, build: owned.build }
  const changed = Latch.makeUnsafe(false)
  // What a commit that has failed was to write is in the next one. So that one begins when the outcome is known.
  const one = Semaphore.makeUnsafe(1)
  let letters: Array<DeadLetter> = []
  let handled = 0
  let history = owned.history ?? 1
  let horizon = Number.POSITIVE_INFINITY
  // A record of a former owner is removed when it says nothing any more.
  let isKept = true
  let serves = false
  let appended: Position | undefined
  let record: { readonly appended: Position | undefined } | undefined

  const commit = (failure?: ReactionFailed): Effect.Effect<void, CommitConflict | ViewStoreError> =>
    Effect.suspend(() => {
      const to = progress.position()
      const asks = !serves && to >= horizon
      if (handled === 0 && letters.length === 0 && !asks && failure === undefined) {
        if (to > owned.passed.position()) owned.passed.pass(to, history)
        return Effect.void
      }
      const put = letters
      const done = handled
      letters = []
      handled = 0
      const at = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
      const isFormer = progress.readTo() < before().upTo
      const ahead = isFormer ? DoneAhead.unchanged : DoneAhead.changesOf(part, history, progress, before(), isKept)
      const last = Appended.later(appended, appendedBefore())
      const beyond = Appended.beyond(last, { history, position: to })
      const effects = Appended.changesOf(part.index, (record ?? { appended: appendedBefore() }).appended, beyond)
      const records = { put: [...ahead.put, ...effects.put], remove: [...ahead.remove, ...effects.remove] }
      const writing = owned.passed.commit(to, history, (from) =>
        store.commit({
          owner: { generation, part: part.index, epoch: owned.epoch },
          from,
          to,
          history,
          records,
          deadLetters: { put, remove: [] },
          progress: failure === undefined ? {} : { failure: unapplied(failure, at) },
          ...(asks ? { asks: "serve" as const } : {})
        })
      )
      return Effect.matchEffect(writing, {
        onFailure: (error) => {
          // The position must not be written without them.
          letters = [...put, ...letters]
          handled += done
          return Effect.fail(error)
        },
        onSuccess: () => {
          isKept = isFormer || ahead.put.length > 0
          record = { appended: beyond }
          if (asks && part.of === 1) serves = true
          return reports.committed(done, put)
        }
      })
    }).pipe((commit) => one.withPermit(commit), Effect.uninterruptible)

  const committing = Effect.forever(
    Effect.andThen(
      changed.await,
      Effect.suspend(() => {
        changed.closeUnsafe()
        return commit()
      })
    )
  )

  // A part is not let serve before the others have come as far. So the store is asked again.
  const serving = Effect.gen(function* () {
    while (!serves) {
      yield* Effect.sleep(settings.pause)
      serves = servingOf(consumer, yield* store.recentStatus(settings.pause)) !== undefined
      if (!serves) yield* changed.open
    }
    return yield* Effect.never
  })

  return {
    note: ({ appended: last, deadLetters, handled: done }) => {
      appended = Appended.later(appended, last)
      letters.push(...deadLetters)
      handled += done
      changed.openUnsafe()
    },
    reads: (position, of) => {
      horizon = position
      history = of
    },
    ask: () => void changed.openUnsafe(),
    commit,
    committing: Effect.raceFirst(committing, serving)
  }
}
