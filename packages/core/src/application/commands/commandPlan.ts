import type * as Result from "effect/Result"
import type { EventDecodeError } from "../events/errors.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { Source } from "../../domain/Participant.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import type { Appended, CommandKey, RecordedEvent, StreamVersion } from "../../ports/EventStore.ts"
import type { EventStoreError } from "../../ports/errors.ts"

/** A stream that takes part in an attempt, with the state that was folded from it so far. */
export interface Entry {
  readonly streamId: StreamId
  readonly source: Source<string, unknown, Tagged>
  /** Whether a role may write to it. */
  isWritable: boolean
  state: unknown
  version: number
}

/** The events that a decision adds to a stream. */
export interface Written {
  readonly entry: Entry
  readonly events: ReadonlyArray<Tagged>
}

/** A command to execute: what is different between one on an aggregate and one over a boundary. */
export interface Work<Error, Receipt> {
  /** The aggregate or the boundary, as metrics name it. */
  readonly name: string
  readonly key: CommandKey | undefined
  /** Begins an attempt: the streams that the command itself names. */
  readonly begin: () => Result.Result<ReadonlyArray<Entry>, EventStoreError | Error>
  /** The further streams that follow from the states of those so far: none if all are there. */
  readonly discover: (() => Result.Result<ReadonlyArray<Entry>, EventStoreError | Error>) | undefined
  readonly decide: () => Result.Result<ReadonlyArray<Written>, Error>
  /** Whether a decision that writes nothing is checked at the store all the same. */
  readonly checksNothing: boolean
  readonly receipt: (
    events: ReadonlyArray<RecordedEvent<Tagged>>,
    streams: ReadonlyArray<StreamVersion>,
    attempts: number
  ) => Receipt
  /** The receipt of a command that had been done before; none if its events can only be read after `discover`. */
  readonly repeated: (appended: Appended) => Result.Result<Receipt, EventDecodeError> | undefined
}
