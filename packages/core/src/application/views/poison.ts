import * as Result from "effect/Result"
import type * as DateTime from "effect/DateTime"
import type * as Schema from "effect/Schema"
import type { ProjectionFailed } from "./errors.ts"
import type { Row } from "../../domain/query/data.ts"
import { storable, thrownText } from "../../domain/texts.ts"
import type * as View from "../../domain/View.ts"
import type { RecordedEvent } from "../../ports/EventStore.ts"
import type { DeadLetter, Unapplied } from "../../ports/deadLetter.ts"
import { jsonBytes } from "../../ports/jsonBytes.ts"
import type { Loaded } from "../../ports/ProjectionStore.ts"
import type { Candidate } from "./decoding.ts"
import * as ViewFold from "./fold.ts"

/** The result of a batch: up to its end, or up to the event that failed. */
interface Applied {
  readonly put: ReadonlyArray<Row<Schema.Json>>
  readonly remove: ReadonlyArray<string>
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /** The number of events that were applied to at least one record. */
  readonly events: number
  /** The number of events that the batch is done with: those before the one that failed, or at which it was full. */
  readonly taken: number
  /** The bytes of JSON of the records to write, about. */
  readonly bytes: number
  /** Why the view stops before the next event. */
  readonly failed: ProjectionFailed | undefined
}

/** How the events of a batch are applied. */
interface Applying {
  /** The history of the log to which the events belong. */
  readonly history: number
  readonly now: DateTime.Utc
  /** Whether the batch ends before its next event, given the bytes of JSON that its records have so far. It has at least one event. */
  readonly isFull: (bytes: number) => boolean
}

/**
 * Folds events into records, one after the other. The view's `onPoison` decides about
 * an event that cannot be applied. The events of a parked key are always parked as
 * well, since `onPoison` may have changed after the key was parked. The result holds
 * when all steps are done.
 */
export const applying = (
  view: View.Any,
  events: ReadonlyArray<Candidate>,
  loaded: Pick<Loaded, "states" | "parked">,
  { history, isFull, now }: Applying
): { readonly steps: Iterable<unknown>; readonly result: () => Applied } => {
  const folding = ViewFold.of(view).folding(loaded.states)
  const parked = new Set(loaded.parked)
  const deadLetters: Array<DeadLetter> = []
  const sizes = new Map<string, { readonly size: number; readonly times: number }>()
  let bytes = 0
  let applied = 0
  let taken = 0
  let failed: ProjectionFailed | undefined

  /** One step for each key of an event: there may be many of them, and large records. */
  const steps = function* () {
    for (const { decoded, keys, recorded } of events) {
      if (taken > 0 && isFull(bytes)) return
      // Nobody may pass an event that only a newer program knows, whatever the view does with poison.
      if (Result.isFailure(decoded) && decoded.failure.step === "unknown") {
        failed = decoded.failure
        return
      }
      if (Result.isFailure(decoded) && view.onPoison === "skip") {
        deadLetters.push({ ...unapplied(decoded.failure, now), history, key: "", parked: false })
        taken++
        continue
      }
      if (Result.isFailure(decoded) && (view.onPoison === "stop" || keys === undefined)) {
        failed = decoded.failure
        return
      }
      const outcomes: Array<Outcome> = []
      for (const key of keys ?? []) {
        const change = parked.has(key) ? undefined : Result.flatMap(decoded, (event) => folding.after(event, key))
        outcomes.push({ key, change })
        yield
      }
      failed = outcomes.map(({ change }) => change && failureOf(change)).find(stops)
      if (failed !== undefined) return
      let left = 0
      for (const { change, key } of outcomes) {
        if (change !== undefined && Result.isSuccess(change)) {
          folding.accept(change.success)
          count(key, change.success.kept?.json)
          continue
        }
        left++
        if (change === undefined) deadLetters.push({ ...placeOf(recorded), at: now, history, key, parked: true })
        else deadLetters.push({ ...unapplied(change.failure, now), history, key, parked: view.onPoison === "park" })
        if (view.onPoison === "park") parked.add(key)
      }
      if (left < outcomes.length) applied++
      taken++
      yield
    }
  }

  const stops = (failure: ProjectionFailed | undefined): boolean =>
    failure !== undefined && (view.onPoison === "stop" || failure.step === "unknown")

  /** Counts the bytes of the records to write. A large record is not measured after each of its events, but less and less often. */
  const count = (key: string, json: Schema.Json | undefined): void => {
    const { size = 0, times = 0 } = sizes.get(key) ?? {}
    const isMeasured = (times & (times + 1)) === 0
    const now = json === undefined ? 0 : isMeasured ? jsonBytes(json) : size
    bytes += now - size
    sizes.set(key, { size: now, times: times + 1 })
  }

  return {
    steps: steps(),
    result: () => ({ ...folding.changes(), deadLetters, events: applied, taken, bytes, failed })
  }
}

/** What an event makes of one record; without a change the key is parked. */
interface Outcome {
  readonly key: string
  readonly change: ReturnType<ReturnType<ViewFold.ViewFold["folding"]>["after"]> | undefined
}

/** An event that a consumer cannot apply or handle, with the step that failed and why. */
interface Failed extends Omit<Unapplied, "at" | "error"> {
  readonly step: string
  readonly part?: number
  readonly cause: unknown
}

/** What a store keeps of an event that cannot be applied or handled. */
export const unapplied = (failed: Failed, at: DateTime.Utc): Unapplied => {
  const { part, streamVersion, position, step, stream, type } = failed
  return {
    position,
    stream,
    streamVersion,
    type,
    error: {
      step,
      cause: storable(thrownText(failed.cause), longestCause),
      ...(part === undefined ? undefined : { part })
    },
    at
  }
}

/** The place of an event, as a store keeps it. */
export const placeOf = ({ position, streamId: stream, type, version: streamVersion }: RecordedEvent) => ({
  position,
  stream,
  streamVersion,
  type
})

const longestCause = 2_000

const failureOf = <E>(result: Result.Result<unknown, E>): E | undefined =>
  Result.isFailure(result) ? result.failure : undefined
