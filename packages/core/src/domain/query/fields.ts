/** The fields of a view's state: their names and types for the compiler, their schemas for the program. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Equatable, IfKnown, Leaf, Ordered } from "../exactly.ts"
import type { Path } from "./data.ts"
import { byHead } from "./run.ts"

export type { Equatable, Ordered }

// A path does not lead into these.
type Opaque = Leaf | ReadonlyArray<unknown>

type Has<Value, Kind> = [Extract<Value, Kind>] extends [never] ? never : true

/**
 * The paths to the fields of `State` that may hold a `Kind`, the names joined
 * by dots, at most six of them. A name that contains a dot is in no path.
 *
 * For a type parameter, such as `State extends { readonly owner: string }`,
 * they are the names of the fields that its constraint has.
 */
export type PathTo<State, Kind> = IfKnown<State, never, keyof State & string> | PathIn<State, Kind>

type PathIn<State, Kind, Depth extends ReadonlyArray<unknown> = []> = Depth["length"] extends 6
  ? never
  : State extends Opaque
    ? never
    : {
        [Name in keyof State & string]-?: Name extends `${string}.${string}`
          ? never
          :
              | (Has<State[Name], Kind> extends never ? never : Name)
              | `${Name}.${PathIn<State[Name], Kind, [...Depth, Name]>}`
      }[keyof State & string]

/** What a path leads to. */
type ValueAt<State, P> = State extends Opaque
  ? never
  : P extends keyof State
    ? State[P]
    : P extends `${infer Head}.${infer Tail}`
      ? Head extends keyof State
        ? ValueAt<State[Head], Tail>
        : never
      : never

/** An operand for the field at a path. */
export type Operand<State, P, Kind> = IfKnown<State, Extract<ValueAt<State, P>, Kind>, Kind>

/** An operand for the elements of the array at a path. */
export type ElementOf<State, P> =
  Extract<ValueAt<State, P>, ReadonlyArray<unknown>> extends ReadonlyArray<infer Element>
    ? Extract<Element, Equatable>
    : never

type Tail<P, Head extends string> = P extends `${Head}.${infer Rest}` ? Rest : never

type HeadOf<P> = P extends `${infer Head}.${string}` ? Head : P

/** A state with only the fields at these paths. */
export type Selected<State, P extends string> = State extends Opaque
  ? null
  : {
      readonly [Name in keyof State as Name extends HeadOf<P> ? Name : never]: Name extends P
        ? State[Name]
        : Selected<State[Name], Tail<P, Name & string>>
    }

// The schemas of a field, one for each member of a union that has it.
const fieldsNamed = (ast: SchemaAST.AST, name: string): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isSuspend(ast)) return fieldsNamed(ast.thunk(), name)
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap((type) => fieldsNamed(type, name))
  // A class is written as the struct behind it; of renamed fields only the names in the JSON count.
  const written = ast.encoding?.at(-1)?.to
  if (written !== undefined) return fieldsNamed(written, name)
  if (!SchemaAST.isObjects(ast)) return []
  const property = ast.propertySignatures.find((each) => each.name === name)
  return property === undefined ? ast.indexSignatures.map(({ type }) => type) : [property.type]
}

const elementsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isSuspend(ast)) return elementsOf(ast.thunk())
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(elementsOf)
  return SchemaAST.isArrays(ast) ? [...ast.elements, ...ast.rest] : []
}

// One of several stays the same object, so that effect finds what it compiled for it before.
const codecOf = (asts: ReadonlyArray<SchemaAST.AST>): Schema.Codec<unknown, Schema.Json> => {
  const schemas = asts.map((ast) => Schema.make<Schema.Codec<unknown, unknown>>(ast))
  return Schema.toCodecJson(schemas.length === 1 ? schemas[0]! : Schema.Union(schemas))
}

/** A schema whose fields can be found. */
export type StateSchema<State> = Schema.Codec<State, unknown>

const fieldAt = (state: StateSchema<unknown>, path: Path): ReadonlyArray<SchemaAST.AST> => {
  const asts = path.reduce<ReadonlyArray<SchemaAST.AST>>(
    (found, name) => found.flatMap((ast) => fieldsNamed(ast, name)),
    [state.ast]
  )
  if (asts.length === 0) throw new Error(`the view's state has no field ${path.join(".")}`)
  return asts
}

/** Writes values of the field at a path as the schema does. */
export const fieldCodec = (state: StateSchema<unknown>, path: Path): Schema.Codec<unknown, Schema.Json> =>
  codecOf(fieldAt(state, path))

/** Writes elements of the array at a path as the schema does. */
export const elementCodec = (state: StateSchema<unknown>, path: Path): Schema.Codec<unknown, Schema.Json> =>
  codecOf(fieldAt(state, path).flatMap(elementsOf))

/** Reads and writes what is selected of a state. */
export const selectedCodec = (
  state: StateSchema<unknown>,
  select: ReadonlyArray<Path>,
  at: Path = []
): Schema.Codec<unknown, unknown> =>
  Schema.Struct(
    Object.fromEntries(
      Array.from(byHead(select), ([name, tails]) => {
        const path = [...at, name]
        const field = tails === "all" ? fieldCodec(state, path) : Schema.NullOr(selectedCodec(state, tails, path))
        return [name, Schema.optionalKey(field)]
      })
    )
  )
