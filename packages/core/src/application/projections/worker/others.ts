import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { nextBeat } from "../../../internal/beat.ts"
import type { EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import type { EventStore, Horizon } from "../../../ports/EventStore.ts"
import { buildsOf, currentOf, type Part } from "../../../ports/generation.ts"
import type { OwnPositions } from "../../events/ownPositions.ts"
import { inTime } from "../../events/positions.ts"
import { eventsOf } from "../reading/eventReader.ts"
import type { BoundedStore } from "./lease.ts"

/** What a projection does while another one owns the generation. */
export interface Others {
  /**
   * The position of the worker's generation. It is at least the horizon if appends
   * maintain the generation, or if the view handles no event in between.
   */
  readonly position: (horizon: Horizon) => Effect.Effect<number, EventStoreError | ViewStoreError>
  /** Waits while another projection owns what the worker is to work on. Checks it after each pause. */
  readonly whileHeld: Effect.Effect<void>
}

/** What the worker is to work on, and with what. */
interface Given {
  readonly view: Consumer
  readonly build: number | undefined
  readonly part: Part
  readonly owner: string
  readonly store: BoundedStore
  readonly own: OwnPositions
  readonly events: EventStore["Service"]
  readonly pause: Duration.Duration
}

/** Looks at the other owners of a generation. */
export const make = ({ build, events, own, owner, part, pause, store, view }: Given): Others => {
  const isHeld = Effect.map(store.recentStatus(Duration.divideUnsafe(pause, 2)), (all) => {
    const found = build === undefined ? currentOf(view, all) : buildsOf(view, all).find((each) => each.build === build)
    const parts = found?.parts ?? []
    const mine = parts.length === part.of ? [parts[part.index]!] : parts
    return mine.some((each) => each.owner !== undefined && each.owner !== owner)
  })

  return {
    position: Effect.fnUntraced(function* ({ history, position: horizon }) {
      const current = currentOf(view, own.seen(yield* store.status, history))
      const mine = current?.parts.length === part.of ? current.parts[part.index] : undefined
      const reached = mine?.position ?? current?.position ?? 0
      if (current?.inline === true) return Math.max(reached, horizon)
      // A generation that does not answer yet is committed to at the horizon.
      if (current?.serves !== true || reached >= horizon) return reached
      const range = { after: reached, history, upTo: horizon, limit: 1 }
      const next = yield* inTime(() => Stream.runHead(eventsOf(view, events, range)))
      return Option.isNone(next) ? horizon : reached
    }),

    // All projections that wait look at the same moments, and ask for the status once. If it fails, the claim says why.
    whileHeld: Effect.andThen(
      nextBeat(pause),
      Effect.orElseSucceed(isHeld, () => false)
    ).pipe(Effect.repeat({ while: (held) => held }), Effect.asVoid)
  }
}
