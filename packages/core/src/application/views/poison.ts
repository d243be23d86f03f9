import * as Result from "effect/Result"
import type * as DateTime from "effect/DateTime"
import type * as Schema from "effect/Schema"
import type { ProjectionFailed } from "./errors.ts"
import type { Row } from "../../domain/query/data.ts"
import { storable } from "../../domain/texts.ts"
import type * as View from "../../domain/View.ts"
import type { RecordedEvent } from "../../ports/EventStore.ts"
import type { DeadLetter, Loaded, Unapplied } from "../../ports/ViewStore.ts"
import * as ViewFold from "./fold.ts"

/** An event that was read, whether it decodes or not. */
export interface Met {
  readonly recorded: RecordedEvent
  readonly touching: Result.Result<ViewFold.Touching, ProjectionFailed>
  /** Nothing if they are not known. */
  readonly keys: ReadonlyArray<string> | undefined
}

/** What becomes of a batch: up to its end, or up to the event that `failed`. */
interface Applied {
  readonly put: ReadonlyArray<Row<Schema.Json>>
  readonly remove: ReadonlyArray<string>
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /** How many events were applied, at least to one of their records. */
  readonly events: number
  readonly failed: ProjectionFailed | undefined
}

/** Looks at an event. */
export const meet = (view: View.Any, recorded: RecordedEvent): Met => {
  const { keysByPlace, touching } = ViewFold.of(view)
  const met = touching(recorded)
  return { recorded, touching: met, keys: Result.isSuccess(met) ? met.success.keys : keysByPlace(recorded) }
}

/**
 * Folds events into records, and does about a poison event what the view says.
 * A key that is parked waits whatever the view says: it may have said otherwise
 * when the key was parked.
 */
export const apply = (
  view: View.Any,
  events: ReadonlyArray<Met>,
  loaded: Pick<Loaded, "states" | "parked">,
  now: DateTime.Utc
): Applied => {
  const folding = ViewFold.of(view).folding(loaded.states)
  const parked = new Set(loaded.parked)
  const deadLetters: Array<DeadLetter> = []
  let applied = 0
  let failed: ProjectionFailed | undefined
  for (const { keys, recorded, touching } of events) {
    if (Result.isFailure(touching) && view.onPoison === "skip") {
      deadLetters.push({ ...unapplied(touching.failure, now), key: "", parked: false })
      continue
    }
    if (Result.isFailure(touching) && (view.onPoison === "stop" || keys === undefined)) {
      failed = touching.failure
      break
    }
    const outcomes = (keys ?? []).map((key) => ({
      key,
      change: parked.has(key) ? undefined : Result.flatMap(touching, (event) => folding.after(event, key))
    }))
    if (view.onPoison === "stop") {
      failed = outcomes.map(({ change }) => change && failureOf(change)).find((failure) => failure !== undefined)
      if (failed !== undefined) break
    }
    let left = 0
    for (const { change, key } of outcomes) {
      if (change !== undefined && Result.isSuccess(change)) {
        folding.accept(change.success)
        continue
      }
      left++
      if (change === undefined) deadLetters.push({ ...placeOf(recorded), at: now, key, parked: true })
      else deadLetters.push({ ...unapplied(change.failure, now), key, parked: view.onPoison === "park" })
      if (view.onPoison === "park") parked.add(key)
    }
    if (left < outcomes.length) applied++
  }
  return { ...folding.changes(), deadLetters, events: applied, failed }
}

/** What the store is told of an event that cannot be applied. */
export const unapplied = (failed: ProjectionFailed, at: DateTime.Utc): Unapplied => {
  const { streamVersion, position, step, stream, type } = failed
  return { position, stream, streamVersion, type, error: { step, cause: textOf(failed.cause) }, at }
}

const placeOf = ({ position, streamId: stream, type, version: streamVersion }: RecordedEvent) => ({
  position,
  stream,
  streamVersion,
  type
})

// What was thrown may be anything, also something that is no text and cannot be made one.
const textOf = (cause: unknown): string => {
  const text = Result.getOrElse(
    Result.try(() => String(cause)),
    () => "a cause without a text"
  )
  return storable(text, longestCause)
}

const longestCause = 2_000

const failureOf = <E>(result: Result.Result<unknown, E>): E | undefined =>
  Result.isFailure(result) ? result.failure : undefined
