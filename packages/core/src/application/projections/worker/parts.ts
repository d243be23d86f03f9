import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type * as View from "../../../domain/View.ts"
import { EventStore } from "../../../ports/EventStore.ts"
import type { ProjectionStore } from "../../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../../ports/ViewStore.ts"
import { type Reader, reader } from "../reading/eventReader.ts"
import * as SharedReader from "../reading/sharedReader.ts"
import { type Options, settingsOf } from "./options.ts"
import { make, type Worker } from "./worker.ts"

/** A worker for each part of a view. At most `maxParts` of them own their part at once. */
export const makeAll = (
  view: View.Any,
  options: Options,
  read?: Reader
): Effect.Effect<ReadonlyArray<Worker>, never, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    const { maxParts, parts } = settingsOf(options)
    const permits = Semaphore.makeUnsafe(maxParts)
    const events = yield* EventStore
    const shared = read ?? (parts === 1 ? reader(view, events) : SharedReader.make([view], events)(view))
    const indices = Array.from({ length: parts }, (_, index) => index)
    return yield* Effect.forEach(indices, (index) =>
      Effect.map(make(view, options, { part: { index, of: parts }, read: shared }), (worker): Worker => ({
        ...worker,
        asOwner: (work) => permits.withPermit(worker.asOwner(work))
      }))
    )
  })
