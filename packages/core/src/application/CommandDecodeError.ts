import * as Schema from "effect/Schema"

/** What came from outside is no command of the aggregate, or no id of it; nothing was executed. */
export class CommandDecodeError extends Schema.TaggedError<CommandDecodeError>()("CommandDecodeError", {
  aggregate: Schema.String,
  part: Schema.Literals(["id", "command"]),
  /** What does not match, as text. */
  detail: Schema.String,
  /** The `SchemaError`, if the kind of command is known. */
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.aggregate}: not a valid ${this.part}: ${this.detail}`
  }
}
