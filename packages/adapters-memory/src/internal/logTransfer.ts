import { type EventStoreError, LogTransfer, type EventStore } from "@hexfold/core"
import { Ids, TransferCheck } from "@hexfold/core/adapter"
import { DateTime, Effect, Result, Stream } from "effect"
import type { Command, Log } from "./log.ts"

/** What moves a log in memory. Each operation is one synchronous step, a stream of commands one for each page. */
export const logTransfer = (data: Log): LogTransfer.LogTransfer["Service"] => {
  const { commands, streams } = data

  const eventAt = ({ streamId, version }: LogTransfer.EventPlace): EventStore.RecordedEvent | undefined =>
    streams.get(streamId)?.[version - 1]

  const find = (key: string): LogTransfer.UsedCommand | undefined => {
    const command = commands.get(key)
    return command && usedOf(key, command)
  }

  /** The command as the log remembers it; undefined if it remembers it already. */
  const commandOf = (given: LogTransfer.UsedCommand): Result.Result<Command | undefined, EventStoreError> => {
    const found = find(given.key)
    if (found !== undefined) {
      return TransferCheck.isSame(found, given)
        ? Result.succeed(undefined)
        : Result.fail(TransferCheck.differs(given, found))
    }
    const events: Array<EventStore.RecordedEvent> = []
    for (const place of given.events) {
      const event = eventAt(place)
      if (event === undefined) return Result.fail(TransferCheck.differs(given, undefined))
      events.push(event)
    }
    const { fingerprint, streams, usedAt } = given
    return Result.succeed({ at: DateTime.toEpochMillis(usedAt), fingerprint, appended: { events, streams } })
  }

  const record = (given: ReadonlyArray<LogTransfer.UsedCommand>): EventStoreError | undefined => {
    const refused = TransferCheck.check(given)
    if (refused !== undefined) return refused
    const added: Array<readonly [string, Command]> = []
    for (const each of given) {
      const command = commandOf(each)
      if (Result.isFailure(command)) return command.failure
      if (command.success !== undefined) added.push([each.key, command.success])
    }
    // The oldest first, as a sweep expects them.
    const all = [...commands, ...added].sort(([, a], [, b]) => a.at - b.at)
    commands.clear()
    for (const [key, command] of all) commands.set(key, command)
    return undefined
  }

  return LogTransfer.LogTransfer.of({
    log: Effect.clockWith((clock) =>
      Effect.map(Ids.Next, (next) => (data.id ??= next(clock.currentTimeMillisUnsafe())))
    ),

    commands: (upTo) =>
      Stream.suspend(() => {
        const isBelow = ({ streamId, version }: LogTransfer.EventPlace): boolean =>
          version === 0 || (eventAt({ streamId, version })?.position ?? Infinity) <= upTo
        const belongs = ({ appended }: Command): boolean =>
          appended.events.length === 0
            ? appended.streams.every(isBelow)
            : appended.events.every(({ position }) => position <= upTo)
        const chosen = Array.from(commands).filter(([, command]) => belongs(command))
        return Stream.fromIterable(
          chosen.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, command]) => usedOf(key, command))
        )
      }),

    find: (events, keys) =>
      Effect.sync(() => ({ events: events.map((place) => eventAt(place)?.id), commands: keys.map(find) })),

    record: (given) =>
      Effect.suspend(() => {
        const refused = record(given)
        return refused === undefined ? Effect.void : Effect.fail(refused)
      })
  })
}

const usedOf = (key: string, { appended, at, fingerprint }: Command): LogTransfer.UsedCommand => ({
  key,
  fingerprint,
  streams: appended.streams,
  events: appended.events.map(({ streamId, version }) => ({ streamId, version })),
  usedAt: DateTime.makeUnsafe(at)
})
