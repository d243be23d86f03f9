import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as View from "../../domain/View.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import { servingOf, type Status } from "../../ports/generation.ts"
import { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { look } from "../queries/waitFor.ts"
import { dropGeneration } from "./drop.ts"

/**
 * Drops the other versions of a view that no projection has owned for longer than
 * `keepFor`, again and again. Never ends. A failure is logged, and tried again later.
 */
export const dropFormer = (
  view: View.Any,
  keepFor: Duration.Duration
): Effect.Effect<void, never, ProjectionStore | ViewStore> =>
  dropping(view, keepFor).pipe(
    Effect.catch((error) => Effect.logWarning(`${view.name}: former versions could not be dropped: ${error.message}`)),
    Effect.repeat(Schedule.spaced(everyOf(keepFor))),
    Effect.asVoid
  )

const everyOf = (keepFor: Duration.Duration): Duration.Duration =>
  Duration.clamp(Duration.divideUnsafe(keepFor, 10), { minimum: Duration.seconds(1), maximum: Duration.hours(1) })

const dropping = Effect.fnUntraced(function* (
  view: View.Any,
  keepFor: Duration.Duration
): Effect.fn.Return<void, ViewStoreError, ProjectionStore | ViewStore> {
  const store = yield* ProjectionStore
  // The views of one process ask at the same moments, and share the answer.
  const seen = yield* look(yield* ViewStore)
  const all = Option.getOrElse(seen, () => []).filter((each) => each.view === view.name)
  // Nothing is dropped before this version can answer.
  if (servingOf(view, all) === undefined) return
  const versions = Map.groupBy(all, ({ version }) => version)
  for (const [version, builds] of versions) {
    if (version === view.version || !isUnowned(builds, keepFor)) continue
    // A projection that claims a build at this moment keeps it, and the builds after it.
    const dropped = yield* Effect.forEach(builds, (each) => dropGeneration(store, each), { discard: true }).pipe(
      Effect.as(true),
      Effect.catchTag("DropRefused", () => Effect.succeed(false))
    )
    if (!dropped) continue
    yield* Effect.logInfo(
      `${view.name}, version ${version}: dropped, because no projection has worked on it for ${Duration.format(keepFor)}`
    )
  }
})

// A part whose owner is not known, like each of a build that was replaced, says nothing about how long the version was unowned.
const isUnowned = (builds: ReadonlyArray<Status>, keepFor: Duration.Duration): boolean => {
  const parts = builds.flatMap((each) => each.parts)
  const times = parts.flatMap(({ unownedFor }) => unownedFor ?? [])
  return (
    times.length > 0 &&
    parts.every(({ owner }) => owner === undefined) &&
    times.every((time) => Duration.isGreaterThanOrEqualTo(time, keepFor))
  )
}
