import type * as Schema from "effect/Schema"
import { textProblem } from "../../domain/texts.ts"
import { maxDepth } from "../../ports/jsonCopy.ts"

/** The most characters of all texts in a command that comes from outside, or that has a command id. */
const maxCommandLength = 16 << 20

/**
 * Why no work is done on an input: it is too deep or too large, or, if its texts count, has one that no store keeps. It
 * uses no stack, so it takes any depth.
 */
export const inputProblem = (input: unknown, doTextsCount = false): string | undefined => {
  let length = 0
  const levels: Array<ReadonlyArray<unknown>> = [[input]]
  const places = [0]
  while (levels.length > 0) {
    const level = levels.length - 1
    const place = places[level]!++
    const members = levels[level]!
    if (place >= members.length) {
      levels.pop()
      places.pop()
      continue
    }
    const value = members[place]
    if (typeof value === "string") {
      const problem = doTextsCount ? textProblem(value) : undefined
      if (problem !== undefined) return `a text in it ${problem}`
      length += value.length
    } else if (typeof value === "object" && value !== null) {
      if (level >= maxDepth) return `it is nested more than ${maxDepth} levels deep`
      const next = Array.isArray(value) ? (value as ReadonlyArray<unknown>) : Object.values(value)
      length += next.length
      if (!Array.isArray(value)) for (const key in value) length += key.length
      levels.push(next)
      places.push(0)
    }
    if (length > maxCommandLength) return `it is longer than ${maxCommandLength} characters`
  }
  return undefined
}

/**
 * The part of a command's JSON that its caller gave: without the members that
 * decoding, or making an instance of a class, has added. A typed command may have
 * other names than its JSON, and is then left as it is.
 */
export const givenPart = (encoded: Schema.Json, given: unknown, kind: "json" | "typed"): Schema.Json => {
  if (typeof encoded !== "object" || encoded === null || typeof given !== "object" || given === null) return encoded
  if (Array.isArray(encoded)) {
    const list = encoded as Schema.JsonArray
    return Array.isArray(given) && given.length === list.length
      ? list.map((member, i) => givenPart(member, (given as ReadonlyArray<unknown>)[i], kind))
      : encoded
  }
  if (Array.isArray(given)) return encoded
  const names = Object.entries(given).filter(([, member]) => member !== undefined)
  if (kind === "typed" && !names.every(([name]) => Object.hasOwn(encoded, name))) return encoded
  const members = new Map<string, unknown>(names)
  return Object.fromEntries(
    Object.entries(encoded as Schema.JsonObject)
      .filter(([name]) => members.has(name))
      .map(([name, member]) => [name, givenPart(member, members.get(name), kind)])
  )
}
