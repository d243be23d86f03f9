/** What an operation selects. */
import type { Query } from "@hexfold/core"
import {
  type FieldNode,
  getDirectiveValues,
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  type SelectionNode,
  type SelectionSetNode
} from "graphql"
import type { FieldShape, Shape, StructShape } from "../types/shape.ts"

/** The parts of an operation that say what is selected. */
export type Selecting = Pick<GraphQLResolveInfo, "fragments" | "variableValues">

/** The fields that are selected below some fields, by their names and not by their aliases, whatever type they are of. */
export const selectedBelow = (
  nodes: ReadonlyArray<FieldNode>,
  info: Selecting
): ReadonlyMap<string, ReadonlyArray<FieldNode>> => {
  const fields = new Map<string, Array<FieldNode>>()
  const seen = new Set<string>()
  const collect = (set: SelectionSetNode | undefined): void => {
    for (const selection of set?.selections ?? []) {
      if (!isIncluded(selection, info)) continue
      if (selection.kind === "Field") {
        const name = selection.name.value
        const known = fields.get(name)
        if (known === undefined) fields.set(name, [selection])
        else known.push(selection)
      } else if (selection.kind === "InlineFragment") collect(selection.selectionSet)
      else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value)
        collect(info.fragments[selection.name.value]?.selectionSet)
      }
    }
  }
  for (const { selectionSet } of nodes) collect(selectionSet)
  return fields
}

const isIncluded = (node: SelectionNode, { variableValues }: Selecting): boolean =>
  getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.["if"] !== true &&
  getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.["if"] !== false

/** The fields of a state that are selected. */
export interface Wanted {
  /** The paths that the operation names. */
  readonly paths: ReadonlyArray<Query.Path>
  /** The paths that must be read for them: what may be of several kinds is read as a whole. */
  readonly read: ReadonlyArray<Query.Path>
}

/** The paths below a field that are selected. */
export const wantedOf = (
  field: FieldShape,
  nodes: ReadonlyArray<FieldNode>,
  info: Selecting,
  before: Query.Path = []
): Wanted => {
  const path = [...before, field.key]
  const { none, shape } = field
  const fields = fieldsOf(shape)
  if (fields.length === 0) return { paths: [path], read: [path] }
  const inside = none === "option" ? [...path, "value"] : path
  const selected = selectedBelow(nodes, info)
  const found = fields.flatMap((each) => {
    const chosen = selected.get(each.name)
    return chosen === undefined ? [] : [wantedOf(each, chosen, info, inside)]
  })
  const isWhole = shape.kind !== "struct" || none === "option" || found.length === 0
  return {
    paths: [path, ...found.flatMap(({ paths }) => paths)],
    read: isWhole ? [path] : found.flatMap(({ read }) => read)
  }
}

const fieldsOf = (shape: Shape): StructShape["fields"] =>
  shape.kind === "struct"
    ? shape.fields
    : shape.kind === "union"
      ? shape.members.flatMap(({ struct }) => struct.fields)
      : []
