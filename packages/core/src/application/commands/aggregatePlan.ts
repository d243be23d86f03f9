import * as Result from "effect/Result"
import type { Aggregate } from "../../domain/Aggregate.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Appended, CommandKey, RecordedEvent, StreamVersion } from "../../ports/EventStore.ts"
import type { EventDecodeError } from "../events/errors.ts"
import { decodeRecorded } from "../events/recording.ts"
import * as CommandCodec from "./CommandCodec.ts"
import { type CommandPlan, type LoadedStream, type Refusal, type StreamWrite, unread } from "./commandPlan.ts"
import type { InvalidCommand } from "./errors.ts"
import type { Receipt } from "./Receipt.ts"

/** A command on one aggregate. */
export class AggregatePlan<
  Name extends string,
  Id,
  State,
  Command extends Tagged,
  Event extends Tagged,
  Error
> implements CommandPlan<Error, Receipt<Event>> {
  readonly kind = "aggregate"
  readonly discover = undefined
  readonly checksEmptyDecision = false
  readonly target: Aggregate<Name, Id, State, Command, Event, Error>
  readonly command: Command
  readonly key: CommandKey | undefined
  readonly #streamId: StreamId
  // The engine begins each attempt before it asks for anything else.
  #stream!: LoadedStream

  constructor(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    streamId: StreamId,
    command: Command,
    key: CommandKey | undefined
  ) {
    this.target = aggregate
    this.command = command
    this.key = key
    this.#streamId = streamId
  }

  streams(): ReadonlyArray<StreamId> {
    return [this.#streamId]
  }

  begin(): Result.Result<ReadonlyArray<LoadedStream>> {
    this.#stream = unread(this.#streamId, this.target)
    return Result.succeed([this.#stream])
  }

  decide(): Result.Result<ReadonlyArray<StreamWrite>, Refusal<Error>> {
    const decision = this.target.decide(this.command, this.#stream.state as State)
    if (Result.isFailure(decision)) return Result.fail({ isRejection: true, error: decision.failure })
    return Result.succeed(decision.success.length === 0 ? [] : [{ stream: this.#stream, events: decision.success }])
  }

  receipt(
    events: ReadonlyArray<RecordedEvent<Tagged>>,
    _: ReadonlyArray<StreamVersion>,
    attempts: number
  ): Receipt<Event> {
    return {
      streamId: this.#streamId,
      events: events as Receipt<Event>["events"],
      version: this.#stream.version,
      position: events.at(-1)?.position ?? 0,
      attempts,
      repeated: false
    }
  }

  repeated(appended: Appended): Result.Result<Receipt<Event>, EventDecodeError> {
    const streamId = this.#streamId
    return Result.map(decodeRecorded(this.target, appended.events), (events) => ({
      streamId,
      events,
      version: appended.streams.find((stream) => stream.streamId === streamId)?.version ?? 0,
      position: events.at(-1)?.position ?? 0,
      attempts: 0,
      repeated: true
    }))
  }

  invalid(): InvalidCommand | undefined {
    return Result.getOrUndefined(Result.flip(CommandCodec.of(this.target).encode(this.command)))
  }
}
