import type { CommandIdReused, ConcurrencyConflict, EventStore, EventStoreError } from "@hexfold/core"
import { Effect } from "effect"

type Store = EventStore.EventStore["Service"]

/** An append with one part. */
export interface OneAppend extends Pick<EventStore.Part, "writes" | "command"> {
  readonly conditions: EventStore.Append["conditions"]
}

/** What it did, or what was done under its command id before. */
export interface OneAppended extends EventStore.PartAppended {
  readonly repeated: boolean
}

/** The append as the port takes it. */
const one = ({ conditions, ...part }: OneAppend): EventStore.Append => ({ conditions, parts: [part] })

/** Appends what one command adds. */
export const appendOne = (
  eventStore: Store,
  append: OneAppend
): Effect.Effect<OneAppended, ConcurrencyConflict | CommandIdReused | EventStoreError> =>
  Effect.map(eventStore.append(one(append)), (answer) =>
    answer._tag === "Appended" ? { ...answer.parts[0]!, repeated: false } : withoutHistory(answer.repeats[0]!.appended)
  )

const withoutHistory = ({ events, streams }: EventStore.RepeatedPart): OneAppended => ({
  events,
  streams,
  repeated: true
})
