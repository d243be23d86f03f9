import type * as Schema from "effect/Schema"
import { compareTexts } from "../domain/query/evaluation.ts"
import { quote, textProblem } from "../domain/texts.ts"
import { jsonBytes, utf8Bytes } from "./jsonBytes.ts"

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
 * value that every store gives back: JSON has no -0, and the keys of an object
 * are in one order.
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

/** The most bytes of a record's state, as Postgres writes jsonb out. What is larger could not be read back. */
export const maxRecordBytes = 8 << 20

/** Like {@link copyJson}, but for the state of a record, which has a largest size. */
export const copyState = <A extends Schema.Json>(state: A): A | Problem => {
  const copy = copyJson(state, 0)
  if (copy instanceof Problem) return copy
  const bytes = jsonBytes(copy)
  return bytes > maxRecordBytes ? new Problem(`: its ${bytes} bytes of JSON are more than ${maxRecordBytes}`) : copy
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
  let isOrdered = true
  let last: string | undefined
  for (const key in copy) {
    const keyProblem = textProblem(key)
    if (keyProblem !== undefined) return new Problem(`: the key ${quote(key)} ${keyProblem}`)
    const member = copy[key]
    const copied = copyJson(member, depth)
    if (copied instanceof Problem) return new Problem(`.${key.length > 200 ? quote(key) : key}${copied.text}`)
    if (!Object.is(copied, member)) copy[key] = copied
    if (isOrdered && last !== undefined && compareKeys(last, key) > 0) isOrdered = false
    last = key
  }
  return Object.freeze(isOrdered ? copy : ordered(copy))
}

// `Object.fromEntries` also makes a member of its own of the key "__proto__".
const ordered = <A extends object>(value: A): A =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => compareKeys(a, b))) as A

/** The order of the keys of an object: shorter keys first, measured in bytes of UTF-8, then byte by byte. It is the order of jsonb. */
const compareKeys = (a: string, b: string): number => {
  const aBytes = utf8Bytes(a)
  const bBytes = utf8Bytes(b)
  return aBytes === bBytes ? compareTexts(a, b) : aBytes - bBytes
}
