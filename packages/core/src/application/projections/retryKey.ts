import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { ProjectionFailed } from "../views/errors.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import type * as View from "../../domain/View.ts"
import { EventStore, type RecordedEvent } from "../../ports/EventStore.ts"
import { Corrupt } from "../../ports/Reason.ts"
import { EventStoreError, type CommitConflict, type ViewStoreError } from "../../ports/errors.ts"
import { type DeadLetter, type Loaded, ViewStore } from "../../ports/ViewStore.ts"
import { buildsOf, currentOf } from "../../ports/generation.ts"
import { partOf } from "../views/partOf.ts"
import * as metrics from "./worker/metrics.ts"
import * as ViewFold from "../views/fold.ts"
import { unapplied } from "../views/poison.ts"

/** What became of the events that are parked for a key. */
export interface Retried {
  readonly applied: number
  /** The first event that still cannot be applied. */
  readonly failed: DeadLetter | undefined
}

/** Applies what is parked for a key, in order, up to the first event that fails again or to the end. */
export const retry = (
  view: View.Any,
  key: string
): Effect.Effect<Retried, CommitConflict | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const step = Effect.retry(retryPage(view, key), {
      schedule: soonAgain,
      while: (error) => error._tag === "CommitConflict"
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
    const deadLetters = yield* records.deadLetters(generation, { key, parked: true, limit: pageSize })
    if (deadLetters.length === 0) return nothing
    const { states } = yield* records.load(generation, [key])
    const folded = fold(view, key, deadLetters, yield* eventsOf(view, deadLetters), states)
    const { applied, changes, failed } = folded
    const now = yield* DateTime.now
    const still = failed && { ...unapplied(failed, now), key, parked: true }
    // The dead letter is not written alone: another, mended more than we are, may have dealt with it.
    if (applied === 0) return { applied, failed: still }
    // As late as can be, for an owner under load moves on every few milliseconds.
    const { parts } = buildsOf(view, yield* records.status).find((each) => each.build === build) ?? current
    const part = partOf(key, parts.length)
    const { epoch, position } = parts[part]!
    // With the record its dead letters go. If they are all there still, the key was parked
    // all the time: an owner wrote dead letters, never the record, and no other retry did.
    // Who found the key parked and comes after us is fenced as its dead letters are.
    yield* records.commit({
      generation,
      part,
      epoch,
      from: position,
      to: position,
      ...changes,
      deadLetters: { put: still === undefined ? [] : [still], remove: deadLetters.slice(0, applied) }
    })
    metrics.of(view.name).commit({ events: applied, skipped: 0, parked: 0 }, yield* Effect.context())
    return { applied, failed: still }
  })

const nothing = { applied: 0, failed: undefined }

const pageSize = 1_000

const fold = (
  view: View.Any,
  key: string,
  deadLetters: ReadonlyArray<DeadLetter>,
  events: ReadonlyMap<number, RecordedEvent>,
  states: Loaded["states"]
) => {
  const { folding, touching } = ViewFold.of(view)
  const { accept, after, changes } = folding(states)
  let failed: ProjectionFailed | undefined
  let applied = 0
  for (const { position } of deadLetters) {
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

/** The events of dead letters by position. Those of one stream are read together: they lie closer there than in the log. */
const eventsOf = (view: View.Any, deadLetters: ReadonlyArray<DeadLetter>) =>
  Effect.gen(function* () {
    const store = yield* EventStore
    const found = new Map<number, RecordedEvent>()
    const wanted = new Set(deadLetters.map(({ position }) => position))
    const streams = Map.groupBy(deadLetters, ({ stream }) => stream)
    yield* Effect.forEach(
      streams,
      ([stream, [first, ...others]]) =>
        store
          .readStream(stream as StreamId, {
            after: first!.streamVersion - 1,
            limit: (others.at(-1) ?? first!).streamVersion - first!.streamVersion + 1
          })
          .pipe(
            Stream.filter(({ position }) => wanted.has(position)),
            Stream.runForEach((event) => Effect.sync(() => found.set(event.position, event)))
          ),
      { concurrency: 8, discard: true }
    )
    const lost = deadLetters.find(({ position }) => !found.has(position))
    if (lost === undefined) return found
    const detail = `${view.name}: event ${lost.streamVersion} of ${lost.stream} is parked, but not in the store`
    return yield* new EventStoreError({ operation: "readStream", reason: new Corrupt({ detail }) })
  })
