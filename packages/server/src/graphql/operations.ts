/** Operations as every transport executes them: read, limited, checked, executed, and answered without the inside. */
import type { Api, Policy } from "@hexfold/core"
import { type Context, type DateTime, Effect, Stream } from "effect"
import {
  type DocumentNode,
  executeRootSelectionSet,
  executeSubscriptionEvent,
  type ExecutionResult,
  type FormattedExecutionResult,
  getOperationAST,
  GraphQLError,
  createSourceEventStream,
  type GraphQLSchema,
  type OperationTypeNode,
  type ValidatedSubscriptionArgs,
  validateExecutionArgs,
  validateSubscriptionArgs
} from "graphql"
import { withLast } from "../web/liveStreams.ts"
import { failedWith, type Live, type Operation, operationOf, type Services } from "./context.ts"
import { Documents, type Named } from "./documents/documents.ts"
import { excessOf, isDeeper, type Limits } from "./documents/limits.ts"
import { asInput, errorWith, presented } from "./errors.ts"
import { describedOf } from "./schema.ts"
import type { Options } from "./documents/options.ts"
import { type Plan, plansOf, type Plans } from "./plans/plan.ts"
import { isGiven } from "./types/values.ts"

/** What a client sends. */
export interface Request extends Named {
  readonly operationName?: string
  readonly variables?: Readonly<Record<string, unknown>>
}

/** Who sends it. */
interface Sender {
  readonly caller: Policy.Caller | undefined
  readonly until: DateTime.Utc | undefined
  readonly correlationId: string | undefined
}

/** An operation that may be executed. */
export interface Prepared {
  readonly kind: OperationTypeNode
  readonly document: DocumentNode
  readonly operationName: string | undefined
  /** Answers a query or a mutation. */
  readonly execute: Effect.Effect<FormattedExecutionResult, never, Services>
  /** Answers a subscription, or says at once why there is nothing to follow. */
  readonly subscribe: Effect.Effect<FormattedExecutionResult | Results, never, Services>
}

/** The results of a subscription. If something goes wrong, the last one says what. */
type Results = Stream.Stream<FormattedExecutionResult, never, Services>

/** How deep variables may be nested. */
const deepestVariables = 64

/** Prepares the operations of an API. */
export interface Operations {
  readonly schema: GraphQLSchema
  /** The places that became `JSON`. */
  readonly json: ReadonlyArray<string>
  /** What is sent as an operation, or what is wrong with it. */
  readonly prepare: (request: Request, sender: Sender) => Effect.Effect<Prepared, ReadonlyArray<GraphQLError>>
}

export const operationsOf = (api: Api.Any, options: Options): Operations => {
  const { documents, isOpen, limits, patience } = options
  const { json, schema } = describedOf(api, patience)
  const known = new Documents(schema, { documents, isOpen, maxTokens: limits.maxTokens })
  const plans = plansOf(schema)
  return {
    schema,
    json,
    prepare: (request, sender) =>
      Effect.suspend(() => {
        try {
          const found = prepared({ schema, documents: known, plans, limits, hideSuggestions: !isOpen }, request, sender)
          return "kind" in found ? Effect.succeed(found) : Effect.fail(found)
        } catch (thrown) {
          return thrown instanceof GraphQLError ? Effect.fail([thrown]) : Effect.die(thrown)
        }
      })
  }
}

/** What operations are prepared with. */
interface Preparing {
  readonly schema: GraphQLSchema
  readonly documents: Documents
  readonly plans: Plans
  readonly limits: Limits
  readonly hideSuggestions: boolean
}

const prepared = (
  { documents, hideSuggestions, limits, plans, schema }: Preparing,
  request: Request,
  sender: Sender
): Prepared | ReadonlyArray<GraphQLError> => {
  const { operationName, variables = {} } = request
  const { document, problems } = documents.find(request)
  const operation = getOperationAST(document, operationName)
  if (!isGiven(operation))
    throw errorWith("BAD_USER_INPUT", "the document does not have this operation, or it has several")
  if (isDeeper(variables, deepestVariables)) throw errorWith("BAD_USER_INPUT", "the variables are nested too deep")
  const excess = excessOf(schema, document, operation, variables, limits)
  if (excess !== undefined) throw errorWith("BAD_USER_INPUT", excess)
  const found = problems()
  if (found.length > 0) return found
  const args = {
    schema,
    document,
    operationName: operation.name?.value,
    variableValues: variables,
    hideSuggestions,
    options: { maxCoercionErrors: 5 }
  }
  return {
    kind: operation.operation,
    document,
    operationName: operation.name?.value,
    execute: executed(
      plans(document, operation),
      variables,
      (operation) => {
        const checked = validateExecutionArgs({ ...args, contextValue: operation })
        return "schema" in checked ? executeRootSelectionSet(checked) : { errors: checked.map(asInput) }
      },
      sender
    ),
    subscribe: subscribed((operation) => validateSubscriptionArgs({ ...args, contextValue: operation }), sender)
  }
}

const operationFor = (
  { caller, correlationId }: Sender,
  services: Context.Context<Services>,
  signal?: () => AbortSignal
): Operation => operationOf({ caller, correlationId, services, signal })

type Execute = (operation: Operation) => ExecutionResult | PromiseLike<ExecutionResult>

// What is interrupted interrupts what the resolvers do.
const executedByGraphql = (
  execute: Execute,
  sender: Sender,
  outcomes?: Operation["outcomes"]
): Effect.Effect<FormattedExecutionResult, never, Services> =>
  Effect.contextWith((services: Context.Context<Services>) =>
    Effect.flatMap(
      Effect.promise(async (signal) => {
        const operation = operationFor(sender, services, () => signal)
        return execute(outcomes === undefined ? operation : { ...operation, outcomes })
      }),
      formatted
    )
  )

// graphql goes on where the plan has ended.
const executed = (
  plan: Plan | undefined,
  variables: Readonly<Record<string, unknown>>,
  execute: Execute,
  sender: Sender
): Effect.Effect<FormattedExecutionResult, never, Services> =>
  plan === undefined
    ? executedByGraphql(execute, sender)
    : Effect.contextWith((services: Context.Context<Services>) => {
        let aborting: AbortController | undefined
        const operation = operationFor(sender, services, () => (aborting ??= new AbortController()).signal)
        return plan.run(variables, operation).pipe(
          Effect.onInterrupt(() => Effect.sync(() => aborting?.abort())),
          Effect.flatMap((data) =>
            data === undefined ? executedByGraphql(execute, sender, operation.outcomes) : Effect.succeed({ data })
          )
        )
      })

const formatted = ({ data, errors }: ExecutionResult): Effect.Effect<FormattedExecutionResult> =>
  errors === undefined
    ? Effect.succeed({ data: data! })
    : Effect.map(presented(errors), (shown) => ({ errors: shown, ...(data === undefined ? {} : { data }) }))

const subscribed = (
  check: (operation: Operation) => ReadonlyArray<GraphQLError> | ValidatedSubscriptionArgs,
  sender: Sender
): Effect.Effect<FormattedExecutionResult | Results, never, Services> =>
  Effect.gen(function* () {
    const services = yield* Effect.context<Services>()
    const checked = check(operationFor(sender, services))
    if (!("schema" in checked)) return yield* formatted({ errors: checked.map(asInput) })
    const source = yield* Effect.promise(async () => createSourceEventStream(checked))
    if (!("stream" in source)) return yield* formatted(source as ExecutionResult)
    const { isShared, stream } = source as Live
    const one = (event: unknown) => resultOf(checked, event, sender)
    return withLast(
      Stream.mapEffect(stream, (event) => (isShared ? sharedOf(checked, event as object, one) : one(event))),
      "a subscription",
      (failure) => Effect.map(failedWith(failure), (error): FormattedExecutionResult => ({ errors: [error.toJSON()] }))
    )
  })

const resultOf = (
  checked: ValidatedSubscriptionArgs,
  event: unknown,
  sender: Sender
): Effect.Effect<FormattedExecutionResult, never, Services> =>
  executedByGraphql(
    (operation) => executeSubscriptionEvent({ ...checked, rootValue: event, contextValue: operation }),
    sender
  )

type Shared = Map<string, Promise<FormattedExecutionResult>>

const results = new WeakMap<object, WeakMap<DocumentNode, Shared>>()

// Who asks the same of the same result gets the same object, which is made once, and then written once for all. Who leaves
// while it is made takes it from nobody.
const sharedOf = <R>(
  { document, operation, rawVariableValues }: ValidatedSubscriptionArgs,
  event: object,
  make: (event: object) => Effect.Effect<FormattedExecutionResult, never, R>
): Effect.Effect<FormattedExecutionResult, never, R> =>
  Effect.flatMap(Effect.context<R>(), (services) => {
    const ofEvent = results.get(event) ?? new WeakMap<DocumentNode, Shared>()
    results.set(event, ofEvent)
    const ofDocument: Shared = ofEvent.get(document) ?? new Map()
    ofEvent.set(document, ofDocument)
    const key = JSON.stringify([operation.name?.value ?? null, rawVariableValues ?? null])
    const result = ofDocument.get(key) ?? Effect.runPromiseWith(services)(make(event))
    ofDocument.set(key, result)
    return Effect.promise(() => result)
  })
