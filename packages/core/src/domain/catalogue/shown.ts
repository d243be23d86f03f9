/** The versions of events as a document shows them, with the schemas that they share. */
import type * as Schema from "effect/Schema"
import { compiled, type Compiled } from "./compiled.ts"
import type { Status, StoredVersion } from "./storedVersions.ts"

/** An event as a document shows it. */
export interface Shown extends Pick<StoredVersion, "aggregate" | "type" | "version" | "status"> {
  /** Its name in the document: letters, digits, `_`, `-` and `.`. */
  readonly key: string
  /** The JSON Schema of its data. */
  readonly schema: Schema.JsonObject
  /** What it is, in a sentence or two. */
  readonly description: string
}

/** The versions in one document, where they share definitions. `meanings` says what each status means to a reader. */
export const shownOf = (
  all: ReadonlyArray<StoredVersion>,
  meanings: Readonly<Record<Status, string>>
): { readonly events: ReadonlyArray<Shown>; readonly definitions: Compiled["definitions"] } => {
  const keys = all.map(keyOf)
  const { definitions, schemas } = compiled(
    all.map(({ schema }) => schema),
    new Set(keys)
  )
  return {
    definitions,
    events: all.map((each, i) => {
      const { schema, undescribed } = schemas[i]!
      return { ...each, key: keys[i]!, schema, description: descriptionOf(each, meanings, undescribed) }
    })
  }
}

// The characters that a key of AsyncAPI's components may have. An "_x" in a tag is replaced too, so that no two are alike.
const keyOf = ({ aggregate, type, version }: StoredVersion): string => {
  const name = type.replace(/[^A-Za-z0-9._-]|_(?=x)/gu, (one) => `_x${one.codePointAt(0)!.toString(16)}_`)
  return `${aggregate}.${name}.v${version}`
}

const descriptionOf = (
  { schema, status }: StoredVersion,
  meanings: Readonly<Record<Status, string>>,
  undescribed: ReadonlyArray<string>
): string => {
  const own = schema.ast.annotations?.["description"]
  const gaps = undescribed.filter((path) => path !== "").map((path) => JSON.stringify(path))
  return [
    ...(typeof own === "string" ? [own] : []),
    meanings[status],
    ...(gaps.length === 0 ? [] : [`Any JSON may stand at ${gaps.join(", ")}: the Schema does not tell what it is.`])
  ].join(" ")
}
