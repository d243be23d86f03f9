import { diffLines } from "diff"
import { Equal } from "effect"

/**
 * The outcome of a scenario differs from the expected one, or a part of the
 * scenario could not happen. The message shows a difference line by line.
 */
export class ScenarioFailure extends Error {
  override readonly name = "ScenarioFailure"
  /** Undefined, like `actual`, if there is nothing to compare. */
  readonly expected: unknown
  readonly actual: unknown

  constructor(message: string, expected?: unknown, actual?: unknown) {
    super(expected === undefined && actual === undefined ? message : `${message}\n\n${difference(expected, actual)}`)
    this.expected = expected
    this.actual = actual
  }
}

/** A value, and the JSON with which a failure shows it. */
export interface Shown {
  readonly json: unknown
  readonly value: unknown
}

/** Throws a failure with this message if the two are neither the same JSON nor equal. Sets and maps have no order. */
export const compare = (message: string, expected: Shown, actual: Shown): void => {
  if (print(expected.json) === print(actual.json) || Equal.equals(expected.value, actual.value)) return
  throw new ScenarioFailure(message, expected.json, actual.json)
}

const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const difference = (expected: unknown, actual: unknown): string =>
  diffLines(print(expected), print(actual))
    .flatMap(({ added, removed, value }) => {
      const mark = added === true ? "+ " : removed === true ? "- " : "  "
      return value
        .trimEnd()
        .split("\n")
        .map((line) => mark + line)
    })
    .join("\n")
    .concat("\n\n(- expected, + actual)")
