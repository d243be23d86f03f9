/**
 * What an operation may cost. It is worked out before anything else looks at the document, in time that grows with the
 * document alone: each fragment is looked at once, however often it is spread.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode
} from "graphql"

/** The limits of operations. */
export interface Limits {
  /** How deep fields may be nested. 12 by default. */
  readonly maxDepth: number
  /** The most fields that may be answered: those below a page count for each of its records. 5,000 by default. */
  readonly maxCost: number
  /** The most tokens of a document. 2,000 by default. */
  readonly maxTokens: number
}

interface Weight {
  readonly depth: number
  readonly cost: number
}

const nothing: Weight = { depth: 0, cost: 0 }

/** Says what is too much about an operation, or undefined. */
export const excessOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  { maxCost, maxDepth }: Pick<Limits, "maxCost" | "maxDepth">
): string | undefined => {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === "FragmentDefinition") fragments.set(definition.name.value, definition)
  }
  const weights = new Map<string, Weight | "open">()
  const defaults = new Map(
    (operation.variableDefinitions ?? []).map(({ defaultValue, variable }) => [variable.name.value, defaultValue])
  )
  let circle: string | undefined

  const ofSet = (set: SelectionSetNode, type: GraphQLNamedType | undefined): Weight => {
    let depth = 0
    let cost = 0
    for (const selection of set.selections) {
      const weight =
        selection.kind === "Field"
          ? ofField(selection, type)
          : selection.kind === "InlineFragment"
            ? ofSet(selection.selectionSet, typeNamed(selection.typeCondition?.name.value) ?? type)
            : ofFragment(selection.name.value)
      depth = Math.max(depth, weight.depth)
      cost = Math.min(cost + weight.cost, Number.MAX_SAFE_INTEGER)
    }
    return { depth, cost }
  }

  const ofFragment = (name: string): Weight => {
    const known = weights.get(name)
    if (known === "open") {
      circle = name
      return nothing
    }
    if (known !== undefined) return known
    const fragment = fragments.get(name)
    if (fragment === undefined) return nothing
    weights.set(name, "open")
    const weight = ofSet(fragment.selectionSet, typeNamed(fragment.typeCondition.name.value))
    weights.set(name, weight)
    return weight
  }

  const ofField = (node: FieldNode, type: GraphQLNamedType | undefined): Weight => {
    const name = node.name.value
    // The schema itself has a rule of its own, and its depth and size do not depend on data.
    if (name.startsWith("__")) return { depth: 1, cost: node.selectionSet === undefined ? 0 : 1 }
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
    const inner =
      node.selectionSet === undefined
        ? nothing
        : ofSet(node.selectionSet, field === undefined ? undefined : getNamedType(field.type))
    const first = field?.args.find((each) => each.name === "first")
    const pages =
      first === undefined
        ? 1
        : (numberOf(node.arguments?.find((each) => each.name.value === "first")?.value) ??
          (first.default?.value as number | undefined) ??
          1)
    return { depth: inner.depth + 1, cost: 1 + inner.cost * Math.max(1, pages) }
  }

  const typeNamed = (name: string | undefined) => (name === undefined ? undefined : schema.getType(name))

  const numberOf = (value: ValueNode | undefined): number | undefined => {
    if (value?.kind === "IntValue") return Number(value.value)
    if (value?.kind !== "Variable") return undefined
    const name = value.name.value
    const given = Object.hasOwn(variables, name) ? variables[name] : undefined
    return typeof given === "number" ? given : numberOf(defaults.get(name))
  }

  const { cost, depth } = ofSet(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined)
  if (circle !== undefined) return `the fragment ${circle} contains itself`
  if (depth > maxDepth) return `the operation is nested ${depth} deep, and ${maxDepth} are allowed`
  return cost > maxCost ? `the operation costs ${cost}, and ${maxCost} are allowed` : undefined
}

/** Whether JSON is nested deeper than a number of levels. */
export const isDeeper = (value: unknown, most: number): boolean => {
  const open: Array<readonly [value: unknown, depth: number]> = [[value, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [each, depth] = next
    if (typeof each !== "object" || each === null) continue
    if (depth === most) return true
    for (const inner of Object.values(each)) open.push([inner, depth + 1])
  }
  return false
}
