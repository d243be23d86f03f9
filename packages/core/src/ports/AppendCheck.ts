/** The checks that every store makes before it writes anything. They stand in one place, so that all stores refuse the same. */
import * as DateTime from "effect/DateTime"
import type * as StreamId from "../domain/StreamId.ts"
import { idProblem, quote, streamIdProblem, textProblem } from "../domain/texts.ts"
import { CheckedAppend } from "./checkedAppend.ts"
import type { AllReadOptions, Append, CommandKey, NewEvent, Part, StreamRequest, Write } from "./EventStore.ts"
import { appendSizeProblem } from "./appendSize.ts"
import { CheckedEvent, copyData, copyEvent, copyMetadata, sizeProblem } from "./eventCopy.ts"
import { utf8Bytes } from "./jsonBytes.ts"
import { Problem } from "./jsonCopy.ts"
import type { Position } from "./horizon.ts"
import type { Metadata } from "../domain/metadata.ts"
import { EventStoreError, type Operation } from "./errors.ts"
import { PositionFromAnotherHistory, Rejected } from "./Reason.ts"

export { maxIdLength } from "../domain/texts.ts"
export { maxAppendBytes } from "./appendSize.ts"
export { maxEventBytes } from "./eventCopy.ts"
export { jsonBytes } from "./jsonBytes.ts"
export { maxDepth } from "./jsonCopy.ts"

/** The most bytes of a command's fingerprint, in UTF-8. A store sends it back with the receipt of a repeat. */
export const maxFingerprintBytes = 8 << 20

/**
 * The append as a store may keep it, with its payloads copied and frozen, or the
 * reason to refuse it. An append is refused for a stream id that is not valid or
 * too long, a stream named twice, an event id that is not a lower-case UUID or
 * appears twice, a command id that appears twice, a stream that a part read and no condition
 * names, a payload that is not JSON, a text with NUL or half a surrogate pair, an
 * event, a fingerprint or a whole append that is too large.
 *
 * @example
 * ```ts
 * import { StreamId } from "@hexfold/core"
 * import { AppendCheck, Expectation } from "@hexfold/core/adapter"
 *
 * AppendCheck.check({
 *   parts: [],
 *   conditions: [{ _tag: "Stream", streamId: StreamId.make("Account", "a\0"), expected: Expectation.any }]
 * }) // EventStoreError { operation: "append", reason: Rejected { detail: 'stream id "Account-a\\u0000": contains NUL' } }
 * ```
 */
export const check = (append: Append): Append | EventStoreError => {
  if (append instanceof CheckedAppend) {
    const tooLarge = appendSizeProblem(append.parts)
    return tooLarge === undefined ? append : rejected("append", tooLarge)
  }
  const { conditions, history, parts } = append
  const refused = streamsProblem(conditions, [], "append") ?? versionProblem(append) ?? placeProblem("history", history)
  if (refused !== undefined) return rejected("append", refused)
  const checked = new Array<Part>(parts.length)
  for (let i = 0; i < parts.length; i++) {
    const part = checkPart(parts[i]!, conditions)
    if (typeof part === "string") return rejected("append", part)
    checked[i] = part
  }
  const twinCommand = commandTwin(checked)
  if (twinCommand !== undefined) return rejected("append", twinCommand)
  const twin = eventTwin(checked)
  if (twin !== undefined) return rejected("append", `event id ${quote(twin)}: appears twice in one append`)
  const tooLarge = appendSizeProblem(checked)
  if (tooLarge !== undefined) return rejected("append", tooLarge)
  return { conditions, parts: checked, ...(history === undefined ? undefined : { history }) }
}

/** The refusal of an append whose streams were read in another history than the log is in. */
export const historyRefusal = ({ history }: Append, current: number): EventStoreError | undefined => {
  if (history === undefined || history === current) return undefined
  const detail = `the streams were read in history ${history} of the log, which is in history ${current} now: read them again`
  const reason = new PositionFromAnotherHistory({ detail, history, position: 0, current })
  return new EventStoreError({ operation: "append", reason })
}

// Returns the copy of a part, or what is wrong with it.
const checkPart = ({ command, reads, writes }: Part, conditions: Append["conditions"]): Part | string => {
  const refused =
    (command === undefined ? undefined : commandProblem(command)) ??
    streamsProblem(writes, conditions, "part") ??
    (reads === undefined ? undefined : readsProblem(reads, conditions))
  if (refused !== undefined) return refused
  const copies = new Array<Write>(writes.length)
  for (let i = 0; i < writes.length; i++) {
    const { events, streamId } = writes[i]!
    const copied: Array<NewEvent> = []
    for (const event of events) {
      const copy = copyEvent(event)
      if (typeof copy === "string") return copy
      copied.push(copy)
    }
    copies[i] = { streamId, events: copied }
  }
  return {
    writes: copies,
    ...(command === undefined ? undefined : { command }),
    ...(reads === undefined ? undefined : { reads })
  }
}

/** Like {@link check}, but for the streams and the command of a read. */
export const checkRead = (
  operation: Operation,
  requests: ReadonlyArray<StreamRequest>,
  command?: CommandKey
): EventStoreError | undefined => {
  let problem = command === undefined ? undefined : commandProblem(command)
  for (let i = 0; i < requests.length && problem === undefined; i++) {
    const { after, position, streamId } = requests[i]!
    problem = streamIdProblem(streamId) ?? placeProblem("after", after)
    if (position !== undefined) {
      problem ??=
        typeof position === "object" ? afterProblem(position) : "position: is not a history and a position in it"
    }
  }
  return problem === undefined ? undefined : rejected(operation, problem)
}

/** Like {@link check}, but for the options that select the events of a read. */
export const checkRange = (operation: Operation, options: AllReadOptions): EventStoreError | undefined => {
  const problem =
    (operation === "readStream" ? placeProblem("after", options.after) : afterProblem(options.after)) ??
    historyProblem("history", options.history) ??
    placeProblem("upTo", options.upTo) ??
    placeProblem("limit", options.limit) ??
    textsProblem("aggregates", options.aggregates) ??
    textsProblem("types", options.types) ??
    textsProblem("except", Object.entries(options.except ?? {}).flat(2)) ??
    (options.correlationId === undefined ? undefined : idProblem("correlationId", options.correlationId))
  return problem === undefined ? undefined : rejected(operation, problem)
}

const afterProblem = (after: number | Position | undefined): string | undefined => {
  if (typeof after !== "object" || after === null) return placeProblem("after", after)
  const { history, position } = after
  return history === undefined || position === undefined
    ? "after: is neither a number nor a history and a position"
    : (historyProblem("after", history) ?? placeProblem("after", position))
}

const historyProblem = (what: string, history: number | undefined): string | undefined =>
  history === undefined || (Number.isSafeInteger(history) && history > 0)
    ? undefined
    : `${what}: ${nameOf(history)} is not the number of a history, a whole number from 1 on`

const placeProblem = (what: string, value: number | Position | undefined): string | undefined =>
  value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0)
    ? undefined
    : `${what}: ${nameOf(value)} is not a whole number from 0 on`

// A caller without a compiler may give any value.
const nameOf = (value: unknown): string =>
  typeof value === "number" || typeof value === "bigint" ? String(value) : `a value of type ${typeof value}`

const textsProblem = (what: string, texts: ReadonlyArray<string> | undefined): string | undefined => {
  for (const text of texts ?? []) {
    const problem = textProblem(text)
    if (problem !== undefined) return `${what} ${quote(text)}: ${problem}`
  }
  return undefined
}

const commandProblem = ({ fingerprint, id }: CommandKey): string | undefined => {
  const problem = textProblem(fingerprint) ?? lengthProblem(fingerprint)
  return idProblem("command id", id) ?? (problem === undefined ? undefined : `command fingerprint: ${problem}`)
}

// A UTF-16 unit takes at most three bytes.
const lengthProblem = (fingerprint: string): string | undefined => {
  if (3 * fingerprint.length <= maxFingerprintBytes) return undefined
  const bytes = utf8Bytes(fingerprint)
  return bytes > maxFingerprintBytes ? `its ${bytes} bytes are more than ${maxFingerprintBytes}` : undefined
}

const rejected = (operation: Operation, detail: string) =>
  new EventStoreError({ operation, reason: new Rejected({ detail }) })

type Named = ReadonlyArray<{ readonly streamId: string }>

// The streams of `checked` are valid. Most appends have conditions on the streams that they write, in the same order.
const streamsProblem = (entries: Named, checked: Named, whole: "append" | "part"): string | undefined => {
  if (entries.length > 1 && hasTwins(entries)) return `a stream is named twice in one ${whole}`
  for (let i = 0; i < entries.length; i++) {
    const { streamId } = entries[i]!
    const problem = streamId === checked[i]?.streamId ? undefined : streamIdProblem(streamId)
    if (problem !== undefined) return problem
  }
  return undefined
}

const readsProblem = (
  reads: ReadonlyArray<StreamId.StreamId>,
  conditions: Append["conditions"]
): string | undefined => {
  if (reads.length === 0) return undefined
  const named = new Set<string>(conditions.map(({ streamId }) => streamId))
  for (const streamId of reads) {
    if (!named.delete(streamId)) {
      return typeof streamId === "string" && conditions.some((condition) => condition.streamId === streamId)
        ? "a stream is named twice in one part"
        : `stream id ${quote(String(streamId))}: the part has read it, but no condition names it`
    }
  }
  return undefined
}

// Most appends have one part.
const commandTwin = (parts: ReadonlyArray<Part>): string | undefined => {
  if (parts.length < 2) return undefined
  const ids = new Set<string>()
  for (const { command } of parts) {
    if (command === undefined) continue
    if (ids.has(command.id)) return `command id ${quote(command.id)}: appears twice in one append`
    ids.add(command.id)
  }
  return undefined
}

// Most appends have one event.
const eventTwin = (parts: ReadonlyArray<Part>): string | undefined => {
  const [first] = parts
  if (first === undefined) return undefined
  if (
    parts.length === 1 &&
    (first.writes.length === 0 || (first.writes.length === 1 && first.writes[0]!.events.length < 2))
  ) {
    return undefined
  }
  const ids = new Set<string>()
  for (const { writes } of parts) {
    for (const { events } of writes) {
      for (const { id } of events) {
        if (ids.has(id)) return id
        ids.add(id)
      }
    }
  }
  return undefined
}

// Most appends touch a few streams: comparing them takes a tenth of making a set.
const hasTwins = (entries: Named): boolean => {
  if (entries.length > 8) return new Set(entries.map(({ streamId }) => streamId)).size < entries.length
  for (let i = 1; i < entries.length; i++) {
    for (let j = 0; j < i; j++) if (entries[j]!.streamId === entries[i]!.streamId) return true
  }
  return false
}

const versionProblem = (append: Append): string | undefined => {
  for (const { expected, streamId } of append.conditions) {
    if (expected._tag === "Exactly" && !(Number.isSafeInteger(expected.version) && expected.version >= 0)) {
      return `stream id ${quote(streamId)}: ${expected.version} is not a version`
    }
  }
  return undefined
}

/**
 * An event whose id and metadata are valid already, because they were made or
 * checked in this module. Copies and checks the event's data, or returns the
 * reason to refuse them. {@link check} does not check the event again.
 *
 * @example
 * ```ts
 * import { AppendCheck } from "@hexfold/core/adapter"
 *
 * const id = "01890a5d-ac96-774b-bcce-b302099a8057"
 * AppendCheck.withData(id, { type: "MoneyDeposited", schemaVersion: 1, data: { amount: 10 } }, { correlationId: id, causationId: id })
 * ```
 */
export const withData = (
  id: string,
  { data, schemaVersion, type }: Required<Pick<NewEvent, "type" | "schemaVersion" | "data">>,
  metadata: Metadata
): NewEvent | EventStoreError => {
  const copied = copyData(type, data)
  if (copied instanceof Problem) return rejected("append", copied.text)
  const problem = sizeProblem(id, copied, metadata)
  return problem === undefined
    ? new CheckedEvent(id, type, schemaVersion, copied, metadata)
    : rejected("append", problem)
}

/**
 * The metadata as a store may keep them, or the reason to refuse them.
 *
 * @example
 * ```ts
 * import { AppendCheck } from "@hexfold/core/adapter"
 *
 * AppendCheck.checkMetadata({ correlationId: "request-17", causationId: "request-17", actor: "anna" })
 * ```
 */
export const checkMetadata = (metadata: Metadata): Metadata | EventStoreError => {
  const copied = copyMetadata(metadata, "")
  return copied instanceof Problem ? rejected("append", `metadata${copied.text}`) : copied
}

/**
 * The refusal of an append because of the time of an imported event: it must not
 * be before the time of the event before in the stream. Without such a time, it
 * lies in the future of the store's clock.
 *
 * @example
 * ```ts
 * import { AppendCheck } from "@hexfold/core/adapter"
 * import { DateTime } from "effect"
 *
 * const event = { id: "01890a5d-ac96-774b-bcce-b302099a8057", recordedAt: DateTime.makeUnsafe("2020-01-01T00:00:00Z") }
 * AppendCheck.misplaced(event, DateTime.makeUnsafe("2021-01-01T00:00:00Z"))
 * ```
 */
export const misplaced = (
  { id, recordedAt }: Pick<NewEvent, "id" | "recordedAt">,
  before: DateTime.Utc | undefined
): EventStoreError => {
  const time = recordedAt === undefined ? "no time" : DateTime.formatIso(recordedAt)
  return rejected(
    "append",
    before === undefined
      ? `event ${id}: its time ${time} lies in the future of the store's clock`
      : `event ${id}: its time ${time} is before ${DateTime.formatIso(before)}, the time of the event before in its stream`
  )
}
