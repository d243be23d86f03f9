/**
 * The first place where a value that was written as JSON comes back as another
 * kind of value, with its path and both kinds. Members that only one of them has
 * are defaults or surplus keys.
 */
export const changedKind = (decided: unknown, decoded: unknown): string | undefined =>
  changedAt(decided, decoded, "", new Set())

// An empty Chunk contains itself: `seen` has the objects that were compared.
const changedAt = (decided: unknown, decoded: unknown, path: string, seen: Set<unknown>): string | undefined => {
  const [before, after] = [kindOf(decided), kindOf(decoded)]
  if (before !== after) return `${path === "" ? "the value" : path} is ${before} and would be read back as ${after}`
  if (before === "a list") {
    const [list, other] = [decided as ReadonlyArray<unknown>, decoded as ReadonlyArray<unknown>]
    if (list.length !== other.length)
      return `${path} has ${list.length} members and would be read back with ${other.length}`
    for (let i = 0; i < list.length; i++) {
      const changed = changedAt(list[i], other[i], `${path}[${i}]`, seen)
      if (changed !== undefined) return changed
    }
  } else if (before === "an object" && !seen.has(decided)) {
    seen.add(decided)
    const [object, other] = [decided as Readonly<Record<string, unknown>>, decoded as Readonly<Record<string, unknown>>]
    for (const key of Object.keys(object)) {
      if (!Object.hasOwn(other, key)) continue
      const changed = changedAt(object[key], other[key], `${path}.${key.slice(0, 100)}`, seen)
      if (changed !== undefined) return changed
    }
  }
  return undefined
}

const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return String(value)
  if (typeof value !== "object") return `a ${typeof value}`
  if (Array.isArray(value)) return "a list"
  // An instance of a class of the application is an object like its plain form.
  return builtIn.find(([type]) => value instanceof type)?.[1] ?? "an object"
}

const builtIn = [
  [Date, "a Date"],
  [Uint8Array, "a Uint8Array"],
  [Map, "a Map"],
  [Set, "a Set"],
  [URL, "a URL"],
  [RegExp, "a RegExp"]
] as const
