/**
 * Plans of operations. Most operations ask fields of the root for values, and for parts of these. A plan runs the answers of
 * the root one after another and copies the parts. Whatever is not so simple, and whatever goes wrong, is for graphql: it
 * executes the operation with the answers that are there already, so that nothing happens twice.
 */
import { Effect } from "effect"
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  getVariableValues,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode
} from "graphql"
import type { Operation, Services } from "../context.ts"
import { type Answer, answered, answerIn } from "./answering.ts"
import { Copies, type Copy, notPlain } from "./copying.ts"

/** How an operation is answered without graphql. */
export interface Plan {
  /** The data of the answer; undefined if graphql has to execute the operation, with the outcomes that are known then. */
  readonly run: (
    variables: Readonly<Record<string, unknown>>,
    operation: Operation
  ) => Effect.Effect<Readonly<Record<string, unknown>> | undefined, never, Services>
}

/** A field of the root, as it is planned: the name of the root's type, or something that is answered. */
type Planned = { readonly as: string } & ({ readonly name: string } | Answering)

interface Answering {
  readonly field: GraphQLField<unknown, unknown>
  readonly nodes: ReadonlyArray<FieldNode>
  readonly answer: Answer
  readonly copy: Copy
}

/** The plan of a valid operation; undefined if it needs graphql. */
export type Plans = (document: DocumentNode, operation: OperationDefinitionNode) => Plan | undefined

/** The plans of the operations on a schema. Each is made once, and forgotten with its document. */
export const plansOf = (schema: GraphQLSchema): Plans => {
  const known = new WeakMap<OperationDefinitionNode, { readonly plan: Plan | undefined }>()
  return (document, operation) => {
    const found = known.get(operation) ?? { plan: planOf(schema, document, operation) }
    known.set(operation, found)
    return found.plan
  }
}

const planOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode
): Plan | undefined => {
  const root = operation.operation === "subscription" ? undefined : schema.getRootType(operation.operation)
  if (root === undefined || root === null || (operation.directives?.length ?? 0) > 0) return undefined
  const fragments = Object.fromEntries(
    document.definitions.flatMap((each): ReadonlyArray<[string, FragmentDefinitionNode]> =>
      each.kind === "FragmentDefinition" ? [[each.name.value, each]] : []
    )
  )
  try {
    return planFor(schema, operation, fragments, plannedOf(schema, root, operation, fragments))
  } catch (thrown) {
    if (thrown === notPlain) return undefined
    throw thrown
  }
}

type Fragments = Readonly<Record<string, FragmentDefinitionNode>>

const plannedOf = (
  schema: GraphQLSchema,
  root: GraphQLObjectType,
  operation: OperationDefinitionNode,
  fragments: Fragments
): ReadonlyArray<Planned> => {
  const copies = new Copies(schema, fragments)
  return Array.from(copies.selected(root, [operation.selectionSet]), ([as, nodes]): Planned => {
    const name = nodes[0]!.name.value
    if (name === "__typename") return { as, name: root.name }
    const field = root.getFields()[name]
    const answer = field === undefined ? undefined : answerIn(field)
    if (field === undefined || answer === undefined) throw notPlain
    return { as, field, nodes, answer, copy: copies.of(field.type, nodes) }
  })
}

const planFor = (
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  fragments: Fragments,
  planned: ReadonlyArray<Planned>
): Plan => {
  // Queries that load could do so at the same time, but few operations have several.
  const run = Effect.fnUntraced(function* (variables: Readonly<Record<string, unknown>>, operation: Operation) {
    const { variableValues } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: 1 })
    if (variableValues === undefined) return undefined
    const data: Record<string, unknown> = {}
    for (const each of planned) {
      const { as } = each
      if ("name" in each) {
        data[as] = each.name
        continue
      }
      const { answer, copy, field, nodes } = each
      const args = tried(() => getArgumentValues(field, nodes[0]!, variableValues))
      if (args === undefined) return undefined
      const outcome = yield* answered(answer, args, operation, {
        fieldNodes: nodes,
        fragments,
        variableValues,
        isFixed: true
      })
      operation.outcomes.set(as, outcome)
      const copied = "error" in outcome ? undefined : tried(() => copy(outcome.value))
      if (copied === undefined) return undefined
      data[as] = copied
    }
    return data
  })
  return { run }
}

// What is thrown here is thrown again when graphql executes the operation, and it says it to the client.
const tried = <A>(attempt: () => A): A | undefined => {
  try {
    return attempt()
  } catch {
    return undefined
  }
}
