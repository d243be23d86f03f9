import type * as Schema from "effect/Schema"

/** A JSON text that is the same for equal values, whatever the order of their keys. */
export const canonicalJson = (value: Schema.Json): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member
  )
