/** The types of what is sent. */
import {
  GraphQLBoolean,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLNullableInputType,
  GraphQLString
} from "graphql"
import type { TypeNames } from "./names.ts"
import type { Outputs } from "./outputs.ts"
import { AnyJson, scalars } from "./scalars.ts"
import { formOf, type RecordShape, type Shape, type Slot, type StructShape, type UnionShape } from "./shape.ts"
import { sentFields } from "./values.ts"

type InputFields = Record<string, GraphQLInputFieldConfig>

/** The types of what is sent. Enums are those of what is answered. */
export class Inputs {
  readonly #names: TypeNames
  readonly #outputs: Outputs

  constructor(names: TypeNames, outputs: Outputs) {
    this.#names = names
    this.#outputs = outputs
  }

  /** The type at a place. */
  at({ none, shape }: Slot, isOptional = false): GraphQLInputType {
    const type = this.of(shape)
    return isOptional || none !== "never" || shape.kind === "json" ? type : new GraphQLNonNull(type)
  }

  /** The type of a shape. */
  of(shape: Shape): GraphQLNullableInputType {
    switch (shape.kind) {
      case "scalar":
      case "constant":
        return scalars[shape.scalar]
      case "enum":
        return this.#outputs.enum(shape)
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

  struct(shape: StructShape): GraphQLInputObjectType {
    return this.#claim(`${shape.name}Input`, shape, () => {
      const fields = sentFields(shape)
      // GraphQL has no empty objects.
      if (fields.length === 0) return { _: { type: GraphQLBoolean, description: "There is nothing to send." } }
      return Object.fromEntries(fields.map((field) => [field.name, { type: this.at(field, field.isOptional) }]))
    })
  }

  #union(shape: UnionShape): GraphQLInputObjectType {
    return this.#claim(
      `${shape.name}Input`,
      shape,
      () => Object.fromEntries(shape.members.map(({ name, struct }) => [name, { type: this.struct(struct) }])),
      true
    )
  }

  #entry(shape: RecordShape): GraphQLInputObjectType {
    return this.#claim(`${shape.name}EntryInput`, shape, () => ({
      key: { type: new GraphQLNonNull(GraphQLString) },
      value: { type: this.at(shape.of) }
    }))
  }

  #claim(name: string, shape: Shape, fields: () => InputFields, isOneOf = false): GraphQLInputObjectType {
    return this.#names.claim(
      name,
      `what is sent as ${name}`,
      `input ${formOf(shape)}`,
      () => new GraphQLInputObjectType({ name, fields, isOneOf })
    )
  }
}
