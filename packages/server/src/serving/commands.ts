/** Commands as a front executes them: the rules are asked, and the answer is JSON. */
import {
  type Api,
  type EventStore,
  Executor,
  Metadata,
  type Policy,
  Projection,
  type Receipt,
  type ViewStore
} from "@hexfold/core"
import { CommandCheck, Ids } from "@hexfold/core/adapter"
import { Clock, Effect, Result, Schema } from "effect"
import { Forbidden, NotFound } from "../errors.ts"
import { admitted, mayRead } from "./admission.ts"
import { type AggregateRequest, type BoundaryRequest, checksOf, type GivenId, idOf, type Request } from "./checks.ts"
import { type AnyAggregate, type AnyBoundary, membersOf } from "./declared.ts"
import { type CommandFailure, failing, type Rejected } from "./failures.ts"
import { receiptJson, type ReceiptJson, shownOf } from "./receipts.ts"

/** What a command has come to. */
export interface Done {
  readonly receipt: ReceiptJson
  /** Whether the views did not show the command in time. It has happened all the same. */
  readonly isLate: boolean
  /** The state after the command, or a later one. */
  readonly state?: StateJson
}

/** A state as JSON, with the version of its stream. */
interface StateJson {
  readonly state: Schema.Json
  readonly version: number
}

/** Executes the commands of an API. */
export interface Commands {
  readonly aggregate: (
    request: AggregateRequest
  ) => Effect.Effect<Done, CommandFailure, EventStore.EventStore | ViewStore.ViewStore>
  readonly boundary: (
    request: BoundaryRequest
  ) => Effect.Effect<Done, CommandFailure, EventStore.EventStore | ViewStore.ViewStore>
  /**
   * Refuses what would never be executed, without a store: for a command that is answered before it is executed. A rule on
   * the state is asked later.
   */
  readonly check: (request: AggregateRequest | BoundaryRequest) => Effect.Effect<void, CommandFailure>
  /** The state of an aggregate, for a caller who may read it. */
  readonly state: (request: {
    readonly caller: Policy.Caller | undefined
    readonly aggregate: string
    readonly id: GivenId
  }) => Effect.Effect<StateJson, Exclude<CommandFailure, Rejected>, EventStore.EventStore>
}

export const commandsOf = (api: Api.Any): Commands => {
  const members = membersOf(api)
  const shown = shownOf(api, members)
  const checks = checksOf(api, members)
  const { rules } = api
  const encoders = new Map(
    Array.from(members.aggregates, ([name, { schemas }]) => [
      name,
      Schema.encodeSync(Schema.toCodecJson(schemas.state)) as (state: unknown) => Schema.Json
    ])
  )

  const waited = (request: Request, receipt: Executed): Effect.Effect<boolean, never, ViewStore.ViewStore> => {
    const views = (request.waitFor ?? []).map((name) => members.views.get(name)!)
    if (views.length === 0) return Effect.succeed(false)
    const options = request.patience === undefined ? {} : { timeout: request.patience }
    // The command has happened. That its views cannot be waited for is no failure of it.
    return Projection.waitUntil(views, receipt, options).pipe(
      Effect.as(false),
      Effect.catch((error) => Effect.as(Effect.logDebug("hexfold: a command's views are late", error), true))
    )
  }

  const answered = (
    { caller, correlationId }: Request,
    target: string,
    errors: ReadonlyMap<string, Schema.Codec<unknown, unknown>>,
    execution: Effect.Effect<Executed, unknown, EventStore.EventStore>
  ): Effect.Effect<Executed, CommandFailure, EventStore.EventStore> => {
    const within = (id: string) =>
      execution.pipe(
        Metadata.with({
          correlationId: id,
          // By default it would be the command's id, in which others may not look.
          causationId: id,
          ...(caller === undefined ? {} : { actor: caller.subject })
        }),
        Effect.catch((error) => failing(error, target, errors))
      )
    return correlationId === undefined ? Effect.flatMap(newId, within) : within(correlationId)
  }

  const stateOf = (aggregate: AnyAggregate, id: unknown, caller: Policy.Caller | undefined) =>
    Effect.map(Executor.load(aggregate, id as never), ({ state, version }): StateJson | undefined =>
      mayRead(rules.states.get(aggregate.name), caller, { id, state })
        ? { state: encoders.get(aggregate.name)!(state), version }
        : undefined
    )

  const done = (
    request: Request,
    executed: Effect.Effect<Executed, CommandFailure, EventStore.EventStore>
  ): Effect.Effect<Done, CommandFailure, EventStore.EventStore | ViewStore.ViewStore> =>
    request.waitFor === undefined
      ? Effect.map(executed, (receipt) => ({ receipt: receiptJson(receipt, shown, request.caller), isLate: false }))
      : Effect.flatMap(executed, (receipt) =>
          Effect.map(waited(request, receipt), (isLate) => ({
            receipt: receiptJson(receipt, shown, request.caller),
            isLate
          }))
        )

  // That the state cannot be read afterwards is no failure of the command.
  const withState = (commanded: Done, aggregate: AnyAggregate, id: unknown, caller: Policy.Caller | undefined) =>
    stateOf(aggregate, id, caller).pipe(
      Effect.orElseSucceed(() => undefined),
      Effect.map((state): Done => (state === undefined ? commanded : { ...commanded, state }))
    )

  return {
    aggregate: (request) =>
      Effect.suspend(() => {
        const checked = checks.aggregate(request)
        if (Result.isFailure(checked)) return Effect.fail(checked.failure)
        const { caller, expectedVersion, wantsState } = request
        const { aggregate, id, required, typed } = checked.success
        const execution = execute(aggregate, id, typed, {
          ...commandId(request),
          ...(expectedVersion === undefined ? {} : { expectedVersion }),
          ...(required === undefined ? {} : { require: ({ state }: { readonly state: unknown }) => required(state) })
        })
        const commanded = done(request, answered(request, aggregate.name, aggregate.schemas.errors, execution))
        return wantsState === true && rules.states.has(aggregate.name)
          ? Effect.flatMap(commanded, (each) => withState(each, aggregate, id, caller))
          : commanded
      }),

    boundary: (request) =>
      Effect.suspend(() => {
        const checked = checks.boundary(request)
        if (Result.isFailure(checked)) return Effect.fail(checked.failure)
        const { boundary, required, typed } = checked.success
        const execution = execute(boundary, typed, {
          ...commandId(request),
          ...(required === undefined ? {} : { require: ({ states }: { readonly states: unknown }) => required(states) })
        })
        return done(request, answered(request, boundary.name, boundary.errors, execution))
      }),

    check: (request) =>
      Effect.suspend(() => {
        if ("boundary" in request) {
          const checked = checks.boundary(request)
          if (Result.isFailure(checked)) return Effect.fail(checked.failure)
          const { boundary, typed } = checked.success
          return keepable(CommandCheck.boundary(boundary, typed, commandId(request)), boundary.name)
        }
        const checked = checks.aggregate(request)
        if (Result.isFailure(checked)) return Effect.fail(checked.failure)
        const { aggregate, id, typed } = checked.success
        return keepable(CommandCheck.aggregate(aggregate, id, typed, commandId(request)), aggregate.name)
      }),

    state: ({ aggregate: name, caller, id }) =>
      Effect.gen(function* () {
        const aggregate = members.aggregates.get(name)
        const rule = rules.states.get(name)
        if (aggregate === undefined || rule === undefined) return yield* new NotFound({ what: `state of ${name}` })
        const what = `read the state of ${name}`
        yield* admitted(rule, caller, what)
        const typed = yield* Effect.fromResult(idOf(aggregate, id))
        const state = yield* Effect.mapError(stateOf(aggregate, typed, caller), (error) => error as never)
        return state === undefined ? yield* new Forbidden({ what }) : state
      })
  }
}

const newId: Effect.Effect<string> = Effect.flatMap(Ids.Next, (next) => Effect.map(Clock.currentTimeMillis, next))

type Executed = Receipt.Receipt<unknown> | Receipt.BoundaryReceipt<unknown>

const keepable = (
  checked: Result.Result<void, Executor.BoundaryError>,
  target: string
): Effect.Effect<void, CommandFailure> =>
  Result.isSuccess(checked) ? Effect.void : failing(checked.failure, target, new Map())

// The types of the target are not known here: its schemas have checked the command.
const execute = Executor.execute as unknown as (
  target: AnyAggregate | AnyBoundary,
  ...args: ReadonlyArray<unknown>
) => Effect.Effect<Executed, unknown, EventStore.EventStore>

// The keys of one caller never meet those of another, whatever they are made of.
const commandId = ({ caller, key }: Request) =>
  key === undefined ? {} : { commandId: JSON.stringify([caller?.subject ?? null, key]) }
