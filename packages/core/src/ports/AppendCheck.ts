/** The checks that every store makes before it writes anything. They stand in one place, so that all stores refuse the same. */
import * as DateTime from "effect/DateTime"
import * as StreamId from "../domain/StreamId.ts"
import { idProblem, quote, textProblem } from "../domain/texts.ts"
import { CheckedAppend } from "./checkedAppend.ts"
import type { AllReadOptions, Append, CommandKey, NewEvent, StreamRequest, Write } from "./EventStore.ts"
import { jsonBytes } from "./jsonBytes.ts"
import { copyJson, Problem } from "./jsonCopy.ts"
import type * as Schema from "effect/Schema"
import type { Metadata } from "../domain/metadata.ts"
import { EventStoreError, type Operation } from "./errors.ts"
import { Rejected } from "./Reason.ts"

export { maxIdLength } from "../domain/texts.ts"
export { jsonBytes } from "./jsonBytes.ts"
export { maxDepth } from "./jsonCopy.ts"

/**
 * The most bytes of JSON that an event's data and metadata have together. They are
 * counted as Postgres writes jsonb out: in UTF-8, with numbers without an exponent.
 * What is larger could not be read back.
 */
export const maxEventBytes = 8 << 20

// A loop instead of a regular expression, because every event passes here: it takes a third of the time.
const isUuid = (text: string): boolean => {
  if (typeof text !== "string" || text.length !== 36) return false
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
 * The append as a store may keep it, with its payloads copied and frozen, or the
 * reason to refuse it. An append is refused for a stream id that is not valid or
 * too long, a stream named twice, an event id that is not a lower-case UUID or
 * appears twice, a payload that is not JSON, or a text with NUL or half a surrogate pair.
 *
 * @example
 * ```ts
 * import { StreamId } from "@hexfold/core"
 * import { AppendCheck, Expectation } from "@hexfold/core/adapter"
 *
 * AppendCheck.check({
 *   writes: [],
 *   conditions: [{ _tag: "Stream", streamId: StreamId.make("Account", "a\0"), expected: Expectation.any }]
 * }) // EventStoreError { operation: "append", reason: Rejected { detail: 'stream id "Account-a\\u0000": contains NUL' } }
 * ```
 */
export const check = (append: Append): Append | EventStoreError => {
  if (append instanceof CheckedAppend) return append
  const refused =
    (append.command === undefined ? undefined : commandProblem(append.command)) ??
    streamsProblem(append.writes, []) ??
    streamsProblem(append.conditions, append.writes) ??
    versionProblem(append)
  if (refused !== undefined) return rejected("append", refused)
  const writes: Array<Write> = []
  for (const { events, streamId } of append.writes) {
    const copied: Array<NewEvent> = []
    for (const event of events) {
      const copy = copyEvent(event)
      if (typeof copy === "string") return rejected("append", copy)
      copied.push(copy)
    }
    writes.push({ streamId, events: copied })
  }
  const twin = eventTwin(append.writes)
  if (twin !== undefined) return rejected("append", `event id ${quote(twin)}: appears twice in one append`)
  return { ...append, writes }
}

/** Like {@link check}, but for the streams and the command of a read. */
export const checkRead = (
  operation: Operation,
  requests: ReadonlyArray<StreamRequest>,
  command?: CommandKey
): EventStoreError | undefined => {
  let problem = command === undefined ? undefined : commandProblem(command)
  for (let i = 0; i < requests.length && problem === undefined; i++) {
    const { after, streamId } = requests[i]!
    problem = streamIdProblem(streamId) ?? placeProblem("after", after)
  }
  return problem === undefined ? undefined : rejected(operation, problem)
}

/** Like {@link check}, but for the options that select the events of a read. */
export const checkRange = (operation: Operation, options: AllReadOptions): EventStoreError | undefined => {
  const problem =
    placeProblem("after", options.after) ??
    placeProblem("upTo", options.upTo) ??
    placeProblem("limit", options.limit) ??
    textsProblem("aggregates", options.aggregates) ??
    textsProblem("types", options.types)
  return problem === undefined ? undefined : rejected(operation, problem)
}

const placeProblem = (what: string, value: number | undefined): string | undefined =>
  value === undefined || (Number.isSafeInteger(value) && value >= 0)
    ? undefined
    : `${what}: ${value} is not a whole number from 0 on`

const textsProblem = (what: string, texts: ReadonlyArray<string> | undefined): string | undefined => {
  for (const text of texts ?? []) {
    const problem = textProblem(text)
    if (problem !== undefined) return `${what} ${quote(text)}: ${problem}`
  }
  return undefined
}

const commandProblem = ({ fingerprint, id }: CommandKey): string | undefined => {
  const problem = textProblem(fingerprint)
  return idProblem("command id", id) ?? (problem === undefined ? undefined : `command fingerprint: ${problem}`)
}

const rejected = (operation: Operation, detail: string) =>
  new EventStoreError({ operation, reason: new Rejected({ detail }) })

type Named = ReadonlyArray<{ readonly streamId: string }>

// The streams of `checked` are valid. Most appends have conditions on the streams that they write, in the same order.
const streamsProblem = (entries: Named, checked: Named): string | undefined => {
  if (entries.length > 1 && hasTwins(entries)) return "a stream is named twice in one append"
  for (let i = 0; i < entries.length; i++) {
    const { streamId } = entries[i]!
    const problem = streamId === checked[i]?.streamId ? undefined : streamIdProblem(streamId)
    if (problem !== undefined) return problem
  }
  return undefined
}

// Most appends have one event.
const eventTwin = (writes: ReadonlyArray<Write>): string | undefined => {
  if (writes.length === 0 || (writes.length === 1 && writes[0]!.events.length < 2)) return undefined
  const ids = new Set<string>()
  for (const { events } of writes) {
    for (const { id } of events) {
      if (ids.has(id)) return id
      ids.add(id)
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

/** An event that was checked when it was made. A store need not check it again. */
class CheckedEvent implements NewEvent {
  readonly id: string
  readonly type: string
  readonly data: NewEvent["data"]
  readonly metadata: Metadata
  constructor(id: string, type: string, data: NewEvent["data"], metadata: Metadata) {
    this.id = id
    this.type = type
    this.data = data
    this.metadata = metadata
  }
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
 * AppendCheck.withData(id, "MoneyDeposited", { amount: 10 }, { correlationId: id, causationId: id })
 * ```
 */
export const withData = (
  id: string,
  type: string,
  data: NewEvent["data"],
  metadata: Metadata
): NewEvent | EventStoreError => {
  const copied = copyData(type, data)
  if (copied instanceof Problem) return rejected("append", copied.text)
  const problem = sizeProblem(id, copied, metadata)
  return problem === undefined ? new CheckedEvent(id, type, copied, metadata) : rejected("append", problem)
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

const sizeProblem = (id: string, data: NewEvent["data"], metadata: Metadata): string | undefined => {
  if (roughSize(data) + roughSize(metadata) <= maxEventBytes / 8) return undefined
  const bytes = jsonBytes(data) + jsonBytes(metadata as unknown as Schema.JsonObject)
  return bytes > maxEventBytes ? `event ${id}: its ${bytes} bytes of JSON are more than ${maxEventBytes}` : undefined
}

// Every store can keep these times, and every notation can write them.
const [firstTime, lastTime] = [-62_135_596_800_000, Date.UTC(9999, 11, 31, 23, 59, 59, 999)]

const isTime = (time: unknown): boolean =>
  DateTime.isDateTime(time) &&
  DateTime.isUtc(time) &&
  Number.isSafeInteger(time.epochMilliseconds) &&
  time.epochMilliseconds >= firstTime &&
  time.epochMilliseconds <= lastTime

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

// Returns the copy of an event, or what is wrong with the event.
const copyEvent = (event: NewEvent): NewEvent | string => {
  if (event instanceof CheckedEvent) return event
  const { data, id, metadata, recordedAt, type } = event
  if (!isUuid(id)) return `event id ${quote(id)}: is not a lower-case UUID`
  const copiedData = copyData(type, data)
  if (copiedData instanceof Problem) return copiedData.text
  const copiedMetadata = copyMetadata(metadata, id)
  if (copiedMetadata instanceof Problem) return `metadata${copiedMetadata.text}`
  const tooLarge = sizeProblem(id, copiedData, copiedMetadata)
  if (tooLarge !== undefined) return tooLarge
  const copied = { id, type, data: copiedData, metadata: copiedMetadata }
  if (recordedAt === undefined) return copied
  return isTime(recordedAt) ? { ...copied, recordedAt } : `event ${id}: recordedAt is not a time of the years 1 to 9999`
}

// Returns the copy of the data of an event of this type, or what is wrong with the data or the type.
const copyData = (type: string, data: NewEvent["data"]): NewEvent["data"] | Problem => {
  const typeProblem = idProblem("event type", type)
  if (typeProblem !== undefined) return new Problem(typeProblem)
  const copied = copyJson(data, 0)
  return copied instanceof Problem ? new Problem(`data${copied.text}`) : copied
}

// Most metadata are two texts, and often both are the event's id, which was checked before.
const copyMetadata = (metadata: Metadata, id: string): Metadata | Problem => {
  const { actor, causationId, correlationId, fields } = metadata
  const problem =
    (correlationId === id ? undefined : memberProblem("correlationId", correlationId)) ??
    (causationId === correlationId ? undefined : memberProblem("causationId", causationId)) ??
    (actor === undefined ? undefined : memberProblem("actor", actor))
  if (problem !== undefined) return problem
  const copiedFields = fields === undefined ? undefined : copyJson(fields, 1)
  if (copiedFields instanceof Problem) return new Problem(`.fields${copiedFields.text}`)
  // In the order of all keys; see `copyJson`.
  const copy: Metadata = {
    ...(actor === undefined ? undefined : { actor }),
    ...(copiedFields === undefined ? undefined : { fields: copiedFields }),
    causationId,
    correlationId
  }
  for (const key in metadata) {
    // A member that is undefined is left out. The members of an application go into `fields`.
    if (!(key in copy) && metadata[key as keyof Metadata] !== undefined) return new Problem(`.${key}: is not metadata`)
  }
  return Object.freeze(copy)
}

const memberProblem = (name: string, value: unknown): Problem | undefined => {
  const problem = typeof value === "string" ? textProblem(value) : "is not a text"
  return problem === undefined ? undefined : new Problem(`.${name}: ${problem}`)
}

const streamIdProblem = (streamId: string): string | undefined => {
  if (typeof streamId !== "string") return "stream id: is not a text"
  const dash = streamId.indexOf("-")
  return dash < 0 || !StreamId.isAggregateName(streamId.slice(0, dash))
    ? `stream id ${quote(streamId)}: is not an aggregate's name, "-" and an id`
    : idProblem("stream id", streamId, dash + 1)
}

// At least an eighth of the bytes: JSON takes at most six bytes for a character, and 333 for a number with an exponent, its key and separators included.
const roughSize = (value: unknown): number => {
  if (typeof value === "string") return value.length + 1
  if (typeof value === "number" && (value >= 1e21 || value <= -1e21 || (value > -1e-6 && value < 1e-6))) return 42
  if (typeof value !== "object" || value === null) return 4
  let size = 2
  if (Array.isArray(value)) for (const member of value) size += roughSize(member)
  else for (const key in value) size += key.length + roughSize((value as Readonly<Record<string, unknown>>)[key])
  return size
}
