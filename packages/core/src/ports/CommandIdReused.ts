import * as Schema from "effect/Schema"

/**
 * A command id came again with another content than the first time; nothing was
 * written.
 */
export class CommandIdReused extends Schema.TaggedError<CommandIdReused>()("CommandIdReused", {
  commandId: Schema.String,
  /** The content's fingerprint, as stored with the first one. */
  stored: Schema.String,
  /** The fingerprint that came now. */
  given: Schema.String
}) {
  override get message(): string {
    return `the command id ${this.commandId} was used before for another command`
  }
}
