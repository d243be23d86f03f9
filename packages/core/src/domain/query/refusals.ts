/** How a reader refuses a part of what it reads, and how a reader becomes a schema. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Groups, Query } from "./data.ts"

/** Where a part stands. */
export type At = ReadonlyArray<PropertyKey>

/** What is wrong with a query, and where. */
export interface Problem {
  readonly path: At
  readonly issue: string
}

class Refused extends Error {
  readonly problem: Problem
  constructor(path: At, issue: string) {
    super(issue)
    this.problem = { path, issue }
  }
}

/** Refuses the part at a path. */
export const refuse = (path: At, issue: string): never => {
  throw new Refused(path, issue)
}

/** Reads with functions that refuse. Everything else that is thrown is a mistake in the program. */
export const attempt = <A>(read: () => A): Result.Result<A, Problem> => {
  try {
    return Result.succeed(read())
  } catch (error) {
    if (error instanceof Refused) return Result.fail(error.problem)
    throw error
  }
}

/** The keys of an object. */
export type Fields = { readonly [name: string]: unknown }

/** An object that has no other keys. */
export const objectAt = (value: unknown, at: At, names: ReadonlyArray<string>): Fields => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(at, "expected an object")
  for (const name of Object.keys(value)) {
    if (!names.includes(name))
      refuse([...at, name.slice(0, 100)], `there is no such key; there are ${names.join(", ")}`)
  }
  return value as Fields
}

/** One of several texts. */
export const oneOf = <A extends string>(value: unknown, at: At, allowed: ReadonlyArray<A>): A =>
  allowed.includes(value as A) ? (value as A) : refuse(at, `expected ${allowed.join(" or ")}`)

/** What may be left out. */
export const optional = <A>(value: unknown, read: (value: unknown) => A): A | undefined =>
  value === undefined ? undefined : read(value)

/** True or false. */
export const truth = (value: unknown, at: At): boolean =>
  typeof value === "boolean" ? value : refuse(at, "expected true or false")

/** A schema that decodes what a reader reads. It encodes a query as the JSON that it was decoded from. */
export const receivedSchema = <Q extends Query | Groups>(
  expected: string,
  read: (value: unknown) => Result.Result<Query | Groups, Problem>
): Schema.Codec<Q, unknown> => {
  const isRead = (value: unknown): value is Q => typeof value === "object" && value !== null && "_tag" in value
  const checked = Schema.Unknown.check(
    Schema.makeFilter((value: unknown) => Result.getOrUndefined(Result.flip(read(value))))
  )
  return checked.pipe(
    Schema.decodeTo(Schema.declare(isRead, { expected }), {
      decode: SchemaGetter.transform((value: unknown) => Result.getOrThrow(read(value)) as Q),
      encode: SchemaGetter.transform(({ timeout: _, ...query }: Q) => query)
    })
  )
}
