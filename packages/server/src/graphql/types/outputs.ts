/** The types of what is answered. */
import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLNullableOutputType,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
  GraphQLUnionType
} from "graphql"
import { besides, distinct, type TypeNames } from "./names.ts"
import { AnyJson, scalars } from "./scalars.ts"
import {
  type EnumShape,
  type FieldShape,
  formOf,
  type RecordShape,
  type Shape,
  shownFields,
  type Slot,
  type StructShape,
  type UnionShape
} from "./shape.ts"
import { type Entry, shownField } from "./values.ts"

/** Fields of an object type. */
export type Fields = Readonly<Record<string, GraphQLFieldConfig<unknown, unknown>>>

/** A type that cannot be null, unless the place says that nothing may be there. */
const orNothing = (type: GraphQLNullableOutputType, isNullable: boolean): GraphQLOutputType =>
  isNullable ? type : new GraphQLNonNull(type)

/** The types of what is answered. Each name stands for one of them. */
export class Outputs {
  readonly #names: TypeNames

  constructor(names: TypeNames) {
    this.#names = names
  }

  /** The type at a place. */
  at({ none, shape }: Slot, isNullable = false): GraphQLOutputType {
    return orNothing(this.of(shape), isNullable || none !== "never" || shape.kind === "json")
  }

  /** The type of a shape. */
  of(shape: Shape): GraphQLNullableOutputType {
    switch (shape.kind) {
      case "scalar":
      case "constant":
        return scalars[shape.scalar]
      case "enum":
        return this.enum(shape)
      case "list":
        return new GraphQLList(this.at(shape.of))
      case "record":
        return new GraphQLList(new GraphQLNonNull(this.#entry(shape)))
      case "struct":
        return this.struct(shape)
      case "union":
        return this.#union(shape)
      case "json":
        return AnyJson
    }
  }

  enum(shape: EnumShape): GraphQLEnumType {
    const { name, values } = shape
    return this.#names.claim(
      name,
      `the values ${values.map(({ value }) => String(value)).join(", ")}`,
      formOf(shape),
      () => enumType(name, values)
    )
  }

  struct(shape: StructShape): GraphQLObjectType {
    const { name } = shape
    return this.#names.claim(
      name,
      keysOf(shape),
      formOf(shape),
      () =>
        new GraphQLObjectType({
          name,
          fields: () => {
            const fields = this.beside(shape, [], (object) => object)
            return Object.keys(fields).length === 0 ? nothing : fields
          }
        })
    )
  }

  /** The fields of an object that is a part of what is resolved. They stand beside other fields, which keep their names. */
  beside(
    struct: StructShape,
    others: ReadonlyArray<string>,
    partOf: (source: unknown) => unknown,
    isShown: (field: FieldShape) => boolean = () => true
  ): Fields {
    const named = distinct(
      struct.name,
      shownFields(struct).filter(isShown),
      ({ name }) => besides(name, ...others),
      ({ key }) => `the field ${JSON.stringify(key)}`
    )
    return Object.fromEntries(
      Array.from(named, ([name, field]) => [
        name,
        {
          type: this.at(field, field.isOptional && field.default === undefined),
          ...(field.shape.kind === "constant" ? { description: `Always ${JSON.stringify(field.shape.value)}.` } : {}),
          resolve: (source: unknown) => shownField(field, partOf(source))
        }
      ])
    )
  }

  #union(shape: UnionShape): GraphQLUnionType {
    const { discriminator, members, name } = shape
    const kinds = new Map(members.map(({ struct, value }) => [value, struct.name]))
    return this.#names.claim(
      name,
      `the union of ${[...kinds.keys()].join(", ")}`,
      formOf(shape),
      () =>
        new GraphQLUnionType({
          name,
          types: () => members.map(({ struct }) => this.struct(struct)),
          resolveType: (value) => kinds.get((value as Readonly<Record<string, string>>)[discriminator]!)
        })
    )
  }

  #entry(shape: RecordShape): GraphQLObjectType {
    const name = `${shape.name}Entry`
    return this.#names.claim(
      name,
      `the entries of ${shape.name}`,
      formOf(shape),
      () =>
        new GraphQLObjectType<Entry>({
          name,
          fields: () => ({ key: { type: new GraphQLNonNull(GraphQLString) }, value: { type: this.at(shape.of) } })
        })
    )
  }
}

// GraphQL has no empty objects.
const nothing: Fields = { _: { type: GraphQLBoolean, description: "There is nothing here.", resolve: () => null } }

/** An enum of texts or numbers. A value whose text is no name says its text. */
export const enumType = (
  name: string,
  values: ReadonlyArray<{ readonly name: string; readonly value: unknown }>
): GraphQLEnumType =>
  new GraphQLEnumType({
    name,
    values: Object.fromEntries(
      values.map((each) => [
        each.name,
        { value: each.value, ...(each.name === each.value ? {} : { description: JSON.stringify(each.value) }) }
      ])
    )
  })

const keysOf = ({ fields }: StructShape): string =>
  `an object with ${fields.map(({ key }) => key).join(", ") || "no field"}`
