import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Status } from "./ProjectionMonitor.ts"

/** Each gauge's name, what it tells, and where its value is. */
const gauges: ReadonlyArray<readonly [name: string, description: string, value: (status: Status) => number]> = [
  ["position", "The position up to which events are in the view's records", ({ position }) => position],
  ["behind", "How many events are not applied yet, at most", ({ behind }) => behind],
  ["age_seconds", "The age of the oldest event that is not applied yet", ({ age }) => Duration.toSeconds(age)],
  ["failed", "1 if an event stopped the view, else 0", ({ state }) => (state === "failed" ? 1 : 0)],
  ["serves", "1 if this version answers the queries, else 0", ({ serves }) => (serves ? 1 : 0)],
  ["owners", "How many parts of the view somebody works on", ({ owners }) => owners.filter(Boolean).length],
  ["events_per_second", "How fast events are applied", ({ eventsPerSecond }) => eventsPerSecond],
  ["parked_keys", "How many keys are parked", ({ parked }) => parked],
  ["skipped_letters", "How many dead letters tell of something skipped", ({ skipped }) => skipped]
]

/** Sets the gauges of a view. */
export const publish = (status: Status): Effect.Effect<void> =>
  Effect.forEach(
    gauges,
    ([name, description, value]) => {
      const attributes = { view: status.view, version: String(status.version) }
      return Metric.update(Metric.gauge(`hexfold_projection_${name}`, { description, attributes }), value(status))
    },
    { discard: true }
  )

/** Counts the times when the status could not be read: the gauges stay as they were. */
export const unknown = Metric.counter("hexfold_projection_status_failures", {
  description: "How often the status of projections could not be read",
  incremental: true
})
