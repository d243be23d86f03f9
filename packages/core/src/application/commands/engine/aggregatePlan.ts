import * as Result from "effect/Result"
import type { Aggregate } from "../../../domain/Aggregate.ts"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import type { VersionConflict } from "../../../ports/errors.ts"
import type { CommandKey } from "../../../ports/EventStore.ts"
import { decodeRecorded } from "../../events/recording.ts"
import * as CommandCodec from "../CommandCodec.ts"
import { type CommandPlan, type LoadedStream, type Refusal, type StreamWrite, unread } from "./commandPlan.ts"
import type { Receipt } from "../Receipt.ts"
import { type AggregateRules, broken, invalidVersion, unexpected } from "./rules.ts"
import { invalidKey, invalidStream } from "./storable.ts"

/** A command on one aggregate. */
export const aggregatePlan = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  streamId: StreamId,
  command: Command,
  key: CommandKey | undefined,
  rules: AggregateRules
): CommandPlan<Error | VersionConflict, Receipt<Event>> => {
  // The stream of the present attempt: the engine begins each attempt before it asks for anything else.
  let stream!: LoadedStream
  return {
    kind: "aggregate",
    target: aggregate,
    command,
    key,
    checksEmptyDecision: false,
    discover: undefined,
    expectsNew: rules.expectedVersion === 0 || aggregate.begins.has(command._tag),

    streams: () => [streamId],

    begin: () => {
      const invalid = invalidVersion(aggregate.name, rules.expectedVersion)
      if (invalid !== undefined) return Result.fail(invalid)
      stream = unread(streamId, aggregate)
      return Result.succeed([stream])
    },

    decide: (): Result.Result<ReadonlyArray<StreamWrite>, Refusal<Error | VersionConflict>> => {
      // The rule is first: whoever it refuses learns no version.
      const refusal = broken(rules.require?.({ state: stream.state as never, version: stream.version }))
      if (refusal !== undefined) return Result.fail(refusal)
      const { expectedVersion } = rules
      if (expectedVersion !== undefined && expectedVersion !== stream.version) {
        return Result.fail(unexpected(stream, expectedVersion))
      }
      const decision = aggregate.decide(command, stream.state as State)
      if (Result.isFailure(decision)) return Result.fail({ isRejection: true, error: decision.failure })
      return Result.succeed(decision.success.length === 0 ? [] : [{ stream, events: decision.success }])
    },

    receipt: (events, _, attempts, history) => ({
      streamId,
      events: events as Receipt<Event>["events"],
      version: stream.version,
      position: events.at(-1)?.position ?? 0,
      history,
      attempts,
      repeated: false
    }),

    repeated: (appended) =>
      Result.map(decodeRecorded(aggregate, appended.events), (events) => ({
        streamId,
        events,
        version: appended.streams.find((stream) => stream.streamId === streamId)?.version ?? 0,
        position: appended.events.at(-1)?.position ?? 0,
        history: appended.history,
        attempts: 0,
        repeated: true
      })),

    invalid: () =>
      Result.getOrUndefined(Result.flip(CommandCodec.of(aggregate).encode(command))) ??
      invalidKey(aggregate.name, key) ??
      invalidStream(aggregate.name, "id", [streamId])
  }
}
