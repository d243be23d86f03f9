import { quote, textProblem } from "../domain/texts.ts"

/** How deep JSON may be nested. Every store can take this depth without running out of stack. */
export const maxDepth = 1_000

/** The path to a value, and what is wrong with the value. */
export class Problem {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * A frozen copy of a JSON value, or what is wrong with the value. A copy, because
 * a stored value must not change when the caller changes its own. It is the
 * value that a database would give back: JSON has no -0.
 */
export const copyJson = <A>(value: A, depth: number): A | Problem => {
  switch (typeof value) {
    case "string": {
      const problem = textProblem(value)
      return problem === undefined ? value : new Problem(`: ${problem}`)
    }
    case "number":
      return Number.isFinite(value) ? ((value + 0) as A) : new Problem(`: ${value} is not JSON`)
    case "boolean":
      return value
    case "object":
      if (value === null) return value
      if (depth === maxDepth) return new Problem(`: is nested more than ${maxDepth} levels deep`)
      return Array.isArray(value) ? (copyArray(value, depth + 1) as A | Problem) : copyObject(value, depth + 1)
    default:
      return new Problem(`: ${typeof value} is not JSON`)
  }
}

const copyArray = (values: ReadonlyArray<unknown>, depth: number): ReadonlyArray<unknown> | Problem => {
  const copy: Array<unknown> = []
  for (let i = 0; i < values.length; i++) {
    const copied = copyJson(values[i], depth)
    if (copied instanceof Problem) return new Problem(`[${i}]${copied.text}`)
    copy.push(copied)
  }
  return Object.freeze(copy)
}

const copyObject = <A extends object>(value: A, depth: number): A | Problem => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return new Problem(": an object with a class is not JSON")
  const copy = { ...value }
  for (const key in copy) {
    const keyProblem = textProblem(key)
    if (keyProblem !== undefined) return new Problem(`: the key ${quote(key)} ${keyProblem}`)
    const member = copy[key]
    const copied = copyJson(member, depth)
    if (copied instanceof Problem) return new Problem(`.${key}${copied.text}`)
    if (!Object.is(copied, member)) copy[key] = copied
  }
  return Object.freeze(copy)
}
