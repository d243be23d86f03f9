import * as Result from "effect/Result"
import type { Metadata } from "../../../domain/metadata.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import { CheckedAppend } from "../../../ports/checkedAppend.ts"
import type {
  Append,
  CommandKey,
  Condition,
  Part,
  PartAppended,
  StreamVersion,
  Write
} from "../../../ports/EventStore.ts"
import * as Expectation from "../../../ports/Expectation.ts"
import * as EventCodec from "../../events/EventCodec.ts"
import type { InvalidDecision } from "../../events/errors.ts"
import { type DecodedEvent, newEvents } from "../../events/recording.ts"
import type { StreamWrite } from "./commandPlan.ts"

/** What a decision adds, as a part of an append. */
export const partOf = (
  decided: ReadonlyArray<StreamWrite>,
  key: CommandKey | undefined,
  nextId: () => string,
  metadata: Partial<Metadata>
): Result.Result<Part, EventStoreError | InvalidDecision> => {
  const writes = new Array<Write>(decided.length)
  for (let i = 0; i < decided.length; i++) {
    const { events, stream } = decided[i]!
    // All events of a command share their metadata.
    const common = writes[0]?.events[0]?.metadata
    const encoded = newEvents(stream.source, events, nextId, key?.id, metadata, common)
    if (Result.isFailure(encoded)) return Result.fail(encoded.failure)
    writes[i] = { streamId: stream.streamId, events: encoded.success }
  }
  return Result.succeed(key === undefined ? { writes } : { writes, command: key })
}

/**
 * The append of some parts, on condition that no stream has changed since it was read in this history.
 * `hasRead`: whether the store has read all these streams. It has not seen a command id before.
 */
export const appendOf = (
  streams: ReadonlyArray<StreamVersion>,
  parts: ReadonlyArray<Part>,
  history: number | undefined,
  hasRead: boolean
): Append => {
  const conditions = unchanged(streams)
  return hasRead && parts.every(({ command }) => command === undefined)
    ? new CheckedAppend(conditions, parts, history)
    : { conditions, parts, ...(history === undefined ? undefined : { history }) }
}

const unchanged = (read: ReadonlyArray<StreamVersion>): ReadonlyArray<Condition> => {
  const conditions = new Array<Condition>(read.length)
  for (let i = 0; i < read.length; i++) {
    const { streamId, version } = read[i]!
    conditions[i] = { _tag: "Stream", streamId, expected: Expectation.exactly(version) }
  }
  return conditions
}

/** The recorded events of a part, decoded. So a first receipt says the same as a repeated one. */
export const recordedEvents = (
  appended: PartAppended,
  decided: ReadonlyArray<StreamWrite>
): ReadonlyArray<DecodedEvent<Tagged>> => {
  const recorded = new Array<DecodedEvent<Tagged>>(appended.events.length)
  let i = 0
  for (const { events, stream } of decided) {
    const codec = EventCodec.of(stream.source)
    for (const event of events) {
      const each = appended.events[i]!
      recorded[i] = { ...each, data: codec.asKept(event, each), part: 0 }
      i++
    }
  }
  return recorded
}
