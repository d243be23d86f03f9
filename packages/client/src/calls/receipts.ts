/** The answer to a command: a receipt, or the error for which the domain rejects it. */
import { type Aggregate, type Boundary, type Receipt, StreamId, VersionConflict } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { DateTime, Effect, Result, Schema } from "effect"
import { type Members, problemOf } from "./requests.ts"
import { unreadable } from "./unreadable.ts"

/** What has commands: an aggregate or a boundary, whose types are not known. */
export type Target = Aggregate.Untyped | Boundary.Untyped

/** Whether a target is a boundary. */
export const isBoundary = (target: object): target is Boundary.Untyped => "_tag" in target

/** Of what a command was asked: its target, and the stream of an aggregate. */
interface Addressee {
  readonly target: Target
  readonly stream: string
}

/** The aggregates whose events a program can read, by name, and those of which it has been said that it cannot. */
export interface Known {
  readonly aggregates: ReadonlyMap<string, Aggregate.Untyped>
  readonly missed: Set<string>
}

/** The receipt that an answer brings. Fails with the domain's error, or with what else the answer says. */
export const answerOf = (
  { stream, target }: Addressee,
  { aggregates, missed }: Known,
  { body, status }: { readonly status: number; readonly body: Members }
): Effect.Effect<Receipt.Receipt<unknown> | Receipt.BoundaryReceipt<unknown>, unknown> => {
  if (status === 200 || status === 202) {
    const known = isBoundary(target) ? aggregates : new Map([[target.name, target]])
    return Effect.flatMap(
      Effect.mapError(Effect.fromResult(receiptOf(body, known)), (cause) => unreadable(cause)),
      ({ receipt, unknown }) => Effect.as(saying(target.name, unknown, missed), receipt)
    )
  }
  // The problems of the front have other types, whatever their names are.
  const tag = typeof body["title"] === "string" ? body["title"] : ""
  const schema = (isBoundary(target) ? target.errors : target.schemas.errors).get(tag)
  if (schema !== undefined && body["type"] === `/problems/${target.name}/${tag}`) return rejected(schema, body)
  const { actual, expected } = body
  if (status === 412 && typeof actual === "number" && typeof expected === "number") {
    return Effect.fail(new VersionConflict({ stream, expected, actual }))
  }
  return Effect.fail(problemOf(status, body))
}

const rejected = (schema: Schema.Codec<unknown, unknown>, body: Members): Effect.Effect<never, unknown> => {
  const json = body["error"] ?? { ...body, _tag: body["title"] }
  const error = Schema.decodeUnknownResult(Schema.toCodecJson(schema))(json)
  return Effect.fail(Result.isSuccess(error) ? error.success : unreadable(error.failure))
}

const Recorded = Schema.Struct({
  id: Schema.String,
  streamId: Schema.String,
  version: Schema.Int,
  position: Schema.Int,
  type: Schema.String,
  schemaVersion: Schema.Int,
  data: Schema.Json,
  recordedAt: Schema.DateTimeUtcFromString,
  imported: Schema.Boolean,
  correlationId: Schema.String,
  causationId: Schema.String,
  actor: Schema.optionalKey(Schema.String)
})

const Answer = Schema.Struct({
  streamId: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.Int),
  streams: Schema.optionalKey(Schema.Array(Schema.Struct({ streamId: Schema.String, version: Schema.Int }))),
  position: Schema.Int,
  history: Schema.Int,
  attempts: Schema.Int,
  repeated: Schema.Boolean,
  events: Schema.optionalKey(Schema.Array(Recorded))
})

const decode = Schema.decodeUnknownResult(Answer)

// Events of aggregates that the program does not know are left out, as those are that the caller may not read. An event of
// a known aggregate is never left out: what the program cannot read of it fails.
const receiptOf = (body: unknown, aggregates: ReadonlyMap<string, Aggregate.Untyped>) =>
  Result.flatMap(decode(body), ({ events = [], ...answer }) => {
    const byAggregate = Map.groupBy(events, ({ streamId }) => StreamId.aggregateOf(streamId as StreamId.StreamId))
    return Result.map(
      Result.all(
        events.map((event) => {
          const aggregate = aggregates.get(StreamId.aggregateOf(event.streamId as StreamId.StreamId))
          return aggregate === undefined ? Result.succeed([]) : eventsOf(event, aggregate)
        })
      ),
      (decoded) => ({
        receipt: { ...answer, events: decoded.flat() } as unknown as
          | Receipt.Receipt<unknown>
          | Receipt.BoundaryReceipt<unknown>,
        unknown: [...byAggregate.keys()].filter((name) => !aggregates.has(name))
      })
    )
  })

// Once for each aggregate: the program may not need the events.
const saying = (target: string, unknown: ReadonlyArray<string>, missed: Set<string>): Effect.Effect<void> => {
  const fresh = unknown.filter((name) => !missed.has(name))
  for (const name of fresh) missed.add(name)
  return fresh.length === 0
    ? Effect.void
    : Effect.logWarning(
        `hexfold: receipts of ${target} are without their events of ${fresh.join(", ")}: name these aggregates in the options of the client`
      )
}

const eventsOf = (
  { actor, causationId, correlationId, streamId, ...event }: typeof Recorded.Type,
  aggregate: Aggregate.Untyped
): Result.Result<ReadonlyArray<Receipt.DecodedEvent<unknown>>, unknown> => {
  const id = streamId as StreamId.StreamId
  const metadata = { correlationId, causationId, ...(actor === undefined ? {} : { actor }) }
  const recorded = { ...event, streamId: id, metadata, recordedAt: DateTime.toUtc(event.recordedAt) }
  return EventCodec.decodeParts(EventCodec.of(aggregate), recorded)
}
