import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as View from "../../domain/View.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import { buildsOf, type Generation, placeOf, servingOf, type Status } from "../../ports/generation.ts"
import { type Claimed, ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import * as Ids from "../events/Ids.ts"
import { look } from "../queries/waitFor.ts"
import { DropRefused } from "./errors.ts"
import type { Owned } from "./worker/lease.ts"
import { nameOf, Process } from "./worker/process.ts"

/** Which records of a view to drop. */
export interface DropOptions {
  /** The view, or an object with the name of one that the program no longer has. */
  readonly view: { readonly name: string }
  /** The version whose records are dropped. */
  readonly version: number
  /** The build that is dropped. By default all builds of the version are. */
  readonly build?: number
}

/**
 * Deletes generations of a view with all their records, and returns the deleted
 * generations. The list is empty if there are no such generations.
 *
 * Before you drop a version, stop the projections of that version: a running one
 * would begin it anew.
 *
 * A whole version is dropped only if another version of the view answers queries,
 * and one build of a version only if it does not answer them. Otherwise it fails with
 * a `DropRefused` and drops nothing. It fails with a `DropRefused` at the first generation that a
 * projection owns; the generations before it have been dropped then.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.drop({ view: AccountSummary, version: 1 }).pipe(
 *   Effect.catchTag("DropRefused", (refused) => Effect.logWarning(refused.message))
 * )
 * ```
 */
export const drop = ({
  build,
  version,
  view
}: DropOptions): Effect.Effect<
  ReadonlyArray<Required<Generation>>,
  DropRefused | ViewStoreError,
  ProjectionStore | ViewStore
> =>
  Effect.gen(function* () {
    const store = yield* ProjectionStore
    const all = (yield* (yield* ViewStore).status).filter((each) => each.view === view.name)
    const named = buildsOf({ name: view.name, version }, all).filter(
      (each) => build === undefined || each.build === build
    )
    const serving = named.find(({ serves }) => serves)
    const isOther = all.some((each) => each.version !== version && each.serves)
    if (serving !== undefined && (build !== undefined || !isOther)) {
      return yield* new DropRefused({ view: view.name, ...placeOf(serving), reason: "Serves" })
    }
    for (const each of named) yield* dropGeneration(store, each)
    return named.map((each) => ({ view: view.name, ...placeOf(each) }))
  })

/** Deletes one generation, unless a projection owns it. */
export const dropGeneration = (
  store: ProjectionStore["Service"],
  { build, parts, version, view }: Status
): Effect.Effect<void, DropRefused | ViewStoreError> =>
  Effect.gen(function* () {
    const generation = { view, version, build }
    const owner = nameOf(yield* Process, (yield* Ids.Next)(yield* Clock.currentTimeMillis))
    const claim = (index: number, lease: Duration.Duration) =>
      store.claim({ generation, part: { index, of: parts.length }, owner, lease })
    const refuse = (by: Claimed | undefined) =>
      new DropRefused({
        ...generation,
        reason: "Owned",
        ...(by?._tag === "Held" ? { owner: by.by } : undefined)
      })

    // As long as we own all parts, no projection begins to write one.
    const claimed: Array<Owned> = []
    for (const index of parts.keys()) {
      const answer = yield* claim(index, lease)
      if (answer._tag !== "Owned") {
        yield* Effect.forEach(claimed.keys(), (taken) => claim(taken, Duration.zero))
        return yield* refuse(answer)
      }
      claimed.push(answer)
    }
    const { epoch } = claimed[0]!
    yield* Effect.catchTag(store.drop({ generation, epoch }), "CommitConflict", () => Effect.fail(refuse(undefined)))
  })

// Long enough for a slow store. The lease disappears with the generation.
const lease = Duration.seconds(10)

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
