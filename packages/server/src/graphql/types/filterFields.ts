/** The fields of a view's state that a query can ask for, as far as its limits allow. */
import type { Query } from "@hexfold/core"
import { besides, distinct, upperFirst } from "./names.ts"
import { type EnumShape, formOf, type ScalarName, type Shape, type Slot, type StructShape } from "./shape.ts"

/** A field with values that are compared. */
export interface FilterLeaf {
  readonly kind: "leaf"
  readonly name: string
  /** The path to what may be null. */
  readonly path: Query.Path
  /** The path to the values: in an `Option` they are one step further. */
  readonly values: Query.Path
  readonly of: ScalarName | EnumShape
  readonly isList: boolean
  /** Whether the values have an order. */
  readonly isOrdered: boolean
  readonly isOpaque: boolean
}

/** A field with fields. */
export interface FilterGroup {
  readonly kind: "group"
  readonly name: string
  /** The name of the type of its filter, without `Filter`. */
  readonly typeName: string
  readonly path: Query.Path
  readonly isNullable: boolean
  readonly fields: ReadonlyArray<FilterField>
}

/** A field that a query can ask for. */
export type FilterField = FilterLeaf | FilterGroup

/** Which paths a query may ask for. */
export type Allowed = (path: Query.Path) => boolean

/** The fields of a state, below a path. */
export const fieldsIn = (
  shape: Shape,
  typeName: string,
  isAllowed: Allowed,
  path: Query.Path = [],
  reserved: ReadonlyArray<string> = ["and", "or", "not"]
): ReadonlyArray<FilterField> => {
  const fields = membersOf(shape).flatMap((field) => {
    const name = besides(field.name, ...reserved)
    const at = { name, typeName: `${typeName}${upperFirst(field.key)}`, path: [...path, field.key] }
    const found = fieldAt(field, at, isAllowed)
    return found === undefined ? [] : [found]
  })
  distinct(
    `the filter of ${typeName}`,
    fields,
    ({ name }) => name,
    (field) => `the field ${field.path.join(".")}`
  )
  return fields
}

interface Place {
  readonly name: string
  readonly typeName: string
  readonly path: Query.Path
}

const fieldAt = (
  { none, shape }: Slot,
  { name, path, typeName }: Place,
  isAllowed: Allowed
): FilterField | undefined => {
  const values = none === "option" ? [...path, "value"] : path
  const leaf = (of: FilterLeaf["of"], isOpaque: boolean, isList = false): FilterLeaf | undefined =>
    isAllowed(values)
      ? {
          kind: "leaf",
          name,
          path,
          values,
          of,
          isList,
          isOpaque,
          isOrdered: !isList && !isOpaque && of !== "BigInt"
        }
      : undefined
  switch (shape.kind) {
    case "scalar":
      return leaf(shape.scalar, shape.isOpaque)
    case "constant":
      return leaf(shape.scalar, true)
    case "enum":
      return leaf(shape, false)
    case "list":
      return listAt(shape.of, leaf)
    case "struct":
    case "union": {
      const fields = fieldsIn(shape, typeName, isAllowed, values, ["isNull"])
      return fields.length === 0
        ? undefined
        : { kind: "group", name, typeName, path, isNullable: none !== "never", fields }
    }
    default:
      return undefined
  }
}

const listAt = (
  { none, shape }: Slot,
  leaf: (of: FilterLeaf["of"], isOpaque: boolean, isList: boolean) => FilterLeaf | undefined
): FilterLeaf | undefined => {
  if (none === "option") return undefined
  if (shape.kind === "scalar" || shape.kind === "constant") return leaf(shape.scalar, false, true)
  return shape.kind === "enum" ? leaf(shape, false, true) : undefined
}

// Of a union these are the fields that mean the same in all members that have them.
const membersOf = (shape: Shape): StructShape["fields"] => {
  if (shape.kind === "struct")
    return shape.fields.filter(({ key, shape }) => key !== "_tag" || shape.kind !== "constant")
  if (shape.kind !== "union") return []
  const all = shape.members.flatMap(({ struct }) => struct.fields)
  const form = (slot: Slot) => (slot.shape.kind === "constant" ? slot.shape.scalar : formOf(slot.shape)) + slot.none
  return all.filter(
    (field, i) =>
      all.findIndex(({ key }) => key === field.key) === i &&
      all.every((each) => each.key !== field.key || form(each) === form(field))
  )
}

/** The fields that order records, with their names. */
export const orderedIn = (fields: ReadonlyArray<FilterField>, before = ""): ReadonlyArray<OrderedField> =>
  fields.flatMap((field): ReadonlyArray<OrderedField> => {
    const name = `${before}${field.name}`
    if (field.kind === "group") return orderedIn(field.fields, `${name}_`)
    return field.isOrdered ? [{ name, path: field.values }] : []
  })

/** The fields with single values, by which records are grouped, with names as for orders. */
export const comparedIn = (fields: ReadonlyArray<FilterField>, before = ""): ReadonlyArray<ComparedField> =>
  fields.flatMap((field): ReadonlyArray<ComparedField> => {
    const name = `${before}${field.name}`
    if (field.kind === "group") return comparedIn(field.fields, `${name}_`)
    const { isList, isOrdered, of, values } = field
    const isNumber = of === "SafeInt" || of === "Int" || of === "Float" || of === "Number"
    return isList ? [] : [{ name, path: values, of, isOrdered, isNumber }]
  })

/** A field with single values. */
export interface ComparedField extends OrderedField {
  readonly of: FilterLeaf["of"]
  readonly isOrdered: boolean
  readonly isNumber: boolean
}

/** A field that orders records. */
export interface OrderedField {
  readonly name: string
  readonly path: Query.Path
}
