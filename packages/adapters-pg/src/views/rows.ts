import type { ProjectionStore, ViewStore } from "@hexfold/core"
import { DateTime, Duration } from "effect"

/** The columns of a dead letter, as the driver returns them. */
export interface DeadLetterRow {
  readonly position: bigint
  readonly key: string
  readonly parked: boolean
  readonly stream: string
  readonly event_version: bigint
  readonly type: string
  readonly mishap: StoredError | null
  readonly at: number
  readonly history: bigint
}

// Stored rows have the members `mishap` and `eventVersion`. The ports call them `error` and `streamVersion`.
type StoredError = NonNullable<ProjectionStore.Unapplied["error"]>

/** An event that was not applied, as stored JSON. */
export interface StoredUnapplied {
  readonly position: number
  readonly stream: string
  readonly eventVersion: number
  readonly type: string
  readonly mishap?: StoredError
  /** The time in milliseconds since 1970. */
  readonly at: number
}

/** The dead letter of a row. */
export const deadLetterOf = ({
  event_version,
  history,
  key,
  parked,
  position,
  ...row
}: DeadLetterRow): ProjectionStore.DeadLetter => ({
  key,
  parked,
  history: Number(history),
  ...unappliedOf({ ...row, position: Number(position), eventVersion: Number(event_version) })
})

/** The JSON to store for an event that was not applied. */
export const storedOf = ({
  at,
  error,
  position,
  stream,
  streamVersion,
  type
}: ProjectionStore.Unapplied): StoredUnapplied => ({
  position,
  stream,
  eventVersion: streamVersion,
  type,
  ...(error === undefined ? {} : { mishap: error }),
  at: DateTime.toEpochMillis(at)
})

const unappliedOf = ({
  at,
  eventVersion,
  mishap,
  position,
  stream,
  type
}: Omit<StoredUnapplied, "mishap"> & { readonly mishap?: StoredError | null }): ProjectionStore.Unapplied => ({
  position,
  stream,
  streamVersion: eventVersion,
  type,
  ...(mishap === null || mishap === undefined ? {} : { error: mishap }),
  at: DateTime.makeUnsafe(at)
})

/** The columns of a generation and of one of its parts. */
export interface StatusRow {
  readonly id: bigint
  readonly view: string
  readonly version: bigint
  readonly build: bigint
  readonly serves: boolean
  readonly replaced: boolean
  readonly inline: boolean
  readonly fingerprint: string | null
  readonly epoch: bigint
  readonly position: bigint
  readonly history: bigint | null
  readonly owner: string | null
  /** In seconds. */
  readonly unowned_for: number | null
  /** In seconds. */
  readonly since_foreign: number | null
  readonly failure: StoredUnapplied | null
  readonly events_per_second: number | null
  readonly positions_per_second: number | null
  readonly changes: bigint
}

/** All generations from the rows of their parts, and from the changes that appends have made to some of them. */
export const statusesOf = (
  rows: ReadonlyArray<StatusRow>,
  appended: ReadonlyMap<bigint, number>
): ReadonlyArray<ViewStore.Status> => {
  const byGeneration = new Map<string, Array<StatusRow>>()
  for (const row of rows) {
    const name = `${row.view} ${row.version} ${row.build}`
    const parts = byGeneration.get(name)
    if (parts === undefined) byGeneration.set(name, [row])
    else parts.push(row)
  }
  return [...byGeneration.values()].map((parts) => {
    const { build, fingerprint, id, inline, replaced, serves, since_foreign, version, view } = parts[0]!
    return {
      view,
      version: Number(version),
      build: Number(build),
      position: Math.min(...parts.map(({ position }) => Number(position))),
      parts: parts.map(partOf),
      serves,
      replaced,
      inline,
      changes: parts.reduce((sum, { changes }) => sum + Number(changes), appended.get(id) ?? 0),
      ...(fingerprint === null ? {} : { fingerprint }),
      ...(since_foreign === null ? {} : { sinceForeignAppend: Duration.seconds(Math.max(0, since_foreign)) })
    }
  })
}

const partOf = (row: StatusRow): ViewStore.PartStatus => {
  const [events, positions] = [row.events_per_second, row.positions_per_second]
  return {
    epoch: Number(row.epoch),
    position: Number(row.position),
    ...(row.inline || row.history === null ? {} : { history: Number(row.history) }),
    owner: row.owner ?? undefined,
    unownedFor: row.unowned_for === null ? undefined : Duration.seconds(row.unowned_for),
    failure: row.failure === null ? undefined : unappliedOf(row.failure),
    throughput: events === null || positions === null ? undefined : { events, positions }
  }
}
