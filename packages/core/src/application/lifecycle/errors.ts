import * as Schema from "effect/Schema"
import { shortened } from "../../domain/texts.ts"

/** A file is not an exported log, or not as it was written: it was cut, changed, or joined of parts. */
export class InvalidLogFile extends Schema.TaggedError<InvalidLogFile>()("InvalidLogFile", {
  /** The number of the line, from 1 on. */
  line: Schema.Int,
  /** What is wrong, as text. */
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  override get message(): string {
    return `line ${this.line}: ${this.detail}`
  }
}

/** A line of a file does not fit the log into which it is imported. Neither the line nor a later one was imported. */
export class ImportRefused extends Schema.TaggedError<ImportRefused>()("ImportRefused", {
  /** The number of the line, from 1 on. */
  line: Schema.Int,
  /** What does not fit, as text. */
  detail: Schema.String,
  /** How many events of the file the log had before the refusal, also from earlier imports of the file. */
  events: Schema.Int,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  override get message(): string {
    return `line ${this.line}: ${this.detail}`
  }
}
