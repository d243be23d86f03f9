import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as View from "../../../domain/View.ts"
import type { CommitConflict, ViewStoreError } from "../../../ports/errors.ts"
import { buildsOf, isSame, servingOf } from "../../../ports/generation.ts"
import type { BoundedStore, Owned } from "./lease.ts"

/** Leaves a generation of an inline view to the appends. */
export interface Promotion {
  /**
   * Asks that appends maintain a generation that has reached a position. True if
   * they maintain it now.
   */
  readonly promote: (owned: Owned, position: number) => Effect.Effect<boolean, CommitConflict | ViewStoreError>
  /** Waits as long as appends maintain the generation. Checks it after each pause. */
  readonly standBy: (owned: Owned) => Effect.Effect<void, ViewStoreError>
}

/** How a projection of one view leaves it to the appends. Not at all, unless `inline`. */
export const make = (
  view: View.Any,
  store: BoundedStore,
  { inline, pause }: { readonly inline: boolean; readonly pause: Duration.Duration }
): Promotion => {
  const isInline = ({ build }: Owned) =>
    Effect.map(store.status, (all) => buildsOf(view, all).some((each) => each.build === build && each.inline))

  const promote = Effect.fnUntraced(function* (owned: Owned, position: number) {
    const { build, epoch } = owned
    const generation = { view: view.name, version: view.version, build }
    const serving = servingOf(view, yield* store.status)
    if (serving !== undefined && isSame(serving, generation)) {
      // Appends do not maintain a generation with parked keys.
      if (yield* store.hasParked(generation)) return false
    }
    // It begins to answer in the same commit, so that queries never see less than before.
    yield* store.commit({ owner: { generation, epoch }, from: position, to: position, asks: "serve inline" })
    return yield* isInline(owned)
  })

  return {
    promote: (owned, position) => (inline ? promote(owned, position) : Effect.succeed(false)),
    standBy: (owned) => Effect.asVoid(Effect.repeat(Effect.delay(isInline(owned), pause), { while: (still) => still }))
  }
}
