/** The functions that make the filters of a query. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Filter, Path, Scalar } from "./data.ts"
import {
  type ElementOf,
  elementCodec,
  type Equatable,
  fieldAt,
  fieldCodec,
  type Operand,
  type Ordered,
  pathOf,
  type PathTo
} from "./fields.ts"
import { disorderOf, isOption } from "./kinds.ts"

/** Makes the filters of a query, typed by the state of its view. `QueryEvaluation.matches` defines what they mean. */
export interface Filters<State> {
  readonly eq: Comparison<State, Equatable>
  /** The opposite of `eq`. It also holds for null. */
  readonly ne: Comparison<State, Equatable>
  readonly gt: Comparison<State, Ordered>
  readonly gte: Comparison<State, Ordered>
  readonly lt: Comparison<State, Ordered>
  readonly lte: Comparison<State, Ordered>
  /** Includes both ends. */
  readonly between: <const P extends PathTo<State, Ordered>>(
    path: P,
    from: Operand<State, P, Ordered>,
    to: Operand<State, P, Ordered>
  ) => Filter
  /** Whether the field is one of these values. */
  readonly oneOf: <const P extends PathTo<State, Equatable>>(
    path: P,
    values: ReadonlyArray<Operand<State, P, Equatable>>
  ) => Filter
  readonly contains: TextSearch<State>
  readonly startsWith: TextSearch<State>
  /** Whether the field is null or missing. */
  readonly isNull: (path: PathTo<State, unknown>) => Filter
  /** Whether the array has this element. */
  readonly includes: <const P extends PathTo<State, ReadonlyArray<unknown>>>(
    path: P,
    value: ElementOf<State, P>
  ) => Filter
  /** Whether the array has one of these elements. */
  readonly overlaps: <const P extends PathTo<State, ReadonlyArray<unknown>>>(
    path: P,
    values: ReadonlyArray<ElementOf<State, P>>
  ) => Filter
  /** Whether all filters hold. Without any filter it is true. */
  readonly and: (...filters: ReadonlyArray<Filter>) => Filter
  /** Whether at least one filter holds. Without any filter it is false. */
  readonly or: (...filters: ReadonlyArray<Filter>) => Filter
  readonly not: (filter: Filter) => Filter
}

/** Compares a field with a value of its own type. */
export type Comparison<State, Kind> = <const P extends PathTo<State, Kind>>(
  path: P,
  value: Operand<State, P, Kind>
) => Filter

/** Looks for a text in a field. */
export type TextSearch<State> = (
  path: PathTo<State, string>,
  text: string,
  options?: { readonly ignoreCase?: boolean }
) => Filter

/** Throws an `Error` if the order of a field's JSON is not the order of its values. */
export const checkOrdered = (state: Schema.Codec<unknown, unknown>, path: Path, text: string): void => {
  for (const ast of fieldAt(state, path)) {
    const problem = disorderOf(ast)
    if (problem !== undefined) throw new Error(problem.replace("$", text))
  }
}

/** The filter of what is null at a path. A none is an object of its own. */
export const nullAt = (state: Schema.Codec<unknown, unknown>, path: Path): Filter => {
  const missing: Filter = { _tag: "IsNull", path }
  return fieldAt(state, path).some(isOption)
    ? { _tag: "Or", filters: [missing, compare([...path, "_tag"], "eq", "None")] }
    : missing
}

/** The filters for a state. The compiler has checked their paths and operands. */
export const filters = <State>(state: Schema.Codec<State, unknown>): Filters<State> => {
  const at = (text: string): Path => pathOf(state, text)
  const operand = (path: Path, text: string, value: unknown) => scalarOf(fieldCodec(state, path), text, value)
  const element = (path: Path, text: string, value: unknown) => scalarOf(elementCodec(state, path), text, value)
  const eq = (text: string, value: unknown): Filter => {
    const path = at(text)
    return compare(path, "eq", operand(path, text, value))
  }
  const ordered =
    (is: "gt" | "gte" | "lt" | "lte") =>
    (text: string, value: unknown): Filter => {
      const path = at(text)
      checkOrdered(state, path, text)
      return compare(path, is, operand(path, text, value))
    }
  const text =
    (is: "contains" | "startsWith") =>
    (path: string, text: string, { ignoreCase = false }: { readonly ignoreCase?: boolean } = {}): Filter => ({
      _tag: "Text",
      path: at(path),
      is,
      text,
      ignoreCase
    })
  const overlaps = (text: string, values: ReadonlyArray<unknown>): Filter => {
    const path = at(text)
    return { _tag: "Overlaps", path, values: values.map((value) => element(path, text, value)) }
  }
  const [gte, lte] = [ordered("gte"), ordered("lte")]
  return {
    eq,
    ne: (path, value) => not(eq(path, value)),
    gt: ordered("gt"),
    gte,
    lt: ordered("lt"),
    lte,
    between: (path, from, to) => ({ _tag: "And", filters: [gte(path, from), lte(path, to)] }),
    oneOf: (text, values) => {
      const path = at(text)
      return { _tag: "In", path, values: values.map((value) => operand(path, text, value)) }
    },
    contains: text("contains"),
    startsWith: text("startsWith"),
    isNull: (text) => nullAt(state, at(text)),
    includes: (path, value) => overlaps(path, [value]),
    overlaps,
    and: (...filters) => ({ _tag: "And", filters }),
    or: (...filters) => ({ _tag: "Or", filters }),
    not
  }
}

/** The filter of equalities: all of them hold. */
export const equalities = <State>(state: Schema.Codec<State, unknown>, values: object): Filter => {
  const { eq } = filters(state) as unknown as { readonly eq: (path: string, value: unknown) => Filter }
  const all = Object.entries(values).flatMap(([path, value]: [string, unknown]) =>
    value === undefined ? [] : [eq(path, value)]
  )
  return all.length === 1 ? all[0]! : { _tag: "And", filters: all }
}

const not = (filter: Filter): Filter => ({ _tag: "Not", filter })

const compare = (path: Path, is: "eq" | "gt" | "gte" | "lt" | "lte", value: Scalar): Filter => ({
  _tag: "Compare",
  path,
  is,
  value
})

const isScalar = Schema.is(Schema.Union([Schema.String, Schema.Number, Schema.Boolean]))

// The field's schema writes the operand. What the field itself could not hold, such as half a point where there are
// only whole ones, can still be compared with it.
const scalarOf = (codec: Schema.Codec<unknown, unknown>, path: string, value: unknown): Scalar => {
  const written = Result.getOrElse(Schema.encodeResult(codec)(value), () => value)
  if (!isScalar(written)) throw new Error(`the values of ${path} are not written as texts, numbers or truth values`)
  return written
}
