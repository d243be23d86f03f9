/** What a projection writes to the log of the program. A text has the message of an error, and no data of an event or a record. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { reported, withMessage } from "../../../internal/reported.ts"
import type { DeadLetter } from "../../../ports/deadLetter.ts"
import type { Part } from "../../../ports/generation.ts"
import { ProjectionFailed } from "../../views/errors.ts"

/** A batch that works. */
interface UnderWay {
  readonly from: number
  /** The most events of the batch. */
  readonly size: number
  readonly elapsed: () => number
}

/** What a projection reports of its work in the background. A batch that succeeds ends all of it. */
export const makeReports = (
  { name, version }: Pick<Consumer, "name" | "version">,
  { lease, owner }: { readonly lease: Duration.Duration; readonly owner: string }
) => {
  const place = `${name}, version ${version}`
  let underWay: UnderWay | undefined
  const meanwhile = "its records stand still meanwhile"
  const reportedOf = (what: string) => reported({ failing: `${place}: ${what}`, meanwhile, write: withMessage })
  const failures = reportedOf("goes on after a failure of the store")
  const slow = reportedOf("goes on with smaller batches after one that took too long")
  const unknown = reported({
    failing: `${place}: waits before an event that only a newer program knows`,
    meanwhile,
    again: `${place}: goes on after an event that was unknown`,
    write: withMessage
  })
  const leases = reportedOf("a projection has lost its lease, and claims it again")

  return {
    failures,
    unknown,
    slow,
    begin: (batch: UnderWay): void => {
      underWay = batch
    },
    end: (): void => {
      underWay = undefined
    },
    isUnderWay: (): boolean => underWay !== undefined,

    /** Reports that the lease is lost, why, and the size of the next batch. */
    lost: (part: Part, why: string, next: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        const of = part.of === 1 ? "" : `part ${part.index + 1} of ${part.of}, `
        const lasted = `owner ${owner}, lease ${Duration.format(lease)}`
        const work =
          underWay === undefined
            ? "no batch was under way"
            : `its batch of at most ${underWay.size} events after position ${underWay.from} has worked for ` +
              `${Duration.format(Duration.millis(Math.round(underWay.elapsed())))} and is lost; the next one has at most ${next}`
        return leases.failed(Cause.fail(new Error(`${of}${lasted}: ${why}; ${work}`)))
      }),

    succeeded: Effect.suspend(() =>
      Effect.all([failures.succeeded, unknown.succeeded, slow.succeeded, leases.succeeded], { discard: true })
    )
  }
}

/** Warns of an event that was skipped or parked. One that only waits for a parked one has no error, and needs no warning of its own. */
export const warnOfDeadLetter = (
  { name, version }: Pick<Consumer, "name" | "version">,
  { error, key, parked, position, stream, streamVersion, type }: DeadLetter
): Effect.Effect<void> => {
  if (error === undefined) return Effect.void
  const event = `event ${streamVersion} of ${stream}, a "${type}" at position ${position}`
  const done = parked ? `parked the key "${key}" at` : key === "" ? "skipped" : `skipped, for the key "${key}",`
  return Effect.logWarning(`${name}, version ${version}: ${done} ${event}: ${error.step} failed: ${error.cause}`)
}

/** Warns of an event that stopped a view. Other failures are the caller's to report. */
export const warnOfStop = ({ name, version }: Pick<Consumer, "name" | "version">, error: Error): Effect.Effect<void> =>
  error instanceof ProjectionFailed
    ? Effect.logWarning(`${name}, version ${version}: the projection has stopped: ${error.message}`)
    : Effect.void
