import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Version } from "../../ports/generation.ts"
import type { Status } from "./status.ts"

/** The name of each gauge, its description and its value. */
const gauges = {
  healthy: "1 if the view has no fault that has lasted too long, otherwise 0",
  position: "The position up to which events are in the view's records",
  lag_events: "The events that are not applied yet, counted up to a limit",
  lag_events_at_most: "The most events that are not applied yet",
  lag_seconds: "The age of the oldest event that is not applied yet",
  failed: "1 if an event stopped the view, or the log does not have its position, otherwise 0",
  serves: "1 if this version answers the queries, otherwise 0",
  owners: "The number of the view's parts that a projection owns",
  unowned_parts: "The number of the view's parts that no projection owns, if appends do not maintain it",
  events_per_second: "The events that the owners apply per second",
  parked_keys: "The number of parked keys",
  parked_seconds: "The age of the oldest event of a parked key",
  unsent_seconds: "The age of the oldest command of a process that has no answer",
  overdue_seconds: "The time since the first timer should have fired that has not",
  skipped_dead_letters: "The number of dead letters of skipped events"
}

/** Sets the gauges of a view. */
export const publish = (status: Status, isHealthy: boolean): Effect.Effect<void> => {
  const { owners, state } = status
  const owned = owners.filter((owner) => owner !== undefined).length
  return set(status, {
    healthy: isHealthy ? 1 : 0,
    position: status.position,
    lag_events: status.lag,
    lag_events_at_most: status.lagAtMost,
    lag_seconds: Duration.toSeconds(status.lagTime),
    failed: state === "failed" ? 1 : 0,
    serves: status.serves ? 1 : 0,
    owners: owned,
    unowned_parts: state === "inline" ? 0 : owners.length - owned,
    events_per_second: status.eventsPerSecond,
    parked_keys: status.parked,
    ...secondsOf(status, Duration.zero),
    skipped_dead_letters: status.skipped
  })
}

/** Sets what is known of a view whose status was last read some time ago: its lag may have grown by that time. */
export const publishOld = (status: Status, since: Duration.Duration): Effect.Effect<void> =>
  set(status, { lag_seconds: Duration.toSeconds(Duration.sum(status.lagTime, since)), ...secondsOf(status, since) })

// What has waited then may still wait.
const secondsOf = ({ waits }: Status, since: Duration.Duration) => {
  const seconds = (waited: Duration.Duration) =>
    Duration.isPositive(waited) ? Duration.toSeconds(Duration.sum(waited, since)) : 0
  return {
    parked_seconds: seconds(waits.parked),
    unsent_seconds: seconds(waits.unsent),
    overdue_seconds: seconds(waits.overdue)
  }
}

/** A view is not healthy if nothing has been known of it for too long. */
export const publishUnknown = ({ name, version }: Version): Effect.Effect<void> =>
  set({ view: name, version }, { healthy: 0 })

const set = (
  { version, view }: Pick<Status, "view" | "version">,
  values: Partial<Record<keyof typeof gauges, number>>
): Effect.Effect<void> =>
  Effect.forEach(
    Object.entries(values),
    ([name, value]) => {
      const description = gauges[name as keyof typeof gauges]
      const attributes = { view, version: String(version) }
      return Metric.update(Metric.gauge(`hexfold_projection_${name}`, { description, attributes }), value)
    },
    { discard: true }
  )

/** Counts the times that the status could not be read. */
export const unreadable = Metric.counter("hexfold_projection_status_failures_total", {
  description: "Times that the status of projections could not be read",
  incremental: true
})

/** When the status was read last. */
export const readAt = Metric.gauge("hexfold_projection_status_timestamp_seconds", {
  description: "The time, in seconds since 1970, at which the status of projections was read last"
})
