/** The functions that make the values of groups, and how the values come back. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Aggregation, Groups, GroupValues, Path } from "./data.ts"
import { type Equatable, fieldAt, fieldCodec, type Operand, type Ordered, pathOf, type PathTo } from "./fields.ts"
import { checkOrdered } from "./filters.ts"

/** A value of a group that is still to be computed. */
export type Computed<Value> = Aggregation & {
  /** Only for the type checker: what the value is in the result. */
  readonly "~value"?: Value
}

/** Values of groups, by name. */
export interface AnyValues {
  readonly [name: string]: Computed<unknown>
}

/** Makes the values of groups, typed by the state of the view. */
export interface Aggregations<State> {
  /** The number of records. */
  readonly count: () => Computed<number>
  /** The sum of the numbers at a field; 0 if there is none. */
  readonly sum: (path: PathTo<State, number>) => Computed<number>
  /** The average of the numbers at a field, or null if there is none. */
  readonly avg: (path: PathTo<State, number>) => Computed<number | null>
  /** The least value of a field, or null if there is none. */
  readonly min: <const P extends PathTo<State, Ordered>>(path: P) => Computed<Operand<State, P, Ordered> | null>
  /** The greatest value of a field, or null if there is none. */
  readonly max: <const P extends PathTo<State, Ordered>>(path: P) => Computed<Operand<State, P, Ordered> | null>
}

/** A group of records in a result: the values of its fields, in the order of `by`, and what was computed from its records. */
export interface Group<out By, out Values> {
  readonly by: By
  readonly values: Values
}

/** The groups that a query gives. */
export type GroupOf<State, By extends ReadonlyArray<unknown>, Values> = Group<
  { readonly [I in keyof By]: Operand<State, By[I], Equatable> | null },
  { readonly [Name in keyof Values]: Values[Name] extends Computed<infer Value> ? Value : never }
>

/** The functions for a state. The compiler has checked their paths. */
export const aggregations = <State>(state: Schema.Codec<State, unknown>): Aggregations<State> => {
  const of =
    (tag: "sum" | "avg" | "min" | "max") =>
    (text: string): Aggregation => {
      const path = pathOf(state, text)
      checkOrdered(state, path, text)
      return { _tag: tag, path }
    }
  const made = {
    count: (): Aggregation => ({ _tag: "count" }),
    sum: of("sum"),
    avg: of("avg"),
    min: of("min"),
    max: of("max")
  }
  return made as unknown as Aggregations<State>
}

/** Reads a group of a store's answer. */
export const groupDecoder = (
  state: Schema.Codec<unknown, unknown>,
  { by, values }: Groups
): ((group: GroupValues) => Result.Result<Group<unknown, unknown>, Schema.SchemaError>) => {
  const field = (path: Path) => {
    // What the state does not have is null in every record.
    if (fieldAt(state, path).length === 0) return () => Result.succeed(null)
    const decode = Schema.decodeUnknownResult(fieldCodec(state, path))
    return (value: unknown): Result.Result<unknown, Schema.SchemaError> =>
      value === null ? Result.succeed(null) : decode(value)
  }
  const fields = by.map(field)
  const named = Object.entries(values).map(([name, each]) => {
    const { _tag } = each
    const number = (value: unknown) => Result.succeed(value === null ? null : Number(value))
    return [name, _tag === "min" || _tag === "max" ? field(each.path) : number] as const
  })
  return (group) =>
    Result.all({
      by: Result.all(group.by.map((value, i) => fields[i]!(value))),
      values: Result.map(
        Result.all(
          named.map(([name, decode]) => Result.map(decode(group.values[name]), (value) => [name, value] as const))
        ),
        (all) => Object.fromEntries(all)
      )
    })
}
