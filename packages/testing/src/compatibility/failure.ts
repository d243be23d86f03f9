/**
 * What is stored does not survive a change of the program, or the golden file is not there. The message says what has
 * changed, and what to do about it.
 */
import { type Problem, textOf } from "./problem.ts"

export class CompatibilityFailure extends Error {
  override readonly name = "CompatibilityFailure"
  /** The name of the aggregate or view. */
  readonly of: string
  /** The golden file. */
  readonly file: string
  /** What has changed; none if it is the file that is wrong. */
  readonly problems: ReadonlyArray<Problem>

  constructor(facts: {
    readonly of: string
    readonly file: string
    readonly detail: string
    readonly problems?: ReadonlyArray<Problem>
    readonly cause?: unknown
  }) {
    const { cause, detail, file, of, problems = [] } = facts
    const shown = problems.length === 0 ? "" : `\n\n${textOf(problems)}`
    super(`${of}: ${detail} (${file})${shown}`, cause === undefined ? {} : { cause })
    this.of = of
    this.file = file
    this.problems = problems
  }
}
