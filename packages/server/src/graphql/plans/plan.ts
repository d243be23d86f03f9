/**
 * Plans of operations. Most operations ask fields of the root for values, and for parts of these. A plan runs the answers of
 * the root, those of a mutation one after another, and copies the parts. Whatever is not so simple, and whatever goes wrong,
 * is for graphql: it executes the operation with the answers that are there already, so that nothing happens twice.
 */
import { Effect } from "effect"
import {
  BREAK,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  getVariableValues,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type VariableValues,
  visit
} from "graphql"
import type { Operation, Services } from "../context.ts"
import { answerIn, outcomeOfAnswer, type RootAnswer } from "./answering.ts"
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
type Planned = { readonly as: string } & ({ readonly typename: string } | Answering)

interface Answering {
  readonly field: GraphQLField<unknown, unknown>
  readonly nodes: ReadonlyArray<FieldNode>
  readonly answer: RootAnswer
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
  if (root === undefined || root === null || hasDirectives(document)) return undefined
  const fragments = Object.fromEntries(
    document.definitions.flatMap((each): ReadonlyArray<[string, FragmentDefinitionNode]> =>
      each.kind === "FragmentDefinition" ? [[each.name.value, each]] : []
    )
  )
  try {
    // As many fields as the text can name, so that what is remembered grows with the texts.
    const copies = new Copies(schema, fragments, (document.loc?.source.body.length ?? 0) / 4)
    return planFor(schema, operation, fragments, plannedOf(copies, root, operation))
  } catch (thrown) {
    if (thrown === notPlain) return undefined
    throw thrown
  }
}

type Fragments = Readonly<Record<string, FragmentDefinitionNode>>

const plannedOf = (
  copies: Copies,
  root: GraphQLObjectType,
  operation: OperationDefinitionNode
): ReadonlyArray<Planned> =>
  Array.from(copies.selected(root, [operation.selectionSet]), ([as, nodes]): Planned => {
    const name = nodes[0]!.name.value
    if (name === "__typename") return { as, typename: root.name }
    const field = root.getFields()[name]
    const answer = field === undefined ? undefined : answerIn(field)
    if (field === undefined || answer === undefined) throw notPlain
    return { as, field, nodes, answer, copy: copies.of(field.type, nodes) }
  })

// What a directive lets through depends on variables.
const hasDirectives = (document: DocumentNode): boolean => {
  let found = false
  visit(document, {
    Directive: () => {
      found = true
      return BREAK
    }
  })
  return found
}

const planFor = (
  schema: GraphQLSchema,
  { operation: kind, variableDefinitions = [] }: OperationDefinitionNode,
  fragments: Fragments,
  planned: ReadonlyArray<Planned>
): Plan => {
  /** What a field has in the data; undefined if graphql has to say it. */
  const valueOf = Effect.fnUntraced(function* (each: Planned, variableValues: VariableValues, operation: Operation) {
    if ("typename" in each) return each.typename
    const { answer, as, copy, field, nodes } = each
    const args = tried(() => getArgumentValues(field, nodes[0]!, variableValues))
    if (args === undefined) return undefined
    const asked = { fieldNodes: nodes, fragments, variableValues, isFixed: true } as const
    const outcome = yield* outcomeOfAnswer(answer, args, operation, asked)
    operation.outcomes.set(as, outcome)
    return "error" in outcome ? undefined : tried(() => copy(outcome.value))
  })

  const run = (variables: Readonly<Record<string, unknown>>, operation: Operation) =>
    Effect.suspend(() => {
      const { variableValues } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: 1 })
      if (variableValues === undefined) return nothing
      const answer = (each: Planned) => valueOf(each, variableValues, operation)
      // As in graphql, the fields of a query are answered at the same time, and those of a mutation one after another.
      const answers =
        kind === "query" && planned.length > 1
          ? Effect.forEach(planned, answer, { concurrency: "unbounded" })
          : inSeries(planned, answer)
      return Effect.map(answers, (values) =>
        values.length < planned.length || values.includes(undefined)
          ? undefined
          : Object.fromEntries(planned.map(({ as }, i) => [as, values[i]]))
      )
    })
  return { run }
}

const nothing = Effect.succeed(undefined)

// A mutation that has failed may keep graphql from the next one, so a plan does not go on either.
const inSeries = Effect.fnUntraced(function* <R>(
  planned: ReadonlyArray<Planned>,
  valueOf: (each: Planned) => Effect.Effect<unknown, never, R>
) {
  const values: Array<unknown> = []
  for (const each of planned) {
    const value = yield* valueOf(each)
    if (value === undefined) return values
    values.push(value)
  }
  return values
})

// What is thrown here is thrown again when graphql executes the operation, and the client hears it from there.
const tried = <A>(attempt: () => A): A | undefined => {
  try {
    return attempt()
  } catch {
    return undefined
  }
}
