import * as Duration from "effect/Duration"
import type { EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import type { ProjectionFailed } from "../../views/errors.ts"

/** How a projection works. A time that is not above 0, or that never ends, is a defect. */
export interface Options {
  /** The most events of one batch. A batch is in memory as a whole. 1,000 by default; less than 1 is a defect. */
  readonly batch?: number
  /**
   * How long a projection owns a view without renewing its lease; a running one
   * renews three times per lease. When the lease ends, another projection may
   * take over. Also the timeout of each call to the view store. 10 seconds by
   * default.
   */
  readonly lease?: Duration.Input
  /**
   * The time between two attempts to own a view, the time to wait after a
   * failure of a store, and the time between two checks whether appends still
   * maintain an inline view. 1 second by default.
   */
  readonly pause?: Duration.Input
  /**
   * The number of parts into which the keys of the view are divided, at most
   * 1,000. Each part has an owner of its own, so several processes share the
   * work. Each owner reads all events of the view and applies those that touch
   * its keys. All processes must use the same number; another one takes effect
   * when no projection with the former number runs any more. An inline view with
   * more than one part is kept like an async one. 1 by default.
   */
  readonly parts?: number
  /** The most parts that this process owns at once, so that other processes get some. All parts by default. */
  readonly maxParts?: number
}

/** How projections run for as long as the process lives. */
export interface RunOptions extends Options {
  /**
   * How long the other versions of the view are kept. A version that no projection has owned for longer, in whichever
   * process, is dropped with all its records. Whether it is read does not matter. For ever by default.
   */
  readonly keepFor?: Duration.Input
  /**
   * What happens if another definition of the same version has made the records. With
   * `refuse` the projection does not work: it logs a warning, and tries again. With
   * `rebuild` it builds the records anew when it starts, under the same version; a process
   * that has the former definition is refused from then on. That is for development, where
   * nobody raises a version for each change. `refuse` by default.
   */
  readonly onChange?: "refuse" | "rebuild"
}

/** What `Projection.catchUp` did. */
export interface Report {
  /** The position that the view has reached. */
  readonly position: number
  /** The number of events that were applied by this call. Events that another owner applied do not count. */
  readonly events: number
  /** The number of commits that this call made. */
  readonly commits: number
}

/** Why a projection ends by itself. */
export type Failure = ProjectionFailed | EventStoreError | ViewStoreError

/** The options with their defaults. Throws for those that are not valid. */
export const settingsOf = ({
  batch = 1_000,
  lease = "10 seconds",
  maxParts,
  parts = 1,
  pause = "1 second"
}: Options) => {
  if (!isCount(batch)) throw new Error(`${batch} is not a valid size of a batch: use a whole number from 1 on`)
  const most = maxParts ?? parts
  if (!isCount(parts) || !isCount(most)) {
    throw new Error(`parts ${parts} and maxParts ${most}: both are whole numbers from 1 on`)
  }
  return { batch, lease: timeOf("lease", lease), maxParts: most, parts, pause: timeOf("pause", pause) }
}

/** The time after which former versions are dropped. Throws if it is not a time from 0 on. */
export const keepForOf = (input: Duration.Input): Duration.Duration => {
  // As a duration it would be 0, and everything would be dropped at once.
  const isNone = typeof input === "number" && Number.isNaN(input)
  const time = Duration.fromInputUnsafe(input)
  if (!isNone && !Duration.isNegative(time)) return time
  throw new Error(`${isNone ? "NaN" : Duration.format(time)} is not a valid keepFor: use a time from 0 on`)
}

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n > 0

const timeOf = (name: string, input: Duration.Input): Duration.Duration => {
  const time = Duration.fromInputUnsafe(input)
  if (Duration.isFinite(time) && Duration.isPositive(time)) return time
  throw new Error(`${Duration.format(time)} is not a valid ${name}: use a time above 0 that ends`)
}
