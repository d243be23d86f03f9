import { Arbitrary, Chunk, DateTime, Equal, HashMap, HashSet, Option, Redacted, Result, Schema } from "effect"
import { isRecord, membersOf } from "./frozen.ts"

/** The same values. What no store takes is replaced in them: some characters of their texts, and times with odd zones. */
export const storable = <A>(
  arbitrary: Arbitrary.Arbitrary<A>,
  schema: Schema.Codec<A, unknown>
): Arbitrary.Arbitrary<A> => {
  const codec = Schema.toCodecJson(schema)
  const [encode, decode] = [Schema.encodeResult(codec), Schema.decodeUnknownResult(codec)]
  return Arbitrary.map(arbitrary, (value) => {
    if (isStorable(value)) return value
    // All texts of a value are in its JSON, whatever it is made of.
    const cleaned = Result.flatMap(encode(value), (json) => decode(cleanedOf(json)))
    return Result.getOrElse(cleaned, () => value)
  })
}

/**
 * Whether no text of a value has NUL or half a surrogate pair, and every time in a zone is read back as it was: an offset
 * has minutes in its text, and no seconds.
 */
export const isStorable = (value: unknown): boolean => {
  if (typeof value === "string") return isClean(value)
  if (typeof value === "symbol") return isClean(String(value))
  if (typeof value !== "object" || value === null) return true
  if (DateTime.isDateTime(value)) return DateTime.isUtc(value) || isReadBack(value)
  if (isRecord(value) && !Object.keys(value).every(isClean)) return false
  return partsOf(value).every(isStorable)
}

const partsOf = (value: object): ReadonlyArray<unknown> => {
  if (Result.isResult(value)) return [Result.merge(value)]
  if (Redacted.isRedacted(value)) return [Redacted.value(value)]
  if (HashMap.isHashMap(value) || HashSet.isHashSet(value) || Chunk.isChunk(value)) return [...value]
  return membersOf(value)
}

const isReadBack = (time: DateTime.Zoned): boolean =>
  Option.exists(DateTime.makeZonedFromString(DateTime.formatIsoZoned(time)), (read) => Equal.equals(read, time))

const isClean = (text: string): boolean => !text.includes("\0") && text.isWellFormed()

const clean = (text: string): string => text.toWellFormed().replaceAll("\0", "0")

const cleanedOf = (json: unknown): unknown => {
  if (typeof json === "string") return clean(json)
  if (Array.isArray(json)) return json.map(cleanedOf)
  if (typeof json !== "object" || json === null) return json
  return Object.fromEntries(Object.entries(json).map(([key, each]) => [clean(key), cleanedOf(each)]))
}
