/** Reads queries that somebody else has sent: what one view can answer, within limits. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Aggregation, Filter, Groups, Order, Path, Query, Scalar } from "./data.ts"
import { elementsIn, fieldAt, codecOf, missingAt, pathOf } from "./fields.ts"
import { nullAt } from "./filters.ts"
import { isScalar } from "./evaluation.ts"
import { indexesOf, indexOf, noIndexFor } from "./indexes.ts"
import { disorderOf, kindsOf } from "./kinds.ts"
import { type Bounds, boundsOf, deepest, maxCursorLength, type AnyLimits } from "./limits.ts"
import { prepared } from "./prepare.ts"
import { type At, attempt, type Fields, objectAt, oneOf, optional, refuse, truth } from "./refusals.ts"

/** What is known of a view whose queries are read. */
export interface Asked {
  readonly name: string
  readonly schemas: { readonly state: Schema.Codec<unknown, unknown> }
  readonly indexes?: ReadonlyArray<string | ReadonlyArray<string>>
}

/** The readers for one view under limits. */
const readers = (view: Asked, limits: AnyLimits) => {
  const bounds: Bounds = boundsOf(limits)
  const { state } = view.schemas
  const { fields = "indexed" } = limits
  const unnamed = (limits.unnamed ?? []).map((name) => pathOf(view.schemas.state, name))
  const allowed: ReadonlyArray<Path> | undefined =
    fields === "all"
      ? undefined
      : fields === "indexed"
        ? indexesOf(view).flat()
        : fields.map((path) => pathOf(state, path))

  const reading = () => {
    let operands = 0
    const count = (at: At, more = 1) => {
      operands += more
      if (operands > bounds.maxOperands) refuse(at, `more than ${bounds.maxOperands} filters, operands and fields`)
    }

    const list = (value: unknown, at: At): ReadonlyArray<unknown> => {
      if (!Array.isArray(value)) return refuse(at, "expected an array")
      count(at, value.length)
      return value
    }

    const text = (value: unknown, at: At, most: number): string => {
      if (typeof value !== "string") return refuse(at, "expected a text")
      if (value.length > most) return refuse(at, `a text with more than ${most} characters`)
      return value.isWellFormed() ? value : refuse(at, "half of a surrogate pair")
    }

    const path = (value: unknown, at: At): Path => {
      if (!Array.isArray(value) || value.length === 0) return refuse(at, "expected the names of a field")
      if (value.length > bounds.maxNames) return refuse(at, `more than ${bounds.maxNames} names`)
      const names = value.map((name, i) => text(name, [...at, i], bounds.maxNameLength))
      const missing = Result.try({
        try: () => missingAt(state, names),
        catch: (error) => (error instanceof Error ? error.message : String(error))
      })
      return Result.isFailure(missing) ? refuse(at, missing.failure) : names
    }

    // The schemas of a field that may be asked for.
    const field = (value: unknown, at: At) => {
      const names = path(value, at)
      const asts = fieldAt(state, names)
      if (asts.length === 0) return refuse(at, `the view ${view.name} has no field ${names.join(".")}`)
      const isAllowed = allowed === undefined || allowed.some((each) => each.every((name, i) => name === names[i]))
      return isAllowed ? { asts, path: names } : refuse(at, `the field ${names.join(".")} may not be asked for`)
    }

    const comparable = (value: unknown, at: At) => {
      const { asts, path } = field(value, at)
      if (asts.every((ast) => !hasScalars(kindsOf(ast))))
        refuse(at, `the field ${path.join(".")} has no values to compare`)
      return { asts, path }
    }

    const ordered = (value: unknown, at: At) => {
      const { asts, path } = comparable(value, at)
      for (const ast of asts) {
        const { json, values } = kindsOf(ast)
        const problem = disorderOf(ast)
        if (problem !== undefined) refuse(at, problem.replace("$", path.join(".")))
        if (values.has("opaque") && !values.has("any") && json.has("string")) {
          refuse(at, `the field ${path.join(".")} has no order`)
        }
      }
      return { asts, path }
    }

    // The operand as the schema writes it. A number may also be one that the field itself could not hold.
    const operand = (value: unknown, at: At, asts: ReadonlyArray<Parameters<typeof kindsOf>[0]>): Scalar => {
      if (!isScalar(value as Schema.Json)) return refuse(at, "expected a text, a number or a truth value")
      const given = value as Scalar
      if (typeof given === "string") text(given, at, bounds.maxTextLength)
      const codec = codecOf(asts)
      const decoded = Schema.decodeUnknownResult(codec)(given)
      const written = Result.isSuccess(decoded) ? Schema.encodeResult(codec)(decoded.success) : decoded
      if (Result.isSuccess(written) && isScalar(written.success)) return written.success
      const isNumber =
        typeof given === "number" && Number.isFinite(given) && asts.some((ast) => kindsOf(ast).json.has("number"))
      return isNumber ? given : refuse(at, "the field cannot have this value")
    }

    const values = (value: unknown, at: At, asts: ReadonlyArray<Parameters<typeof kindsOf>[0]>) =>
      list(value, at).map((each, i) => operand(each, [...at, i], asts))

    // The filters of a list are counted with it.
    const filter = (value: unknown, at: At, depth = 0): Filter => {
      if (depth > deepest) return refuse(at, `nested deeper than ${deepest}`)
      const tag = oneOf(
        typeof value === "object" && value !== null ? (value as Fields)["_tag"] : undefined,
        [...at, "_tag"],
        ["Compare", "In", "Overlaps", "Text", "IsNull", "And", "Or", "Not"] as const
      )
      const of = (...names: ReadonlyArray<string>) => objectAt(value, at, ["_tag", ...names])
      const key = (name: string) => [...at, name]
      switch (tag) {
        case "And":
        case "Or":
          return {
            _tag: tag,
            filters: list(of("filters")["filters"], key("filters")).map((each, i) =>
              filter(each, [...at, "filters", i], depth + 1)
            )
          }
        case "Not":
          count(at)
          return { _tag: tag, filter: filter(of("filter")["filter"], key("filter"), depth + 1) }
        case "IsNull":
          return nullAt(state, field(of("path")["path"], key("path")).path)
        case "Compare": {
          const { is, path, value: given } = of("path", "is", "value")
          const operator = oneOf(is, key("is"), ["eq", "gt", "gte", "lt", "lte"] as const)
          const found = operator === "eq" ? comparable(path, key("path")) : ordered(path, key("path"))
          return { _tag: tag, path: found.path, is: operator, value: operand(given, key("value"), found.asts) }
        }
        case "In": {
          const { path, values: given } = of("path", "values")
          const found = comparable(path, key("path"))
          return { _tag: tag, path: found.path, values: values(given, key("values"), found.asts) }
        }
        case "Overlaps": {
          const { path, values: given } = of("path", "values")
          const found = field(path, key("path"))
          const elements = elementsIn(found.asts)
          if (elements.length === 0) refuse(key("path"), `the field ${found.path.join(".")} is not a list`)
          return { _tag: tag, path: found.path, values: values(given, key("values"), elements) }
        }
        case "Text": {
          const { ignoreCase = false, is, path, text: given } = of("path", "is", "text", "ignoreCase")
          const found = field(path, key("path"))
          if (!found.asts.some((ast) => isText(kindsOf(ast)))) {
            refuse(key("path"), `the field ${found.path.join(".")} is not a text`)
          }
          return {
            _tag: tag,
            path: found.path,
            is: oneOf(is, key("is"), ["contains", "startsWith"] as const),
            text: text(given, key("text"), bounds.maxTextLength),
            ignoreCase: truth(ignoreCase, key("ignoreCase"))
          }
        }
      }
    }

    const order = (value: unknown, at: At): Order => {
      const { direction, ignoreCase, nulls, path } = objectAt(value, at, ["path", "direction", "nulls", "ignoreCase"])
      return {
        path: ordered(path, [...at, "path"]).path,
        direction: oneOf(direction, [...at, "direction"], ["asc", "desc"]),
        ...(nulls === undefined ? {} : { nulls: oneOf(nulls, [...at, "nulls"], ["first", "last"]) }),
        ...(ignoreCase === undefined ? {} : { ignoreCase: truth(ignoreCase, [...at, "ignoreCase"]) })
      }
    }

    const limit = (value: unknown): number => {
      if (value === undefined) return bounds.defaultLimit
      const isLimit = typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= bounds.maxLimit
      return isLimit ? value : refuse(["limit"], `expected a whole number from 1 to ${bounds.maxLimit}`)
    }

    const aggregation = (value: unknown, at: At): Aggregation => {
      const { _tag, path } = objectAt(value, at, ["_tag", "path"])
      const tag = oneOf(_tag, [...at, "_tag"], ["count", "sum", "avg", "min", "max"] as const)
      if (tag === "count") return { _tag: tag }
      const found = ordered(path, [...at, "path"])
      const needsNumber = tag === "sum" || tag === "avg"
      if (needsNumber && !found.asts.some((ast) => isNumber(kindsOf(ast)))) {
        refuse([...at, "path"], `the field ${found.path.join(".")} is not a number`)
      }
      return { _tag: tag, path: found.path }
    }

    return { aggregation, comparable, count, filter, limit, list, order, path, text }
  }

  const head = (asked: Fields, tag: string) => {
    oneOf(asked["_tag"], ["_tag"], [tag])
    oneOf(asked["view"], ["view"], [view.name])
  }

  const records = (value: unknown): Query => {
    const read = reading()
    const names = ["_tag", "view", "where", "orderBy", "limit", "after", "select", "total"]
    const asked = objectAt(value, [], names)
    head(asked, "Records")
    const where = optional(asked["where"], (given) => read.filter(given, ["where"]))
    const select = optional(asked["select"], (given) => {
      const paths = read.list(given, ["select"]).map((each, i) => read.path(each, ["select", i]))
      return paths.length === 0 ? refuse(["select"], "expected at least one field") : paths
    })
    const total = optional(asked["total"], (given) => truth(given, ["total"]))
    const query: Query = {
      _tag: "Records",
      view: view.name,
      ...(where === undefined ? {} : { where }),
      orderBy: read.list(asked["orderBy"] ?? [], ["orderBy"]).map((each, i) => read.order(each, ["orderBy", i])),
      limit: read.limit(asked["limit"]),
      ...(asked["after"] === undefined ? {} : { after: read.text(asked["after"], ["after"], maxCursorLength) }),
      ...(select === undefined ? {} : { select }),
      ...(total === undefined ? {} : { total }),
      timeout: bounds.timeout
    }
    if (bounds.scan) return query
    if (total === true) return refuse(["total"], "a total looks at all records, which the limits do not allow")
    if (indexOf(view, prepared(view, query)) === undefined) {
      refuse([where === undefined ? "orderBy" : "where"], noIndexFor(view, allowed, unnamed))
    }
    return query
  }

  const groups = (value: unknown): Groups => {
    const read = reading()
    const asked = objectAt(value, [], ["_tag", "view", "where", "by", "values", "limit"])
    head(asked, "Groups")
    if (!bounds.scan) refuse(["by"], "groups look at all records, which the limits do not allow")
    const where = optional(asked["where"], (given) => read.filter(given, ["where"]))
    const given = asked["values"]
    const named =
      typeof given === "object" && given !== null ? Object.entries(given) : refuse(["values"], "expected an object")
    read.count(["values"], named.length)
    return {
      _tag: "Groups",
      view: view.name,
      ...(where === undefined ? {} : { where }),
      by: read.list(asked["by"] ?? [], ["by"]).map((each, i) => read.comparable(each, ["by", i]).path),
      values: Object.fromEntries(
        named.map(([name, each]) => [
          read.text(name, ["values"], bounds.maxNameLength),
          read.aggregation(each, ["values", name.slice(0, bounds.maxNameLength)])
        ])
      ),
      limit: read.limit(asked["limit"]),
      timeout: bounds.timeout
    }
  }

  return {
    records: (value: unknown) => attempt(() => records(value)),
    groups: (value: unknown) => attempt(() => groups(value))
  }
}

type Kinds = ReturnType<typeof kindsOf>

const hasScalars = ({ json, values }: Kinds): boolean =>
  values.has("any") ||
  ["string", "number", "boolean", "bigint", "time"].some((kind) => values.has(kind as never)) ||
  // What a class of its own writes as a text can be compared with such a text.
  (values.has("opaque") && (json.has("string") || json.has("number") || json.has("any")))

const isText = ({ json, values }: Kinds): boolean => values.has("any") || (values.has("string") && json.has("string"))

const isNumber = ({ json, values }: Kinds): boolean => values.has("any") || (values.has("number") && json.has("number"))

/** Reads a query for records of a view. Throws an `Error` for limits that make no sense. */
export const recordsReader = (view: Asked, limits: AnyLimits) => readers(view, limits).records

/** Reads a query for groups of records of a view. */
export const groupsReader = (view: Asked, limits: AnyLimits) => readers(view, limits).groups
