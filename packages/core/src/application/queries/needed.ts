import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Follows } from "../../domain/view/follows.ts"
import { disconnect } from "../../internal/disconnect.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import type { Status } from "../../ports/generation.ts"
import { horizonOf } from "../events/positions.ts"

/** A view that is waited for, with the events that it follows if they are known. */
interface View {
  readonly follows?: Follows
}

/** The position that the records of a view need to have, so that they reflect all events up to the one that is waited for. */
export interface Needed {
  readonly of: (view: View) => number
  /** Asks the log about views whose records do not have the position yet. */
  readonly look: (servings: ReadonlyArray<readonly [View, Status | undefined]>) => Effect.Effect<void>
}

/**
 * An owner writes a position without an event for its view only when it renews its
 * lease. A wait does not wait for that: it asks the log for an event in between that the view handles.
 *
 * Why the records then reflect every event up to `wanted`. (1) The records have every
 * event up to the position of the store. (2) The horizon has reached `wanted`, so no
 * other event can still appear up to there. (3) Between the position and `wanted` the log
 * has no event that the view handles. So no owner has anything to apply there, not even one
 * that has died. An event that is parked or skipped is committed like any other.
 */
export const neededOf = (events: EventStore["Service"] | undefined, wanted: number): Needed => {
  /** From these positions on the log has no event for the view. */
  const clear = new Map<View, number>()
  /** The first events for the view that the records do not have. */
  const missing = new Map<View, number>()
  let looks = 0
  let isSlow = false

  const isAsked = ([view, serving]: readonly [View, Status | undefined]): boolean =>
    serving !== undefined &&
    !serving.inline &&
    serving.position < (clear.get(view) ?? wanted) &&
    serving.position >= (missing.get(view) ?? 0)

  const ask = (store: EventStore["Service"], view: View, after: number, history: number) =>
    Effect.gen(function* () {
      if (view.follows === undefined) return
      const first = yield* Stream.runHead(store.readAll({ after, history, upTo: wanted, limit: 1, ...view.follows }))
      if (Option.isNone(first)) clear.set(view, after)
      else missing.set(view, first.value.position)
    })

  return {
    of: (view) => clear.get(view) ?? wanted,
    look: (servings) =>
      Effect.suspend(() => {
        // A projection that has the event to apply has mostly done so by now.
        if (events === undefined || isSlow || ++looks < patience) return Effect.void
        const asked = servings.filter(isAsked)
        if (asked.length === 0) return Effect.void
        const asking = Effect.gen(function* () {
          const { history, position } = yield* horizonOf(events)
          if (position < wanted) return
          for (const [view, serving] of asked) yield* ask(events, view, serving!.position, history)
        })
        return disconnect(asking).pipe(
          Effect.timeoutOption("1 second"),
          Effect.map((answer) => void (isSlow = Option.isNone(answer))),
          // Nothing is known then. The position of the store tells a little later.
          Effect.ignore,
          Effect.withTracerEnabled(false)
        )
      })
  }
}

const patience = 3
