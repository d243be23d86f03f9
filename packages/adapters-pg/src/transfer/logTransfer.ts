import { PgTypes } from "@effect/sql-pg"
import { type EventStoreError, LogTransfer, type StreamId } from "@hexfold/core"
import { TransferCheck } from "@hexfold/core/adapter"
import { DateTime, Effect, Option, Stream } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { array, bigints, int4, texts } from "../database/binds.ts"
import type { Limit } from "../database/disconnect.ts"
import { translated } from "../database/errors.ts"
import { hidden, incomplete } from "../database/logChecks.ts"
import { outsideOf, transactionOf } from "../database/transactions.ts"
import { keyOf } from "../events/keys.ts"
import * as statements from "./statements.ts"

/** What the transfer needs. */
export interface Options {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  readonly limited: Limit
  /** The most rows of a page. */
  readonly pageSize: number
  /** How many bytes of fingerprints end a page. */
  readonly pageBytes: number
}

/** What moves a log on Postgres. No operation joins a transaction of the caller. */
export const logTransfer = ({
  limited,
  pageBytes,
  pageSize,
  schema,
  sql
}: Options): LogTransfer.LogTransfer["Service"] => {
  const outside = outsideOf(sql)
  const within = <A>(call: Effect.Effect<A, SqlError.SqlError | EventStoreError>): Effect.Effect<A, EventStoreError> =>
    outside(limited("transfer")(translated("transfer")(call)))

  const usedOf = (row: CommandRow): Effect.Effect<LogTransfer.UsedCommand, EventStoreError> => {
    const { count, eventStreams, eventVersions, fingerprint, key, streams, usedAt, versions } = row
    if (eventStreams.length < count) {
      return Effect.fail(incomplete("transfer", `${count - eventStreams.length} events of the command ${key}`))
    }
    return Effect.succeed({
      key,
      fingerprint,
      streams: streams.map((streamId, i) => ({ streamId, version: Number(versions[i]) })),
      events: eventStreams.map((streamId, i) => ({ streamId, version: Number(eventVersions[i]) })),
      usedAt: DateTime.makeUnsafe(usedAt)
    })
  }

  const findCommands = (keys: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const found = new Map<string, LogTransfer.UsedCommand>()
      if (keys.length === 0) return found
      for (const row of yield* sql.unsafe<CommandRow>(statements.findCommands(schema), [texts(keys)])) {
        found.set(row.key, yield* usedOf(row))
      }
      return found
    })

  const findEvents = (places: ReadonlyArray<LogTransfer.EventPlace>) =>
    Effect.gen(function* () {
      const found = new Array<string | undefined>(places.length).fill(undefined)
      if (places.length === 0) return found
      const binds = [texts(places.map(({ streamId }) => keyOf(streamId))), bigints(places.map(versionOf))]
      for (const { id, place } of yield* sql.unsafe<EventRow>(statements.findEvents(schema), binds))
        found[place - 1] = id
      return found
    })

  // What was not added is there already, or its events are not.
  const record = (commands: ReadonlyArray<LogTransfer.UsedCommand>) =>
    Effect.gen(function* () {
      const rows = yield* sql.unsafe<{ readonly key: string }>(statements.record(schema), bindsOf(commands))
      if (rows.length === commands.length) return
      const added = new Set(rows.map(({ key }) => key))
      const left = commands.filter(({ key }) => !added.has(key))
      const found = yield* findCommands(left.map(({ key }) => key))
      for (const command of left) {
        const other = found.get(command.key)
        if (other === undefined || !TransferCheck.isSame(other, command)) {
          return yield* TransferCheck.differs(command, other)
        }
      }
    })

  return LogTransfer.LogTransfer.of({
    log: within(
      Effect.flatMap(sql.unsafe<LogRow>(statements.log(schema)), ([row]) =>
        row!.hides ? Effect.fail(hidden("transfer", `the schema ${schema}`)) : Effect.succeed(row!.id)
      )
    ),

    commands: (upTo) =>
      Stream.paginate("", (after) =>
        within(
          Effect.gen(function* () {
            const binds = [after, int4(pageSize), BigInt(pageBytes), BigInt(upTo)]
            const rows = yield* sql.unsafe<PageRow>(statements.commandsPage(schema), binds)
            const page = yield* Effect.forEach(
              rows.filter(({ belongs }) => belongs),
              usedOf
            )
            const last = rows.at(-1)
            return [page, last === undefined ? Option.none<string>() : Option.some(last.key)] as const
          })
        )
      ),

    find: (events, keys) =>
      within(
        Effect.gen(function* () {
          const commands = yield* findCommands(keys)
          return { events: yield* findEvents(events), commands: keys.map((key) => commands.get(key)) }
        })
      ),

    record: (commands) => {
      const refused = TransferCheck.check(commands)
      if (refused !== undefined) return Effect.fail(refused)
      if (commands.length === 0) return Effect.void
      return within(transactionOf(sql)(record(commands)))
    }
  })
}

const versionOf = ({ version }: LogTransfer.EventPlace): bigint => BigInt(version)

/** The lists of some commands, each entry with the place of its command from 1 on. */
const placesOf = (
  commands: ReadonlyArray<LogTransfer.UsedCommand>,
  of: (command: LogTransfer.UsedCommand) => ReadonlyArray<LogTransfer.EventPlace>,
  textOf: (streamId: StreamId.StreamId) => string
): ReadonlyArray<unknown> => {
  const all = commands.flatMap((command, i) => of(command).map((place) => ({ command: i + 1, place })))
  return [
    array(
      all.map(({ command }) => command),
      PgTypes.OID.int4
    ),
    texts(all.map(({ place }) => textOf(place.streamId))),
    bigints(all.map(({ place }) => versionOf(place)))
  ]
}

const bindsOf = (commands: ReadonlyArray<LogTransfer.UsedCommand>): ReadonlyArray<unknown> => [
  texts(commands.map(({ key }) => key)),
  texts(commands.map(({ fingerprint }) => fingerprint)),
  bigints(commands.map(({ usedAt }) => BigInt(DateTime.toEpochMillis(usedAt)))),
  ...placesOf(
    commands,
    ({ streams }) => streams,
    (streamId) => streamId
  ),
  ...placesOf(commands, ({ events }) => events, keyOf)
]

interface LogRow {
  readonly id: string
  readonly hides: boolean
}

interface EventRow {
  readonly place: number
  readonly id: string
}

interface CommandRow {
  readonly key: string
  readonly fingerprint: string
  readonly streams: ReadonlyArray<StreamId.StreamId>
  readonly versions: ReadonlyArray<bigint>
  readonly usedAt: Date
  /** How many events the command has recorded. */
  readonly count: number
  readonly eventStreams: ReadonlyArray<StreamId.StreamId>
  readonly eventVersions: ReadonlyArray<bigint>
}

interface PageRow extends CommandRow {
  readonly belongs: boolean
}
