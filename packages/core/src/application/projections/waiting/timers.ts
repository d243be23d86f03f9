import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { hasTimers, Timer, WaitingTimers } from "../../../domain/process/timers.ts"
import type { Consumer } from "../../../domain/view/consumer.ts"
import * as Query from "../../../domain/Query.ts"
import { EventStore } from "../../../ports/EventStore.ts"
import { currentOf } from "../../../ports/generation.ts"
import { ViewStore } from "../../../ports/ViewStore.ts"
import { horizonOf } from "../../events/positions.ts"
import * as Records from "../../queries/Records.ts"
import { eventsOf } from "../reading/eventReader.ts"

/**
 * The time of the first timer whose time is over and that has not fired, in milliseconds. It is looked for among the
 * records of the timers that wait, and among the events that these do not have yet, because what keeps them may stand still.
 * The stream of a timer tells whether it still waits. If there are too many such events to look at, the first of them counts
 * as a timer, because nobody keeps the records.
 */
const oldestTimer = Effect.gen(function* () {
  const events = yield* EventStore
  const generations = yield* (yield* ViewStore).status
  const log = yield* horizonOf(events)
  const now = yield* Clock.currentTimeMillis
  const due = Query.from(WaitingTimers, { where: ({ lte }) => lte("at", now), orderBy: ["at"], limit: most })
  const { rows } = yield* Records.query(WaitingTimers, due).pipe(
    Effect.catchTag("NotServing", () => Effect.succeed({ rows: [] })),
    // The view is the library's own, and the query has no cursor.
    Effect.catchTag(["InvalidCursor", "RecordDecodeError"], Effect.die)
  )
  const found = rows.map(({ key, state }) => ({ stream: Timer.streamId(key), at: state.at }))
  const kept = currentOf(WaitingTimers, generations)?.position ?? 0
  let first: number | undefined
  let unkept = 0
  if (kept < log.position) {
    const range = { after: kept, upTo: log.position, limit: most }
    yield* Stream.runForEach(eventsOf(WaitingTimers, events, range), ({ data, recordedAt, streamId, type }) =>
      Effect.sync(() => {
        first ??= recordedAt.epochMilliseconds
        unkept++
        const set = type === "TimerSet" ? Option.getOrUndefined(timeOf(data)) : undefined
        if (set !== undefined && set.at <= now) found.push({ stream: streamId, at: set.at })
      })
    )
  }
  const since = unkept < most ? undefined : first
  for (const { at, stream } of found.sort((a, b) => a.at - b.at)) {
    const last = yield* Stream.runLast(events.readStream(stream))
    if (Option.isSome(last) && last.value.type === "TimerSet") return Math.min(at, since ?? at)
  }
  return since
})

/** The same, if one of the consumers is given timers. */
export const oldestTimerOf = (consumers: ReadonlyArray<Consumer>): typeof oldestTimer =>
  consumers.some(hasTimers) ? oldestTimer : Effect.undefined

const timeOf = Schema.decodeUnknownOption(Schema.Struct({ at: Schema.Int }))

// So many timers, and so many events, are looked at.
const most = 100
