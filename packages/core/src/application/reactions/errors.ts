import * as Schema from "effect/Schema"
import { quote, shortened, thrownText } from "../../domain/texts.ts"

/**
 * A version of a reactor or process does not work, because its keys may be others than those of the version before it, and
 * the parts of that one have come to different positions: an event could be lost, or handled twice. Bring the parts to one
 * position with the former program, by `Reactor.catchUp(reactor, { parts: 1 })`, or give both versions the same
 * `keyVersion` if their keys are the same.
 */
export class KeysDiffer extends Schema.TaggedError<KeysDiffer>()("KeysDiffer", {
  /** The name of the reactor. */
  reactor: Schema.String,
  /** The version that does not work. */
  version: Schema.Int,
  /** The version whose keys have divided the events. */
  former: Schema.Int,
  /** The positions of the parts. */
  positions: Schema.Array(Schema.Int)
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    const { former, positions, reactor, version } = this
    return (
      `${reactor}, version ${version}: its keys may be others than those of version ${former}, whose ${positions.length} ` +
      `parts have not ended at one position: an event could be lost, or handled twice. Run version ${former} with ` +
      "`parts: 1` until it has caught up; if the keys are the same, give both versions the same `keyVersion`"
    )
  }
}

/**
 * A process cannot be restarted from a step: it has no such step, or what has caused it is not there any more, or the
 * present program cannot take it. Nothing was recorded.
 */
export class RestartRefused extends Schema.TaggedError<RestartRefused>()("RestartRefused", {
  /** The name of the process, such as `process/Fulfilment`. */
  process: Schema.String,
  /** The key of the process. */
  key: Schema.String,
  step: Schema.Int,
  detail: Schema.String
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    const { detail, key, process, step } = this
    return `${process}, ${quote(key)}, cannot be restarted from step ${step}: ${detail}`
  }
}

/**
 * An event stopped a reactor, or a part of it. All earlier events of the event's key have been reacted to; this one has
 * not, and may have been in part.
 */
export class ReactionFailed extends Schema.TaggedError<ReactionFailed>()("ReactionFailed", {
  /** The name of the reactor. */
  reactor: Schema.String,
  /** The version of the reactor. */
  version: Schema.Int,
  stream: Schema.String,
  /** The event's version in its stream. */
  streamVersion: Schema.Int,
  /** The event's position in the log. */
  position: Schema.Int,
  type: Schema.String,
  /** Which of the current events failed that the stored event has become, from 0 on, if it has become several. */
  part: Schema.optionalKey(Schema.Int),
  /**
   * The step that failed: `unknown` for an event or a metadata field of a newer program, for which the reactor waits;
   * `decode` the event, find its key with `key`, or run the handler with `react`.
   */
  step: Schema.Literals(["unknown", "decode", "key", "react"]),
  /** How often the handler was run for the event. */
  attempts: Schema.Int,
  /** The error of that step: of a handler the last one. */
  cause: Schema.Defect()
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    const { attempts, cause, part, position, reactor, step, stream, streamVersion, type, version } = this
    const which = part === undefined ? "" : `part ${part} of `
    const event = `${which}event ${streamVersion} of ${stream}, a "${type}" at position ${position}`
    const times = attempts > 1 ? ` ${attempts} times` : ""
    return `${reactor}, version ${version}: ${step} failed${times} for ${event}: ${thrownText(cause)}`
  }
}
