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

/** Marks records whose states are copies, so that a store need not copy them again. They do not change any more. */
export const copied = <Rows extends ReadonlyArray<object>>(rows: Rows): Rows => {
  rows.forEach((row) => Object.freeze(row))
  known.add(rows)
  return Object.freeze(rows)
}

/** Whether the states of records were marked as copies. */
export const areCopied = (rows: ReadonlyArray<object>): boolean => known.has(rows)

const known = new WeakSet<ReadonlyArray<object>>()

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
  let last: Key | undefined
  for (const name in copy) {
    const key = keyOf(name)
    if (key.problem !== undefined) return new Problem(`: the key ${quote(name)} ${key.problem}`)
    const member = copy[name]
    const copied = copyJson(member, depth)
    if (copied instanceof Problem) return new Problem(`.${name.length > 200 ? quote(name) : name}${copied.text}`)
    if (!Object.is(copied, member)) copy[name] = copied
    if (isOrdered && last !== undefined && compareKeys(last, key) > 0) isOrdered = false
    last = key
  }
  return Object.freeze(isOrdered ? copy : inOrder(copy))
}

/** An object with its keys in the order of jsonb. */
export const inOrder = <A extends object>(value: A): A => {
  const names = Object.keys(value).sort((a, b) => compareKeys(keyOf(a), keyOf(b)))
  const copy: Record<string, unknown> = {}
  for (const name of names) {
    // An assignment to "__proto__" does not make a member.
    if (name === "__proto__") Object.defineProperty(copy, name, { ...memberOptions, value: value[name as keyof A] })
    else copy[name] = value[name as keyof A]
  }
  return copy as A
}

/** The names of an object's members in the order of jsonb. Undefined if one of them cannot be stored. */
export const namesInOrder = (names: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
  const keys = names.map(keyOf)
  if (keys.some(({ problem }) => problem !== undefined)) return undefined
  return keys.every((key, i) => i === 0 || compareKeys(keys[i - 1]!, key) <= 0)
    ? names
    : keys.sort(compareKeys).map(({ name }) => name)
}

const memberOptions = { enumerable: true, configurable: true, writable: true }

interface Key {
  readonly name: string
  /** Its bytes in UTF-8. */
  readonly bytes: number
  readonly problem: string | undefined
}

// The same keys come with every event, so each is looked at once. Without this, an event in memory takes a tenth longer.
const keyOf = (name: string): Key => {
  const known = knownKeys.get(name)
  if (known !== undefined) return known
  const key: Key = { name, bytes: utf8Bytes(name), problem: textProblem(name) }
  if (knownKeys.size === mostKnownKeys) knownKeys.clear()
  if (name.length <= 100) knownKeys.set(name, key)
  return key
}

const knownKeys = new Map<string, Key>()
const mostKnownKeys = 4_096

/** The order of the keys of an object: shorter keys first, measured in bytes of UTF-8, then byte by byte. It is the order of jsonb. */
const compareKeys = (a: Key, b: Key): number => (a.bytes === b.bytes ? compareTexts(a.name, b.name) : a.bytes - b.bytes)
