/**
 * What every store refuses before it writes anything, in one place, so that all
 * stores refuse the same.
 */
import * as StreamId from "../domain/StreamId.ts"
import type { Append } from "./EventStore.ts"
import { EventStoreError, type Operation, Rejected } from "./EventStoreError.ts"

/** The longest id in characters (code points): of a stream behind its aggregate's name, of a command, an event's type. */
export const maxIdLength = 1_000

/** How deep JSON may be nested: what every store can take without running out of stack. */
export const maxDepth = 1_000

// By hand, for every event passes here: a third of what a regular expression takes.
const isUuid = (text: string): boolean => {
  if (text.length !== 36) return false
  for (let i = 0; i < 36; i++) {
    const code = text.charCodeAt(i)
    const fits =
      i === 8 || i === 13 || i === 18 || i === 23
        ? code === 0x2d
        : (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66)
    if (!fits) return false
  }
  return true
}

/**
 * The reason to refuse an append, or none: a stream id that is none or too
 * long, a stream named twice, an event id that is no lower-case UUID, a payload
 * that is not JSON, a text with NUL or half a surrogate pair.
 *
 * @example
 * ```ts
 * import { AppendCheck, Expectation, StreamId } from "@hexfold/core"
 *
 * AppendCheck.check({
 *   writes: [],
 *   conditions: [{ _tag: "Stream", streamId: StreamId.make("Account", "a\0"), expected: Expectation.any }]
 * }) // EventStoreError { operation: "append", reason: Rejected { detail: 'stream id "Account-a\\u0000": contains NUL' } }
 * ```
 */
export const check = (append: Append): EventStoreError | undefined => {
  const problem =
    (append.command === undefined ? undefined : idProblem("command id", append.command.id)) ??
    streamsProblem(append.writes, undefined) ??
    streamsProblem(append.conditions, append.writes[0]?.streamId) ??
    versionProblem(append) ??
    eventProblem(append)
  return problem === undefined ? undefined : rejected("append", problem)
}

/** As {@link check}, for the streams and the command id of a read. */
export const checkRead = (
  operation: Operation,
  requests: ReadonlyArray<{ readonly streamId: string }>,
  commandId?: string
): EventStoreError | undefined => {
  let problem = commandId === undefined ? undefined : idProblem("command id", commandId)
  for (let i = 0; i < requests.length && problem === undefined; i++) problem = streamIdProblem(requests[i]!.streamId)
  return problem === undefined ? undefined : rejected(operation, problem)
}

const rejected = (operation: Operation, detail: string) =>
  new EventStoreError({ operation, reason: new Rejected({ detail }) })

// `checked` was looked at already: most appends write and check one stream.
const streamsProblem = (
  entries: ReadonlyArray<{ readonly streamId: string }>,
  checked: string | undefined
): string | undefined => {
  if (entries.length > 1 && new Set(entries.map(({ streamId }) => streamId)).size < entries.length) {
    return "a stream is named twice in one append"
  }
  for (const { streamId } of entries) {
    const problem = streamId === checked ? undefined : streamIdProblem(streamId)
    if (problem !== undefined) return problem
  }
  return undefined
}

const versionProblem = (append: Append): string | undefined => {
  for (const { expected, streamId } of append.conditions) {
    if (expected._tag === "Exactly" && !(Number.isSafeInteger(expected.version) && expected.version >= 0)) {
      return `stream id ${quote(streamId)}: ${expected.version} is no version`
    }
  }
  return undefined
}

const eventProblem = (append: Append): string | undefined => {
  for (const { events } of append.writes) {
    for (const event of events) {
      const problem =
        (isUuid(event.id) ? undefined : `event id ${quote(event.id)}: is no lower-case UUID`) ??
        idProblem("event type", event.type) ??
        prefixed("data", jsonProblem(event.data)) ??
        prefixed("metadata", jsonProblem(event.metadata))
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

const streamIdProblem = (streamId: string): string | undefined => {
  const dash = streamId.indexOf("-")
  return dash < 0 || !StreamId.isAggregateName(streamId.slice(0, dash))
    ? `stream id ${quote(streamId)}: is not an aggregate's name, "-" and an id`
    : idProblem("stream id", streamId, dash + 1)
}

const idProblem = (what: string, text: string, start = 0): string | undefined => {
  const length = text.length - start
  if (length === 0 && start === 0) return `${what}: is empty`
  if (length > maxIdLength && (length > 2 * maxIdLength || [...text.slice(start)].length > maxIdLength)) {
    return `${what} ${quote(text.slice(0, 60))}…: is longer than ${maxIdLength} characters`
  }
  const problem = textProblem(text)
  return problem === undefined ? undefined : `${what} ${quote(text)}: ${problem}`
}

const textProblem = (text: string): string | undefined =>
  text.includes("\0") ? "contains NUL" : text.isWellFormed() ? undefined : "contains half a surrogate pair"

// A path is put together only once there is a problem to report.
const prefixed = (path: string, problem: string | undefined): string | undefined =>
  problem === undefined ? undefined : path + problem

const jsonProblem = (value: unknown, depth = 0): string | undefined => {
  switch (typeof value) {
    case "string":
      return prefixed(": ", textProblem(value))
    case "number":
      return Number.isFinite(value) ? undefined : `: ${value} is not JSON`
    case "boolean":
      return undefined
    case "object":
      if (value === null) return undefined
      if (depth === maxDepth) return `: is nested more than ${maxDepth} levels deep`
      return Array.isArray(value) ? arrayProblem(value, depth + 1) : objectProblem(value, depth + 1)
    default:
      return `: ${typeof value} is not JSON`
  }
}

const arrayProblem = (values: ReadonlyArray<unknown>, depth: number): string | undefined => {
  for (let i = 0; i < values.length; i++) {
    const problem = jsonProblem(values[i], depth)
    if (problem !== undefined) return `[${i}]${problem}`
  }
  return undefined
}

const objectProblem = (value: object, depth: number): string | undefined => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return ": an object with a class is not JSON"
  for (const key in value) {
    const keyProblem = textProblem(key)
    if (keyProblem !== undefined) return `: the key ${quote(key)} ${keyProblem}`
    const problem = jsonProblem((value as Readonly<Record<string, unknown>>)[key], depth)
    if (problem !== undefined) return `.${key}${problem}`
  }
  return undefined
}

const quote = (text: string): string => JSON.stringify(text)
