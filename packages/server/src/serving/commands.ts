/** Commands as a front executes them: the rules are asked, and the answer is JSON. */
import {
  type Aggregate,
  type Api,
  CommandCodec,
  type EventStore,
  Executor,
  Metadata,
  type Policy,
  Projection,
  type Receipt,
  StreamId,
  type ViewStore
} from "@hexfold/core"
import { CommandCheck, Ids } from "@hexfold/core/adapter"
import { Clock, type Duration, Effect, Option, Result, Schema } from "effect"
import { Forbidden, InvalidRequest, NotFound } from "../errors.ts"
import { admitted, mayRead, refusal, refusalWith, requiredOf } from "./admission.ts"
import { type AnyAggregate, type AnyBoundary, membersOf } from "./declared.ts"
import { type CommandFailure, decoded, failing, type Rejected } from "./failures.ts"
import { receiptJson, type ReceiptJson, shownOf } from "./receipts.ts"

/** What is asked with a command. */
interface Request {
  readonly caller: Policy.Caller | undefined
  /** The JSON of the command, with its tag. */
  readonly command: unknown
  /** Names the command, for this caller: a repeat has no second effect. */
  readonly key?: string
  /** Names the conversation that the events belong to. */
  readonly correlationId?: string
  /** The views that shall show the command before the answer, by name. */
  readonly waitFor?: ReadonlyArray<string>
  /** For how long to wait for them. */
  readonly patience?: Duration.Input
}

/** An id as it was sent: the text of an address, which is the end of the stream's id, or JSON. */
type GivenId = { readonly text: string } | { readonly json: unknown }

/** A command to an aggregate. */
interface AggregateRequest extends Request {
  readonly aggregate: string
  readonly id: GivenId
  readonly expectedVersion?: number
  /** Whether the answer shall have the state, if the caller may read it. */
  readonly wantsState?: boolean
}

/** A command to a boundary. */
interface BoundaryRequest extends Request {
  readonly boundary: string
}

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

/** A command that may be executed. */
interface Checked {
  readonly typed: Aggregate.Tagged
  /** The rule on the state, if there is one. */
  readonly required: ReturnType<typeof requiredOf>
}

interface CheckedAggregate extends Checked {
  readonly aggregate: AnyAggregate
  readonly id: unknown
}

interface CheckedBoundary extends Checked {
  readonly boundary: AnyBoundary
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

  const unknownView = ({ waitFor }: Request): InvalidRequest | undefined => {
    const unknown = waitFor?.find((name) => !members.views.has(name))
    return unknown === undefined
      ? undefined
      : new InvalidRequest({ part: "waitFor", detail: `there is no view ${JSON.stringify(unknown)}` })
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

  // What is checked before a command is executed is there at once. As effects these steps took 8 µs of the 45 that a command
  // in memory takes with its rules and its receipt.
  const checkedAggregate = (request: AggregateRequest): Result.Result<CheckedAggregate, CommandFailure> => {
    const { aggregate: name, caller, command, expectedVersion, id: givenId } = request
    const aggregate = members.aggregates.get(name)
    const tag = tagIn(command)
    const rule = tag === undefined ? undefined : rules.commands.get(name)?.get(tag)
    if (aggregate === undefined || rule === undefined) {
      return Result.fail(new NotFound({ what: `command ${tag ?? "without a tag"} of ${name}` }))
    }
    const what = `${name}.${tag}`
    const refused = refusal(rule, caller, what) ?? unknownView(request)
    if (refused !== undefined) return Result.fail(refused)
    if (expectedVersion !== undefined && !(Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)) {
      const detail = `${expectedVersion} is no version: it is a whole number from 0 on`
      return Result.fail(new InvalidRequest({ part: "expectedVersion", detail }))
    }
    const id = idOf(aggregate, givenId)
    if (Result.isFailure(id)) return Result.fail(id.failure)
    const typed = decoded(CommandCodec.of(aggregate).decode(command, { isNamed: request.key !== undefined }))
    if (Result.isFailure(typed)) return Result.fail(typed.failure)
    const asked = { id: id.success, command: typed.success }
    const refusedWith = refusalWith(rule, caller, what, asked)
    if (refusedWith !== undefined) return Result.fail(refusedWith)
    const required = requiredOf(rule, caller, what, asked)
    return Result.succeed({ aggregate, id: id.success, required, typed: typed.success })
  }

  const checkedBoundary = (request: BoundaryRequest): Result.Result<CheckedBoundary, CommandFailure> => {
    const { caller, command } = request
    const boundary = members.boundaries.get(request.boundary)
    if (boundary === undefined) return Result.fail(new NotFound({ what: `command ${request.boundary}` }))
    const rule = rules.boundaries.get(boundary.name)!
    const refused = refusal(rule, caller, boundary.name) ?? unknownView(request)
    if (refused !== undefined) return Result.fail(refused)
    const codec = CommandCodec.ofBoundary(boundary)
    const typed = decoded(codec.decode(command, { isNamed: request.key !== undefined }))
    if (Result.isFailure(typed)) return Result.fail(typed.failure)
    const asked = { command: typed.success }
    const refusedWith = refusalWith(rule, caller, boundary.name, asked)
    if (refusedWith !== undefined) return Result.fail(refusedWith)
    const required = requiredOf(rule, caller, boundary.name, asked)
    return Result.succeed({ boundary, required, typed: typed.success })
  }

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
        const checked = checkedAggregate(request)
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
        const checked = checkedBoundary(request)
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
          const checked = checkedBoundary(request)
          if (Result.isFailure(checked)) return Effect.fail(checked.failure)
          const { boundary, typed } = checked.success
          return keepable(CommandCheck.boundary(boundary, typed, commandId(request)), boundary.name)
        }
        const checked = checkedAggregate(request)
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

const idOf = (aggregate: AnyAggregate, given: GivenId): Result.Result<unknown, Exclude<CommandFailure, Rejected>> => {
  if ("json" in given) return decoded(CommandCodec.of(aggregate).decodeId(given.json))
  const id = aggregate.idOf(StreamId.make(aggregate.name, given.text))
  return Option.isSome(id)
    ? Result.succeed(id.value)
    : Result.fail(new InvalidRequest({ part: "id", detail: `it is no id of ${aggregate.name}` }))
}

const tagIn = (command: unknown): string | undefined => {
  const tag = typeof command === "object" && command !== null && "_tag" in command ? command._tag : undefined
  return typeof tag === "string" ? tag : undefined
}

// The keys of one caller never meet those of another, whatever they are made of.
const commandId = ({ caller, key }: Request) =>
  key === undefined ? {} : { commandId: JSON.stringify([caller?.subject ?? null, key]) }
