import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { ProjectionFailed } from "../application/ProjectionFailed.ts"
import type { StreamId } from "../domain/StreamId.ts"
import type * as View from "../domain/View.ts"
import { EventStore, type RecordedEvent } from "../ports/EventStore.ts"
import { Corrupt, EventStoreError } from "../ports/EventStoreError.ts"
import type { Fenced } from "../ports/Fenced.ts"
import { type Letter, type Loaded, ViewStore } from "../ports/ViewStore.ts"
import type { ViewStoreError } from "../ports/ViewStoreError.ts"
import { buildsOf, currentOf } from "./generations.ts"
import { partOf } from "./parts.ts"
import * as metrics from "./projectionMetrics.ts"
import * as ViewFold from "./viewFold.ts"
import { unapplied } from "./viewPoison.ts"

/** What became of the events that are parked for a key. */
export interface Retried {
  readonly applied: number
  /** The first event that still cannot be applied. */
  readonly failed: Letter | undefined
}

/** Applies what is parked for a key, in order, up to the first event that fails again or to the end. */
export const retry = (
  view: View.Any,
  key: string
): Effect.Effect<Retried, Fenced | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const step = Effect.retry(retryPage(view, key), {
      schedule: soonAgain,
      while: (error) => error._tag === "Fenced"
    })
    let applied = 0
    for (;;) {
      const page = yield* step
      applied += page.applied
      if (page.failed !== undefined || page.applied === 0) return { applied, failed: page.failed }
    }
  })

// A dozen tries and more in a second or two: an owner under load moves on every few milliseconds.
const soonAgain = Schedule.max([
  Schedule.min([Schedule.exponential("4 millis", 1.5), Schedule.spaced("200 millis")]).pipe(Schedule.jittered),
  Schedule.recurs(19)
])

/** The first of the key's events, as many as are in memory at once. */
const retryPage = (view: View.Any, key: string) =>
  Effect.gen(function* () {
    const records = yield* ViewStore
    const current = currentOf(view, yield* records.status)
    if (current === undefined) return nothing
    const { build, version } = current
    const generation = { view: view.name, version, build }
    // Before the record: if it goes beyond them, then some of them are gone.
    const letters = yield* records.letters(generation, { key, parked: true, limit: pageSize })
    if (letters.length === 0) return nothing
    const { states } = yield* records.load(generation, [key])
    const folded = fold(view, key, letters, yield* eventsOf(view, letters), states)
    const { applied, changes, failed } = folded
    const now = yield* Clock.currentTimeMillis
    const still = failed && { ...unapplied(failed, now), key, parked: true }
    // The letter is not written alone: another, mended more than we are, may have dealt with it.
    if (applied === 0) return { applied, failed: still }
    // As late as can be, for an owner under load moves on every few milliseconds.
    const { parts } = buildsOf(view, yield* records.status).find((each) => each.build === build) ?? current
    const part = partOf(key, parts.length)
    const { epoch, position } = parts[part]!
    // With the record its letters go. If they are all there still, the key was parked
    // all the time: an owner wrote letters, never the record, and no other retry did.
    // Who found the key parked and comes after us is fenced as its letters are.
    yield* records.commit({
      generation,
      part,
      epoch,
      from: position,
      to: position,
      ...changes,
      letters: { put: still === undefined ? [] : [still], remove: letters.slice(0, applied) }
    })
    metrics.of(view.name).commit({ events: applied, skipped: 0, parked: 0 }, yield* Effect.context())
    return { applied, failed: still }
  })

const nothing = { applied: 0, failed: undefined }

const pageSize = 1_000

const fold = (
  view: View.Any,
  key: string,
  letters: ReadonlyArray<Letter>,
  events: ReadonlyMap<number, RecordedEvent>,
  states: Loaded["states"]
) => {
  const { folding, touching } = ViewFold.of(view)
  const { accept, after, changes } = folding(states)
  let failed: ProjectionFailed | undefined
  let applied = 0
  for (const { position } of letters) {
    const met = touching(events.get(position)!)
    if (Result.isFailure(met)) {
      failed = met.failure
      break
    }
    // Whoever mended the view may have found that the event has nothing to do with the key.
    if (met.success.keys.includes(key)) {
      const change = after(met.success, key)
      if (Result.isFailure(change)) {
        failed = change.failure
        break
      }
      accept(change.success)
    }
    applied++
  }
  return { applied, failed, changes: changes() }
}

/** The events of letters by position. Those of one stream are read together: they lie closer there than in the log. */
const eventsOf = (view: View.Any, letters: ReadonlyArray<Letter>) =>
  Effect.gen(function* () {
    const store = yield* EventStore
    const found = new Map<number, RecordedEvent>()
    const wanted = new Set(letters.map(({ position }) => position))
    const streams = Map.groupBy(letters, ({ stream }) => stream)
    yield* Effect.forEach(
      streams,
      ([stream, [first, ...others]]) =>
        store
          .readStream(stream as StreamId, {
            after: first!.eventVersion - 1,
            limit: (others.at(-1) ?? first!).eventVersion - first!.eventVersion + 1
          })
          .pipe(
            Stream.filter(({ position }) => wanted.has(position)),
            Stream.runForEach((event) => Effect.sync(() => found.set(event.position, event)))
          ),
      { concurrency: 8, discard: true }
    )
    const lost = letters.find(({ position }) => !found.has(position))
    if (lost === undefined) return found
    const detail = `${view.name}: event ${lost.eventVersion} of ${lost.stream} is parked, but not in the store`
    return yield* new EventStoreError({ operation: "readStream", reason: new Corrupt({ detail }) })
  })
