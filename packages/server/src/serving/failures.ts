/** Why a front cannot do what it was asked, as values of one type. */
import {
  type Aggregate,
  type CommandCodec,
  type CommandIdReused,
  Executor,
  type InvalidCommand,
  type UnknownCommandVersion,
  VersionConflict
} from "@hexfold/core"
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { Forbidden, InvalidRequest, type NotFound, type Unauthenticated } from "../errors.ts"

/** The domain has rejected a command. */
export class Rejected {
  readonly _tag = "Rejected"
  /** The name of the aggregate or boundary. */
  readonly target: string
  readonly error: Aggregate.Tagged
  /** The error as its schema writes it, with its tag. */
  readonly json: Readonly<Record<string, Schema.Json>>
  readonly schema: Schema.Codec<unknown, unknown>

  constructor(
    target: string,
    error: Aggregate.Tagged,
    json: Readonly<Record<string, Schema.Json>>,
    schema: Schema.Codec<unknown, unknown>
  ) {
    this.target = target
    this.error = error
    this.json = json
    this.schema = schema
  }
}

/** Why a command did not happen, or nobody knows whether it did. */
export type CommandFailure =
  | Unauthenticated
  | Forbidden
  | NotFound
  | InvalidRequest
  | Rejected
  | VersionConflict
  | CommandIdReused
  | UnknownCommandVersion
  | Executor.BoundaryError

/** What a codec has read, or why it was refused. */
export const decoded = <A>(
  result: Result.Result<A, CommandCodec.CommandReadError>
): Result.Result<A, InvalidRequest | Exclude<CommandCodec.CommandReadError, InvalidCommand>> =>
  Result.mapError(result, (error) => (error._tag === "InvalidCommand" ? invalid(error) : error))

const invalid = ({ cause, detail, part }: InvalidCommand): InvalidRequest =>
  new InvalidRequest({ part, detail, ...(Schema.isSchemaError(cause) ? { errors: errorsIn(cause) } : {}) })

/** Each thing that a schema finds wrong, with its path. */
export const errorsIn = ({ issue }: Schema.SchemaError): NonNullable<InvalidRequest["errors"]> =>
  format(issue).issues.map(({ message, path = [] }) => ({
    path: path.map((each) => {
      const name = typeof each === "object" ? each.key : each
      return typeof name === "number" ? name : String(name)
    }),
    message
  }))

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** Fails with the error of a command: that of its domain by the schema which declares it. An error that nothing declares is a defect. */
export const failing = (
  error: unknown,
  target: string,
  errors: ReadonlyMap<string, Schema.Codec<unknown, unknown>>
): Effect.Effect<never, CommandFailure> => {
  // What a front requires has errors of its own, beside those of the domain.
  if (Executor.isTechnicalError(error) || error instanceof Forbidden || error instanceof VersionConflict) {
    const technical = error as Forbidden | VersionConflict | Executor.BoundaryError
    return Effect.fail(technical._tag === "InvalidCommand" ? invalid(technical) : technical)
  }
  const rejection = error as Aggregate.Tagged
  const schema = errors.get(rejection._tag)
  if (schema === undefined) return Effect.die(error)
  const json = Schema.encodeSync(Schema.toCodecJson(schema))(rejection) as Readonly<Record<string, Schema.Json>>
  return Effect.fail(new Rejected(target, rejection, json, schema))
}
