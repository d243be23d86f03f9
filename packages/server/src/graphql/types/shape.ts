/** What JSON looks like in GraphQL. A shape is plain data: types, conversions and filters are made of it. */
import type { Schema } from "effect"

/** The scalars that stand for single values. */
export type ScalarName = "String" | "SafeInt" | "Int" | "Float" | "Number" | "Boolean" | "BigInt" | "DateTime"

/** A single value. The texts that a schema makes of something else have no order of their own: they are opaque. */
interface ScalarShape {
  readonly kind: "scalar"
  readonly scalar: ScalarName
  readonly isOpaque: boolean
}

/** One value that is always the same. */
export interface ConstantShape {
  readonly kind: "constant"
  readonly scalar: "String" | "SafeInt" | "Float" | "Boolean"
  readonly value: string | number | boolean
}

/** One of several texts or numbers. */
export interface EnumShape {
  readonly kind: "enum"
  readonly name: string
  readonly values: ReadonlyArray<{ readonly name: string; readonly value: string | number }>
}

/** A list. */
interface ListShape {
  readonly kind: "list"
  readonly of: Slot
}

/** Values under keys: a list of entries in GraphQL. */
export interface RecordShape {
  readonly kind: "record"
  readonly name: string
  readonly of: Slot
}

/** An object. Its fields are there once the whole schema has been looked at. */
export interface StructShape {
  readonly kind: "struct"
  readonly name: string
  readonly fields: ReadonlyArray<FieldShape>
}

/** Objects of several kinds, which a field tells apart. */
export interface UnionShape {
  readonly kind: "union"
  readonly name: string
  readonly discriminator: string
  readonly members: ReadonlyArray<MemberShape>
}

/** One of the objects of a union. */
export interface MemberShape {
  readonly name: string
  readonly value: string
  readonly struct: StructShape
}

/** What GraphQL has no type for. */
interface JsonShape {
  readonly kind: "json"
}

/** What the JSON of a schema looks like. */
export type Shape =
  | ScalarShape
  | ConstantShape
  | EnumShape
  | ListShape
  | RecordShape
  | StructShape
  | UnionShape
  | JsonShape

/** A place for a value. `none` says how the JSON writes a missing value: it leaves it out, has null, or has a `None`. */
export interface Slot {
  readonly shape: Shape
  readonly none: "never" | "null" | "option"
}

/** A field of an object: its name in GraphQL, and its key in the JSON. */
export interface FieldShape extends Slot {
  readonly name: string
  readonly key: string
  /** Whether the key may be missing in the JSON. */
  readonly isOptional: boolean
  /** What a missing key stands for, if the schema fills it in. */
  readonly default: Schema.Json | undefined
}

/** The fields of an object that are not always the same: a constant tag needs no field. */
export const shownFields = ({ fields }: StructShape): ReadonlyArray<FieldShape> => fields.filter((each) => !isTag(each))

/** Whether a field is the constant tag of an object, which the name of the type says. */
export const isTag = ({ key, shape }: FieldShape): boolean => key === "_tag" && shape.kind === "constant"

/** What a shape is, as a text: two types of one name are the same if their texts are. */
export const formOf = (shape: Shape, above: ReadonlyArray<Shape> = []): string => {
  const place = above.indexOf(shape)
  if (place >= 0) return `^${above.length - place}`
  const inside = [...above, shape]
  const slot = ({ none, shape }: Slot) => `${formOf(shape, inside)}${none === "never" ? "" : `?${none}`}`
  switch (shape.kind) {
    case "scalar":
      return shape.scalar
    case "constant":
      return JSON.stringify(shape.value)
    case "enum":
      return `enum ${shape.name} ${JSON.stringify(shape.values)}`
    case "list":
      return `[${slot(shape.of)}]`
    case "record":
      return `record ${shape.name} ${slot(shape.of)}`
    case "struct":
      return `struct ${shape.name} {${shape.fields
        .map((each) => `${each.key}${each.isOptional ? "?" : ""}: ${slot(each)}`)
        .toSorted()
        .join(", ")}}`
    case "union":
      return `union ${shape.name} ${shape.discriminator} ${shape.members
        .map(({ struct, value }) => `${JSON.stringify(value)} ${formOf(struct, inside)}`)
        .toSorted()
        .join(" | ")}`
    case "json":
      return "JSON"
  }
}
