/** Commands as a front executes them: the rules are asked, and the answer is JSON. */
import {
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
import { admitted, admittedWith, mayRead, requiredOf } from "./admission.ts"
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

  const addressed = ({
    aggregate: name,
    command
  }: AggregateRequest): Effect.Effect<
    { readonly aggregate: AnyAggregate; readonly rule: Policy.AnyRule; readonly what: string },
    NotFound
  > => {
    const aggregate = members.aggregates.get(name)
    const tag = tagIn(command)
    const rule = tag === undefined ? undefined : rules.commands.get(name)?.get(tag)
    return aggregate === undefined || rule === undefined
      ? Effect.fail(new NotFound({ what: `command ${tag ?? "without a tag"} of ${name}` }))
      : Effect.succeed({ aggregate, rule, what: `${name}.${tag}` })
  }

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

  const checkViews = ({ waitFor = [] }: Request): Effect.Effect<void, InvalidRequest> => {
    const unknown = waitFor.find((name) => !members.views.has(name))
    return unknown === undefined
      ? Effect.void
      : Effect.fail(new InvalidRequest({ part: "waitFor", detail: `there is no view ${JSON.stringify(unknown)}` }))
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

  // One generator function for all requests: `Effect.gen` makes one for each, which takes 3 to 5 µs of the 20 that a command
  // in memory takes.
  const checkedAggregate = Effect.fnUntraced(function* (request: AggregateRequest) {
    const { caller, command, expectedVersion, id: givenId } = request
    const { aggregate, rule, what } = yield* addressed(request)
    yield* admitted(rule, caller, what)
    yield* checkViews(request)
    if (expectedVersion !== undefined && !(Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)) {
      const detail = `${expectedVersion} is no version: it is a whole number from 0 on`
      return yield* new InvalidRequest({ part: "expectedVersion", detail })
    }
    const codec = CommandCodec.of(aggregate)
    const id = yield* idOf(aggregate, givenId)
    const typed = yield* decoded(codec.decode(command))
    const asked = { id, command: typed }
    yield* admittedWith(rule, caller, what, asked)
    return { aggregate, id, required: requiredOf(rule, caller, what, asked), typed }
  })

  const checkedBoundary = Effect.fnUntraced(function* (request: BoundaryRequest) {
    const { caller, command } = request
    const boundary = members.boundaries.get(request.boundary)
    if (boundary === undefined) return yield* new NotFound({ what: `command ${request.boundary}` })
    const rule = rules.boundaries.get(boundary.name)!
    yield* admitted(rule, caller, boundary.name)
    yield* checkViews(request)
    const asked = { command: yield* decoded(CommandCodec.ofBoundary(boundary).decode(command)) }
    yield* admittedWith(rule, caller, boundary.name, asked)
    return { boundary, required: requiredOf(rule, caller, boundary.name, asked), typed: asked.command }
  })

  return {
    aggregate: Effect.fnUntraced(function* (request: AggregateRequest) {
      const { caller, expectedVersion } = request
      const { aggregate, id, required, typed } = yield* checkedAggregate(request)
      const execution = execute(aggregate, id, typed, {
        ...commandId(request),
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
        ...(required === undefined ? {} : { require: ({ state }: { readonly state: unknown }) => required(state) })
      })
      const receipt = yield* answered(request, aggregate.name, aggregate.schemas.errors, execution)
      const isLate = yield* waited(request, receipt)
      // That the state cannot be read afterwards is no failure of the command.
      const state =
        request.wantsState === true && rules.states.has(aggregate.name)
          ? yield* Effect.orElseSucceed(stateOf(aggregate, id, caller), () => undefined)
          : undefined
      return { receipt: receiptJson(receipt, shown, caller), isLate, ...(state === undefined ? {} : { state }) }
    }),

    boundary: Effect.fnUntraced(function* (request: BoundaryRequest) {
      const { caller } = request
      const { boundary, required, typed } = yield* checkedBoundary(request)
      const execution = execute(boundary, typed, {
        ...commandId(request),
        ...(required === undefined ? {} : { require: ({ states }: { readonly states: unknown }) => required(states) })
      })
      const receipt = yield* answered(request, boundary.name, boundary.errors, execution)
      const isLate = yield* waited(request, receipt)
      return { receipt: receiptJson(receipt, shown, caller), isLate }
    }),

    check: Effect.fnUntraced(function* (request: AggregateRequest | BoundaryRequest) {
      if ("boundary" in request) {
        const { boundary, typed } = yield* checkedBoundary(request)
        return yield* keepable(CommandCheck.boundary(boundary, typed, commandId(request)), boundary.name)
      }
      const { aggregate, id, typed } = yield* checkedAggregate(request)
      return yield* keepable(CommandCheck.aggregate(aggregate, id, typed, commandId(request)), aggregate.name)
    }),

    state: ({ aggregate: name, caller, id }) =>
      Effect.gen(function* () {
        const aggregate = members.aggregates.get(name)
        const rule = rules.states.get(name)
        if (aggregate === undefined || rule === undefined) return yield* new NotFound({ what: `state of ${name}` })
        const what = `read the state of ${name}`
        yield* admitted(rule, caller, what)
        const typed = yield* idOf(aggregate, id)
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

const idOf = (aggregate: AnyAggregate, given: GivenId) => {
  if ("json" in given) return decoded(CommandCodec.of(aggregate).decodeId(given.json))
  const id = aggregate.idOf(StreamId.make(aggregate.name, given.text))
  return Option.isSome(id)
    ? Effect.succeed(id.value)
    : Effect.fail(new InvalidRequest({ part: "id", detail: `it is no id of ${aggregate.name}` }))
}

const tagIn = (command: unknown): string | undefined => {
  const tag = typeof command === "object" && command !== null && "_tag" in command ? command._tag : undefined
  return typeof tag === "string" ? tag : undefined
}

// The keys of one caller never meet those of another, whatever they are made of.
const commandId = ({ caller, key }: Request) =>
  key === undefined ? {} : { commandId: JSON.stringify([caller?.subject ?? null, key]) }
