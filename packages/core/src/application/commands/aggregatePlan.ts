import * as Result from "effect/Result"
import * as Receipt from "./Receipt.ts"
import type { Aggregate } from "../../domain/Aggregate.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import type { Appended, CommandKey, RecordedEvent, StreamVersion } from "../../ports/EventStore.ts"
import type { Entry, Work, Written } from "./commandPlan.ts"

/** A command on one aggregate. */
export class AggregateWork<
  Name extends string,
  Id,
  State,
  Command extends Tagged,
  Event extends Tagged,
  Error
> implements Work<Error, Receipt.Receipt<Event>> {
  readonly name: Name
  readonly key: CommandKey | undefined
  readonly discover = undefined
  readonly checksNothing = false
  readonly #aggregate: Aggregate<Name, Id, State, Command, Event, Error>
  readonly #streamId: StreamId
  readonly #command: Command
  // Begun by the engine before anything else.
  #entry!: Entry

  constructor(
    aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
    streamId: StreamId,
    command: Command,
    key: CommandKey | undefined
  ) {
    this.name = aggregate.name
    this.key = key
    this.#aggregate = aggregate
    this.#streamId = streamId
    this.#command = command
  }

  begin() {
    // The engine knows no types of events; it gives those of a source to that source only.
    const source = this.#aggregate as unknown as Entry["source"]
    this.#entry = { streamId: this.#streamId, source, isWritable: true, state: source.initial, version: 0 }
    return Result.succeed([this.#entry])
  }

  decide(): Result.Result<ReadonlyArray<Written>, Error> {
    const decision = this.#aggregate.decide(this.#command, this.#entry.state as State)
    if (Result.isFailure(decision)) return Result.fail(decision.failure)
    return Result.succeed(decision.success.length === 0 ? [] : [{ entry: this.#entry, events: decision.success }])
  }

  receipt(
    events: ReadonlyArray<RecordedEvent<Tagged>>,
    _: ReadonlyArray<StreamVersion>,
    attempts: number
  ): Receipt.Receipt<Event> {
    return {
      streamId: this.#streamId,
      events: events as Receipt.Receipt<Event>["events"],
      version: this.#entry.version,
      position: events.at(-1)?.position ?? 0,
      attempts,
      repeated: false
    }
  }

  repeated(appended: Appended) {
    return Receipt.fromRepeated(this.#aggregate, this.#streamId, appended)
  }
}
