/** How two JSON values differ, in words. */
import type { Schema } from "effect"

/** What only the second value has counts too, or does not. */
export type Surplus = "counts" | "does not count"

/** The places where two values differ, at most a few. None if they are equal, in whatever order their fields are. */
export const differences = (before: Schema.Json, after: Schema.Json, surplus: Surplus = "counts"): string => {
  const found: Array<string> = []
  const walk = (one: Schema.Json | undefined, other: Schema.Json | undefined, path: string): void => {
    if (one === undefined && other === undefined) return
    if (one === undefined) {
      if (surplus === "counts") found.push(`${placed(path)} was not there and is ${shown(other)}`)
    } else if (other === undefined) found.push(`${placed(path)} was ${shown(one)} and is not there`)
    else if (isObject(one) && isObject(other)) {
      for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
        walk(own(one, key), own(other, key), path === "" ? key : `${path}.${key}`)
      }
    } else if (Array.isArray(one) && Array.isArray(other)) {
      const [a, b]: [ReadonlyArray<Schema.Json>, ReadonlyArray<Schema.Json>] = [one, other]
      for (let i = 0; i < Math.max(a.length, b.length); i++) walk(a[i], b[i], `${path}[${i}]`)
    } else if (one !== other) found.push(`${placed(path)} was ${shown(one)} and is ${shown(other)}`)
  }
  walk(before, after, "")
  const some = found.slice(0, mostShown)
  return [...some, ...(found.length > some.length ? [`${found.length - some.length} more`] : [])].join(", ")
}

/** A value as a message shows it. */
export const shown = (json: Schema.Json | undefined): string => {
  const text = JSON.stringify(json) ?? "nothing"
  return text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text
}

/** A field as a message names it; the empty path is the value itself. */
const placed = (path: string): string => (path === "" ? "it" : `"${path}"`)

export const isObject = (json: unknown): json is Schema.JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const own = (json: Schema.JsonObject, key: string): Schema.Json | undefined =>
  Object.hasOwn(json, key) ? json[key] : undefined

const mostShown = 5
const longest = 200
