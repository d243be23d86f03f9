/** What is checked of a command before it is executed: that it exists, that it may be asked, and that it can be read. */
import { type Aggregate, type Api, CommandCodec, type Policy, StreamId } from "@hexfold/core"
import { type Duration, Option, Result } from "effect"
import { InvalidRequest, NotFound } from "../errors.ts"
import { refusal, refusalWith, requiredOf } from "./admission.ts"
import type { AnyAggregate, AnyBoundary, Members } from "./declared.ts"
import { type CommandFailure, decoded, type Rejected } from "./failures.ts"

/** What is asked with a command. */
export interface Request {
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
export type GivenId = { readonly text: string } | { readonly json: unknown }

/** A command to an aggregate. */
export interface AggregateRequest extends Request {
  readonly aggregate: string
  readonly id: GivenId
  readonly expectedVersion?: number
  /** Whether the answer shall have the state, if the caller may read it. */
  readonly wantsState?: boolean
}

/** A command to a boundary. */
export interface BoundaryRequest extends Request {
  readonly boundary: string
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

/** Checks the commands of an API. */
export interface Checks {
  readonly aggregate: (request: AggregateRequest) => Result.Result<CheckedAggregate, CommandFailure>
  readonly boundary: (request: BoundaryRequest) => Result.Result<CheckedBoundary, CommandFailure>
}

/**
 * Checks the commands of an API. The answers are there at once, and not effects: each command passes all of these steps.
 */
export const checksOf = ({ rules }: Api.Any, members: Members): Checks => {
  const unknownView = ({ waitFor }: Request): InvalidRequest | undefined => {
    const unknown = waitFor?.find((name) => !members.views.has(name))
    return unknown === undefined
      ? undefined
      : new InvalidRequest({ part: "waitFor", detail: `there is no view ${JSON.stringify(unknown)}` })
  }

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

  return { aggregate: checkedAggregate, boundary: checkedBoundary }
}

/** The id of an aggregate, as it was sent. */
export const idOf = (
  aggregate: AnyAggregate,
  given: GivenId
): Result.Result<unknown, Exclude<CommandFailure, Rejected>> => {
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
