import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { memoized } from "../../internal/memoized.ts"
import { servingOf } from "../../ports/generation.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import { look, type ViewName } from "./waitFor.ts"

/**
 * After an answer without records: logs a warning if the view has no records
 * because no projection has begun to build it. It looks at most once for a view
 * that is built, and warns at most once for one that is not.
 */
export const warnIfUnbuilt = (store: ViewStore["Service"], view: ViewName): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (settledOf(store).has(view.name)) return Effect.void
    return Effect.flatMap(look(store), (seen) => {
      if (Option.isNone(seen)) return Effect.void
      if (servingOf(view, seen.value) === undefined) return warnUnbuilt(store, view)
      settledOf(store).add(view.name)
      return Effect.void
    }).pipe(Effect.ignore, Effect.withTracerEnabled(false))
  })

/** Logs the warning that no projection has begun to build a view, once for each view of a store. */
export const warnUnbuilt = (store: ViewStore["Service"], { name }: ViewName): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (settledOf(store).has(name)) return Effect.void
    settledOf(store).add(name)
    return Effect.logWarning(
      `${name}: the query finds no records, because no projection has begun to build them. Is \`Projection.layer([${name}])\` running?`
    )
  })

// The names of the views that need no look any more.
const settledOf = (store: ViewStore["Service"]): Set<string> => memoized(settled, store, () => new Set<string>())

const settled = new WeakMap<object, unknown>()
