import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as uuid from "../../internal/uuid.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import { buildsOf, type Generation, placeOf, type Status } from "../../ports/generation.ts"
import { type Claimed, ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
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
    const owner = nameOf(yield* Process, uuid.make(yield* Clock.currentTimeMillis))
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
