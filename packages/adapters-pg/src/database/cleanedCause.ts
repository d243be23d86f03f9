import { EventStoreError, Reason } from "@hexfold/core"
import { Cause, Context, Effect, Exit, Tracer } from "effect"
import { SqlError } from "effect/sql"
import { cleaned } from "./cleaned.ts"

const { Aborted, Corrupt, Rejected, Timeout, Unavailable, Unknown } = Reason
const classes = { Aborted, Corrupt, Rejected, Timeout, Unavailable, Unknown }

/** An error of the store that was made before it came here, with a cause that has no data in it. */
export const withoutDataIn = (error: EventStoreError, cause: SqlError.SqlError): EventStoreError => {
  const { attempts, operation, reason, streams } = error
  // It is no failure of the server, so it has no cause.
  if (reason._tag === "PositionFromAnotherHistory") return error
  const props = { detail: reason.detail, cause: cleaned(cause) }
  return new EventStoreError({
    operation,
    reason: new classes[reason._tag](props),
    ...(streams === undefined ? undefined : { streams }),
    ...(attempts === undefined ? undefined : { attempts })
  })
}

/** A cause without the data that errors of the driver in it have. */
export const cleanedCause = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Cause.fromReasons(
    cause.reasons.map((reason) => {
      if (Cause.isInterruptReason(reason)) return reason
      const given = Cause.isFailReason(reason) ? reason.error : reason.defect
      const error = cleanedError(given)
      if (error === given) return reason
      return Cause.isFailReason(reason) ? Cause.makeFailReason(error) : Cause.makeDieReason(error)
    })
  )

const cleanedError = (error: unknown): unknown => {
  if (SqlError.isSqlError(error)) return cleaned(error)
  if (!(error instanceof EventStoreError)) return error
  const { cause } = error.reason
  return SqlError.isSqlError(cause) ? withoutDataIn(error, cause) : error
}

/**
 * Runs statements so that no data gets out in their spans. The driver ends the span
 * of a statement that failed with its own error, which a tracer may export. So the
 * tracer gets this error without data.
 */
export const withCleanSpans = <A, E, R>(statements: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const tracer = Context.get(context, Tracer.Tracer)
    return tracer === Tracer.nativeTracer ? statements : Effect.withTracer(statements, cleanTracer(tracer))
  })

// Each tracer that someone has given, and each tracer that was made here, with the one to use in its place.
const cleanTracers = new WeakMap<Tracer.Tracer, Tracer.Tracer>()

const cleanTracer = (tracer: Tracer.Tracer): Tracer.Tracer => {
  const known = cleanTracers.get(tracer)
  if (known !== undefined) return known
  const clean = Tracer.make({
    span: (options) => {
      const span = tracer.span(options)
      const end = span.end.bind(span)
      span.end = (time, exit) => end(time, Exit.isFailure(exit) ? Exit.failCause(cleanedCause(exit.cause)) : exit)
      return span
    },
    ...(tracer.context === undefined ? {} : { context: (primitive, fiber) => tracer.context!(primitive, fiber) })
  })
  cleanTracers.set(tracer, clean)
  cleanTracers.set(clean, clean)
  return clean
}
