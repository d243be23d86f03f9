import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as View from "../../../domain/View.ts"
import { nextBeat } from "../../../internal/beat.ts"
import type { CommitConflict, ViewStoreError } from "../../../ports/errors.ts"
import { buildsOf, isSame, servingOf, type Status } from "../../../ports/generation.ts"
import type { BoundedStore, Owned, Ownership } from "./lease.ts"

/** Leaves a generation of an inline view to the appends. */
export interface Promotion {
  /** Whether appends are to maintain the generation. */
  readonly promotes: boolean
  /**
   * Asks that appends maintain a generation that has reached a position. True if
   * they maintain it now. Unless `atOnce`, it is left with the projection while
   * processes append that do not know its definition: each of their appends would end
   * that appends maintain it.
   */
  readonly promote: (
    owned: Ownership,
    position: number,
    atOnce?: boolean
  ) => Effect.Effect<boolean, CommitConflict | ViewStoreError>
  /** Waits as long as appends maintain the generation. Checks it after each pause. */
  readonly standBy: (owned: Owned) => Effect.Effect<void, ViewStoreError>
}

/** How a projection of one view leaves it to the appends. Not at all, unless `inline`. */
export const make = (
  view: View.Any,
  store: BoundedStore,
  { inline, lease, pause }: Record<"lease" | "pause", Duration.Duration> & { readonly inline: boolean }
): Promotion => {
  const isInline = ({ build }: Owned, status = store.status) =>
    Effect.map(status, (all) => buildsOf(view, all).some((each) => each.build === build && each.inline))

  const isForeign = ({ sinceForeignAppend }: Status): boolean =>
    sinceForeignAppend !== undefined && Duration.isLessThan(sinceForeignAppend, lease)

  const promote = Effect.fnUntraced(function* (owned: Ownership, position: number, atOnce: boolean) {
    const { build, epoch } = owned
    const generation = { view: view.name, version: view.version, build }
    const all = yield* store.status
    if (!atOnce && buildsOf(view, all).some((each) => each.build === build && isForeign(each))) return false
    const serving = servingOf(view, all)
    if (serving !== undefined && isSame(serving, generation)) {
      // Appends do not maintain a generation with parked keys.
      if (yield* store.hasParked(generation)) return false
    }
    // It begins to answer in the same commit, so that queries never see less than before.
    const history = owned.passed.history()
    const at = { to: position, ...(history === undefined ? {} : { history }) }
    yield* owned.passed.commit(position, history, (from) =>
      store.commit({ owner: { generation, epoch }, from, ...at, asks: "serve inline" })
    )
    return yield* isInline(owned)
  })

  return {
    promotes: inline,
    promote: (owned, position, atOnce = false) => (inline ? promote(owned, position, atOnce) : Effect.succeed(false)),
    standBy: (owned) =>
      Effect.andThen(nextBeat(pause), isInline(owned, store.recentStatus(Duration.divideUnsafe(pause, 2)))).pipe(
        Effect.repeat({ while: (still) => still }),
        Effect.asVoid
      )
  }
}
