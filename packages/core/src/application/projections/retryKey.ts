import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { StreamId } from "../../domain/StreamId.ts"
import type * as View from "../../domain/View.ts"
import type { DeadLetter } from "../../ports/deadLetter.ts"
import { inSteps } from "../../internal/steps.ts"
import { type CommitConflict, EventStoreError, type ViewStoreError } from "../../ports/errors.ts"
import { EventStore, type RecordedEvent } from "../../ports/EventStore.ts"
import { buildsOf, currentOf } from "../../ports/generation.ts"
import { Corrupt } from "../../ports/Reason.ts"
import { type Loaded, ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import type { ProjectionFailed } from "../views/errors.ts"
import * as ViewFold from "../views/fold.ts"
import { partOf } from "../views/partOf.ts"
import { unapplied } from "../views/poison.ts"
import { checkDefinition } from "./checkDefinition.ts"
import type { DefinitionDiffers } from "./errors.ts"
import * as metrics from "./worker/metrics.ts"
import { warnOfDeadLetter } from "./worker/reports.ts"

/** The result of another try for the parked events of one key. */
export interface Retried {
  readonly applied: number
  /** The first event that still cannot be applied. */
  readonly failed: DeadLetter | undefined
}

/** Applies the parked events of a key, in order, up to the first event that fails again or to the end. */
export const retryKey = (
  view: View.Any,
  key: string
): Effect.Effect<
  Retried,
  CommitConflict | DefinitionDiffers | EventStoreError | ViewStoreError,
  EventStore | ProjectionStore | ViewStore
> =>
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

/** A dozen tries and more in a second or two: under load the owner commits every few milliseconds. */
export const soonAgain = Schedule.max([
  Schedule.min([Schedule.exponential("4 millis", 1.5), Schedule.spaced("200 millis")]).pipe(Schedule.jittered),
  Schedule.recurs(19)
])

/** Applies the first page of the key's parked events. */
const retryPage = (view: View.Any, key: string) =>
  Effect.gen(function* () {
    const store = yield* ProjectionStore
    const { status } = yield* ViewStore
    const current = currentOf(view, yield* status)
    if (current === undefined) return nothing
    yield* checkDefinition(view, current)
    const { build, version } = current
    const generation = { view: view.name, version, build }
    // Read before the record. If the record has passed them, some of them are gone, and the commit is refused.
    const deadLetters = yield* store.deadLetters(generation, { key, parked: true, limit: pageSize })
    if (deadLetters.length === 0) return nothing
    const { states } = yield* store.load(generation, [key])
    const { applied, changes, failed } = yield* fold(view, key, deadLetters, yield* eventsOf(view, deadLetters), states)
    const now = yield* DateTime.now
    const still = failed && { ...deadLetters[applied]!, ...unapplied(failed, now) }
    // The dead letter is not written alone: a process with a newer program may have applied it.
    if (applied === 0) return { applied, failed: still }
    // Read as late as possible: under load the owner commits every few milliseconds.
    const latest = buildsOf(view, yield* status).find((each) => each.build === build) ?? current
    // A claim that gives the generation a fingerprint raises the epoch: the commit is refused if one comes after this.
    yield* checkDefinition(view, latest)
    const { parts } = latest
    const part = partOf(key, parts.length)
    const { epoch, position } = parts[part]!
    // The commit deletes the dead letters of the record. If all of them still exist,
    // the key was parked all the time: the owner only added dead letters and never
    // wrote the record, and no other retry did. A later commit that expects the key
    // to be parked is refused.
    yield* store.commit({
      owner: { generation, part, epoch },
      from: position,
      to: position,
      records: changes,
      deadLetters: { put: still === undefined ? [] : [still], remove: deadLetters.slice(0, applied) }
    })
    if (still !== undefined) yield* warnOfDeadLetter(view, still)
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
) =>
  Effect.suspend(() => {
    const { decode, folding } = ViewFold.of(view)
    const { accept, after, changes } = folding(states)
    let failed: ProjectionFailed | undefined
    let applied = 0
    const steps = function* () {
      for (const { position } of deadLetters) {
        const decoded = decode(events.get(position)!)
        if (Result.isFailure(decoded)) {
          failed = decoded.failure
          return
        }
        // In the corrected view the event may not belong to the key any more.
        if (decoded.success.keys.includes(key)) {
          const change = after(decoded.success, key)
          if (Result.isFailure(change)) {
            failed = change.failure
            return
          }
          accept(change.success)
        }
        applied++
        yield
      }
    }
    return Effect.map(inSteps(steps()), () => ({ applied, failed, changes: changes() }))
  })

/** The events of dead letters, by position. The events of one stream are read together, since they are closer there than in the log. */
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
    const detail = `${view.name}: event ${lost.streamVersion} of ${lost.stream} is parked, but the store does not have it`
    return yield* new EventStoreError({ operation: "readStream", reason: new Corrupt({ detail }) })
  })
