/** What a program says of an answer that it cannot read: where it differs from what is expected, and never what it holds. */
import { Schema, SchemaIssue } from "effect"
import { RemoteError } from "../errors.ts"

type Path = ReadonlyArray<PropertyKey>

/**
 * An answer that this program cannot read. For a mismatch with a schema it says each member that differs, with its path in
 * the answer and what is expected there. The values stay unsaid: they may be data that no log should have.
 */
export const unreadable = (cause: unknown, within: Path = []): RemoteError =>
  new RemoteError({
    status: 200,
    title: "Unreadable",
    detail: `the answer is not what this program knows: ${reasonIn(cause, within)}`,
    cause
  })

const reasonIn = (cause: unknown, within: Path): string =>
  Schema.isSchemaError(cause)
    ? format(cause.issue)
        .issues.map(({ message, path = [] }) => `${placeOf([...within, ...path.map(keyOf)])}: ${message}`)
        .join("; ")
    : cause instanceof Error
      ? cause.message
      : String(cause)

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const keyOf = (segment: PropertyKey | { readonly key: PropertyKey }): PropertyKey =>
  typeof segment === "object" ? segment.key : segment

/** A path as it is written in a program, such as `rows[0].state.owner`. */
const placeOf = (path: Path): string =>
  path.length === 0
    ? "the whole"
    : path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${String(key)}`)).join("")
