/** The fields of the root that answer with an effect: graphql can resolve them, and a plan can run them. */
import { Effect } from "effect"
import type { FieldNode, GraphQLField, GraphQLFieldConfig } from "graphql"
import { type Operation, type Outcome, outcomeOf, type Services, valueIn } from "../context.ts"
import type { Selecting } from "../documents/selection.ts"

/** What is selected of a field. */
export interface Asked extends Selecting {
  readonly fieldNodes: ReadonlyArray<FieldNode>
  /** Whether nothing below these nodes depends on variables, and they are the same array in each operation of a plan. */
  readonly isFixed?: true
}

/** The answer of a field of the root. What it throws is a failure of it. */
export type RootAnswer = (
  args: unknown,
  operation: Operation,
  asked: Asked
) => Effect.Effect<unknown, unknown, Services>

const answers = new WeakMap<object, RootAnswer>()

/** A field of the root with its answer. */
export const withAnswer = (
  config: Omit<GraphQLFieldConfig<unknown, unknown>, "resolve">,
  answer: RootAnswer
): GraphQLFieldConfig<unknown, unknown> => {
  const resolve: GraphQLFieldConfig<unknown, unknown>["resolve"] = async (_, args, context, info) => {
    const operation = context as Operation
    const known = operation.outcomes.get(String(info.path.key))
    return known === undefined ? operation.run(asking(answer, args, operation, info)) : valueIn(known)
  }
  answers.set(resolve, answer)
  return { ...config, resolve }
}

/** The answer of a field, if it has one. */
export const answerIn = ({ resolve }: GraphQLField<unknown, unknown>): RootAnswer | undefined =>
  resolve === undefined ? undefined : answers.get(resolve)

/** What an answer comes to, or its error for the client. */
export const outcomeOfAnswer = (
  answer: RootAnswer,
  args: unknown,
  operation: Operation,
  asked: Asked
): Effect.Effect<Outcome, never, Services> => outcomeOf(asking(answer, args, operation, asked))

const asking = (
  answer: RootAnswer,
  args: unknown,
  operation: Operation,
  asked: Asked
): Effect.Effect<unknown, unknown, Services> => {
  try {
    return answer(args, operation, asked)
  } catch (thrown) {
    return Effect.fail(thrown)
  }
}
