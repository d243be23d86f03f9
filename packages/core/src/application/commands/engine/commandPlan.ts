import type * as Result from "effect/Result"
import type * as Participant from "../../../domain/Participant.ts"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import type { CommandKey, RepeatedPart, RecordedEvent, StreamVersion } from "../../../ports/EventStore.ts"
import type { EventReadError, InvalidDecision } from "../../events/errors.ts"
import type { InvalidCommand } from "../errors.ts"

/** A stream that takes part in an attempt, with the state that was folded from it so far. */
export interface LoadedStream {
  readonly streamId: StreamId
  readonly source: Participant.Source<string, unknown, Tagged>
  state: unknown
  version: number
}

/** A stream of which nothing has been read yet. */
export const unread = (streamId: StreamId, source: Participant.Any["source"]): LoadedStream => ({
  streamId,
  // The engine knows no types of events. It gives the events of a source to that source only.
  source: source as unknown as LoadedStream["source"],
  state: source.initial,
  version: 0
})

/** The events that a decision adds to a stream. */
export interface StreamWrite {
  readonly stream: LoadedStream
  readonly events: ReadonlyArray<Tagged>
}

/** Why a decision adds no events: the domain rejects the command, or the program is wrong. */
export interface Refusal<out Error> {
  /** Whether the domain itself rejects the command, whatever the error is called. */
  readonly isRejection: boolean
  readonly error: Error
}

/** What a command does, for the engine: on one aggregate or over a boundary. */
export interface CommandPlan<Error, Receipt> {
  readonly kind: "aggregate" | "boundary"
  /** The aggregate or the boundary. */
  readonly target: { readonly name: string }
  readonly command: Tagged
  readonly key: CommandKey | undefined
  /** The streams that the command itself names, and may write to. */
  readonly streams: () => ReadonlyArray<StreamId>
  /** Whether the command's only stream is probably new, so that the first attempt need not read it. */
  readonly expectsNew: boolean
  /** Begins an attempt with the streams that the command itself names. */
  readonly begin: () => Result.Result<ReadonlyArray<LoadedStream>, InvalidCommand | InvalidDecision | Error>
  /** The further streams that follow from the states so far; an empty list if all are there. */
  readonly discover:
    | (() => Result.Result<ReadonlyArray<LoadedStream>, InvalidCommand | InvalidDecision | Error>)
    | undefined
  readonly decide: () => Result.Result<ReadonlyArray<StreamWrite>, Refusal<Error>>
  /** Whether the store checks the streams' versions even if a decision adds no events. */
  readonly checksEmptyDecision: boolean
  readonly receipt: (
    events: ReadonlyArray<RecordedEvent<Tagged>>,
    streams: ReadonlyArray<StreamVersion>,
    attempts: number,
    history: number
  ) => Receipt
  /** The receipt of a command that was executed before; undefined if its events can only be read after `discover`. */
  readonly repeated: (appended: RepeatedPart) => Result.Result<Receipt, EventReadError> | undefined
  /** What is wrong with the command, its id or its streams' names. Slow: ask only when something has failed. */
  readonly invalid: () => InvalidCommand | undefined
}
