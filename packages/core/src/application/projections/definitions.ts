import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type * as View from "../../domain/View.ts"
import { reported, withMessage } from "../../internal/reported.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import { buildsOf } from "../../ports/generation.ts"
import type { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import type { DefinitionDiffers } from "./errors.ts"
import { rebuild } from "./rebuild.ts"
import type { Failure, RunOptions } from "./worker/options.ts"

/** What a running projection does about the definition that has made its records. */
export interface Definitions {
  /** To be run when the store has taken a claim for one of the same definition. */
  readonly same: Effect.Effect<void>
  /** To be run when the store has refused a claim. The projection claims again after it. */
  readonly differs: (error: DefinitionDiffers) => Effect.Effect<void, Failure, EventStore | ProjectionStore | ViewStore>
}

/** For all workers of a view in one process. */
export const make = (view: View.Any, { onChange = "refuse", parts: _, ...options }: RunOptions): Definitions => {
  const name = `${view.name}, version ${view.version}`
  const refused = reported({
    failing: `${name}: the projection does not work`,
    again: `${name}: the projection works again`,
    write: withMessage
  })
  const alone = Semaphore.makeUnsafe(1)
  // A process whose own records were replaced has the former definition. If it built them anew, two definitions would
  // replace each other for ever.
  let mayRebuild = onChange === "rebuild"

  const rebuilding = Effect.gen(function* () {
    if (!mayRebuild || (yield* isBuilding(view))) return
    yield* Effect.logInfo(`${name}: builds the records anew, because another definition has made them`)
    yield* Effect.catchTag(rebuild(view, options), "RebuildOvertaken", () => Effect.void)
    mayRebuild = false
  })

  return {
    same: Effect.suspend(() => {
      mayRebuild = false
      return refused.succeeded
    }),
    differs: (error) =>
      Effect.suspend(() => (mayRebuild ? alone.withPermit(rebuilding) : refused.failed(Cause.fail(error))))
  }
}

/** Whether a process builds records of the same definition at this moment. */
const isBuilding = (view: View.Any): Effect.Effect<boolean, ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const all = yield* (yield* ViewStore).status
    return buildsOf(view, all).some(
      ({ fingerprint, parts, replaced }) =>
        fingerprint === view.fingerprint && !replaced && parts.some(({ owner }) => owner !== undefined)
    )
  })
