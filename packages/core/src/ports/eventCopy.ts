import * as DateTime from "effect/DateTime"
import type * as Schema from "effect/Schema"
import type { Metadata, Origin } from "../domain/metadata.ts"
import { idProblem, quote, textProblem } from "../domain/texts.ts"
import type { NewEvent } from "./EventStore.ts"
import { jsonBytes } from "./jsonBytes.ts"
import { copyJson, Problem } from "./jsonCopy.ts"

/**
 * The most bytes of JSON that an event's data and metadata have together. They are
 * counted as Postgres writes jsonb out: in UTF-8, with numbers without an exponent.
 * What is larger could not be read back.
 */
export const maxEventBytes = 8 << 20

/** An event that was checked when it was made. A store need not check it again. */
export class CheckedEvent implements NewEvent {
  readonly id: string
  readonly type: string
  readonly schemaVersion: number
  readonly data: NewEvent["data"]
  readonly metadata: Metadata
  constructor(id: string, type: string, schemaVersion: number, data: NewEvent["data"], metadata: Metadata) {
    this.id = id
    this.type = type
    this.schemaVersion = schemaVersion
    this.data = data
    this.metadata = metadata
  }
}

/** Returns the copy of an event, or what is wrong with the event. */
export const copyEvent = (event: NewEvent): NewEvent | string => {
  if (event instanceof CheckedEvent) return event
  const { data, id, metadata, recordedAt, schemaVersion = 1, type } = event
  if (!isUuid(id)) return `event id ${quote(id)}: is not a lower-case UUID`
  if (!isSchemaVersion(schemaVersion)) {
    return `event ${id}: ${String(schemaVersion)} is not the version of a schema, a whole number from 1 to ${maxSchemaVersion}`
  }
  const copiedData = copyData(type, data)
  if (copiedData instanceof Problem) return copiedData.text
  const copiedMetadata = copyMetadata(metadata, id)
  if (copiedMetadata instanceof Problem) return `metadata${copiedMetadata.text}`
  const tooLarge = sizeProblem(id, copiedData, copiedMetadata)
  if (tooLarge !== undefined) return tooLarge
  const copied = { id, type, schemaVersion, data: copiedData, metadata: copiedMetadata }
  if (recordedAt === undefined) return copied
  return isTime(recordedAt) ? { ...copied, recordedAt } : `event ${id}: recordedAt is not a time of the years 1 to 9999`
}

/** The highest version of the schema of an event. Stores keep it in two bytes. */
const maxSchemaVersion = 32_767

const isSchemaVersion = (version: number): boolean =>
  Number.isSafeInteger(version) && version >= 1 && version <= maxSchemaVersion

/** Returns the copy of the data of an event of this type, or what is wrong with the data or the type. */
export const copyData = (type: string, data: NewEvent["data"]): NewEvent["data"] | Problem => {
  const typeProblem = idProblem("event type", type)
  if (typeProblem !== undefined) return new Problem(typeProblem)
  const copied = copyJson(data, 0)
  return copied instanceof Problem ? new Problem(`data${copied.text}`) : copied
}

/** The copy of the metadata, or what is wrong with them. Most are two texts, and often both are the event's id, which was checked before. */
export const copyMetadata = (metadata: Metadata, id: string): Metadata | Problem => {
  const { actor, causationId, correlationId, fields, origin, versions } = metadata
  const problem =
    (correlationId === id ? undefined : memberProblem("correlationId", correlationId)) ??
    (causationId === correlationId ? undefined : memberProblem("causationId", causationId)) ??
    (actor === undefined ? undefined : memberProblem("actor", actor))
  if (problem !== undefined) return problem
  const copiedFields = fields === undefined ? undefined : copyJson(fields, 1)
  if (copiedFields instanceof Problem) return new Problem(`.fields${copiedFields.text}`)
  const copiedVersions = versions === undefined ? undefined : copyVersions(versions, copiedFields)
  if (copiedVersions instanceof Problem) return new Problem(`.versions${copiedVersions.text}`)
  const copiedOrigin = origin === undefined ? undefined : copyOrigin(origin, 1)
  if (copiedOrigin instanceof Problem) return new Problem(`.origin${copiedOrigin.text}`)
  // In the order of all keys; see `copyJson`.
  const copy: Metadata = {
    ...(actor === undefined ? undefined : { actor }),
    ...(copiedFields === undefined ? undefined : { fields: copiedFields }),
    ...(copiedOrigin === undefined ? undefined : { origin: copiedOrigin }),
    ...(copiedVersions === undefined ? undefined : { versions: copiedVersions }),
    causationId,
    correlationId
  }
  for (const key in metadata) {
    if (key === "versions") continue
    // A member that is undefined is left out. The members of an application go into `fields`.
    if (!(key in copy) && metadata[key as keyof Metadata] !== undefined) return new Problem(`.${key}: is not metadata`)
  }
  return Object.freeze(copy)
}

// Without a version after the first there are no versions: such metadata are the same as before there were any.
const copyVersions = (
  versions: Metadata["versions"],
  fields: Metadata["fields"] = {}
): Metadata["versions"] | Problem => {
  const copied = copyJson(versions, 1)
  if (copied === undefined || copied instanceof Problem) return copied
  const names = Object.keys(copied)
  for (const name of names) {
    if (!Object.hasOwn(fields, name)) return new Problem(`: there is no field ${quote(name)}`)
    const version = copied[name]!
    if (!isSchemaVersion(version) || version === 1) return new Problem(`.${name}: is not a version after the first`)
  }
  return names.length === 0 ? undefined : copied
}

const copyOrigin = (origin: Origin, depth: number): Origin | Problem => {
  if (typeof origin !== "object" || origin === null) return new Problem(": is not the origin of an event")
  if (depth > mostMoves) return new Problem(`: tells of more than ${mostMoves} moves`)
  const { log, origin: before, position } = origin
  const problem = idProblem(".log", log)
  if (problem !== undefined) return new Problem(problem)
  if (!Number.isSafeInteger(position) || position < 0) return new Problem(".position: is not a position")
  const copied = before === undefined ? undefined : copyOrigin(before, depth + 1)
  if (copied instanceof Problem) return new Problem(`.origin${copied.text}`)
  // In the order of all keys; see `copyJson`.
  const copy: Origin = { log, ...(copied === undefined ? undefined : { origin: copied }), position }
  for (const key in origin) if (!(key in copy)) return new Problem(`.${key}: is not part of an origin`)
  return Object.freeze(copy)
}

/** An event has at most so many origins within each other. */
const mostMoves = 50

const memberProblem = (name: string, value: unknown): Problem | undefined => {
  const problem = typeof value === "string" ? textProblem(value) : "is not a text"
  return problem === undefined ? undefined : new Problem(`.${name}: ${problem}`)
}

/** What is wrong with the size of an event. */
export const sizeProblem = (id: string, data: NewEvent["data"], metadata: Metadata): string | undefined => {
  if (roughSize(data) + roughSize(metadata) <= maxEventBytes / 8) return undefined
  const bytes = jsonBytes(data) + jsonBytes(metadata as unknown as Schema.JsonObject)
  return bytes > maxEventBytes ? `event ${id}: its ${bytes} bytes of JSON are more than ${maxEventBytes}` : undefined
}

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

// Every store can keep these times, and every notation can write them.
const [firstTime, lastTime] = [-62_135_596_800_000, Date.UTC(9999, 11, 31, 23, 59, 59, 999)]

const isTime = (time: unknown): boolean =>
  isStorableTime(time) && DateTime.isUtc(time) && Number.isSafeInteger(time.epochMilliseconds)

/** Whether a value is a time of the years 1 to 9999, which every store can keep. */
export const isStorableTime = (time: unknown): time is DateTime.DateTime =>
  DateTime.isDateTime(time) && time.epochMilliseconds >= firstTime && time.epochMilliseconds <= lastTime

/** At least an eighth of the bytes: JSON takes at most six bytes for a character, and 333 for a number with an exponent, its key and separators included. */
export const roughSize = (value: unknown): number => {
  if (typeof value === "string") return value.length + 1
  if (typeof value === "number" && (value >= 1e21 || value <= -1e21 || (value > -1e-6 && value < 1e-6))) return 42
  if (typeof value !== "object" || value === null) return 4
  let size = 2
  if (Array.isArray(value)) for (const member of value) size += roughSize(member)
  else for (const key in value) size += key.length + roughSize((value as Readonly<Record<string, unknown>>)[key])
  return size
}
