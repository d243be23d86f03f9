import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Status } from "./status.ts"

/** The name of each gauge, its description and its value. */
const gauges: ReadonlyArray<readonly [name: string, description: string, value: (status: Status) => number]> = [
  ["position", "The position up to which events are in the view's records", ({ position }) => position],
  ["lag_events", "The most events that are not applied yet", ({ lag }) => lag],
  ["lag_seconds", "The age of the oldest event that is not applied yet", ({ lagTime }) => Duration.toSeconds(lagTime)],
  ["failed", "1 if an event stopped the view, otherwise 0", ({ state }) => (state === "failed" ? 1 : 0)],
  ["serves", "1 if this version answers the queries, otherwise 0", ({ serves }) => (serves ? 1 : 0)],
  ["owners", "The number of the view's parts that a projection owns", ({ owners }) => owners.filter(Boolean).length],
  ["events_per_second", "The events that the owners apply per second", ({ eventsPerSecond }) => eventsPerSecond],
  ["parked_keys", "The number of parked keys", ({ parked }) => parked],
  ["skipped_dead_letters", "The number of dead letters of skipped events", ({ skipped }) => skipped]
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

/** Counts the times that the status could not be read. */
export const unreadable = Metric.counter("hexfold_projection_status_failures_total", {
  description: "Times that the status of projections could not be read",
  incremental: true
})
