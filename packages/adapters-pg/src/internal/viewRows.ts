import type { ViewStore } from "@hexfold/core"

/** The columns of a letter, as the driver gives them. */
export interface LetterRow {
  readonly position: bigint
  readonly key: string
  readonly parked: boolean
  readonly stream: string
  readonly event_version: bigint
  readonly type: string
  readonly mishap: NonNullable<ViewStore.Letter["mishap"]> | null
  readonly at: number
}

/** A letter from its row. */
export const letterOf = ({ event_version, mishap, position, ...row }: LetterRow): ViewStore.Letter => ({
  ...row,
  position: Number(position),
  eventVersion: Number(event_version),
  ...(mishap === null ? {} : { mishap })
})

/** The columns of a generation and of one of its parts. */
export interface StatusRow {
  readonly view: string
  readonly version: bigint
  readonly build: bigint
  readonly serves: boolean
  readonly replaced: boolean
  readonly inline: boolean
  readonly epoch: bigint
  readonly position: bigint
  readonly owner: string | null
  readonly failure: ViewStore.Unapplied | null
  readonly events_per_second: number | null
  readonly positions_per_second: number | null
}

/** All generations from the rows of their parts, which stand together. */
export const statusesOf = (rows: ReadonlyArray<StatusRow>): ReadonlyArray<ViewStore.Status> => {
  const byGeneration = new Map<string, Array<StatusRow>>()
  for (const row of rows) {
    const name = `${row.view} ${row.version} ${row.build}`
    const parts = byGeneration.get(name)
    if (parts === undefined) byGeneration.set(name, [row])
    else parts.push(row)
  }
  return [...byGeneration.values()].map((parts) => {
    const { build, inline, replaced, serves, version, view } = parts[0]!
    return {
      view,
      version: Number(version),
      build: Number(build),
      position: Math.min(...parts.map(({ position }) => Number(position))),
      parts: parts.map(partOf),
      serves,
      replaced,
      inline
    }
  })
}

const partOf = (row: StatusRow): ViewStore.PartStatus => {
  const [events, positions] = [row.events_per_second, row.positions_per_second]
  return {
    epoch: Number(row.epoch),
    position: Number(row.position),
    owner: row.owner ?? undefined,
    failure: row.failure ?? undefined,
    speed: events === null || positions === null ? undefined : { events, positions }
  }
}
