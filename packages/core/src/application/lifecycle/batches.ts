/** The entries of a file in batches, each of which is looked up and written in one step. Pure, with a state. */
import type { Entry } from "./reader.ts"

/** An entry that says an event. */
export type EventEntry = Extract<Entry, { readonly _tag: "Event" }>
/** An entry that says a command. */
export type CommandEntry = Extract<Entry, { readonly _tag: "Command" }>

/** Entries that follow each other. */
export type Batch =
  | { readonly _tag: "Events"; readonly entries: ReadonlyArray<EventEntry> }
  | { readonly _tag: "Commands"; readonly entries: ReadonlyArray<CommandEntry> }
  | Extract<Entry, { readonly _tag: "Header" | "End" }>

/** After so many UTF-16 units a batch ends. */
const mostUnits = 4 << 20

/** What was gathered and is no batch yet. */
export interface Gathered {
  events: Array<EventEntry>
  commands: Array<CommandEntry>
  size: number
}

/** Nothing. */
export const nothing = (): Gathered => ({ events: [], commands: [], size: 0 })

/** Adds entries to what was gathered, and gives the batches that are whole. A batch has `most` entries at most. */
export const gather =
  (most: number) =>
  (gathered: Gathered, entries: ReadonlyArray<Entry>): readonly [Gathered, ReadonlyArray<Batch>] => {
    const batches: Array<Batch> = []
    const flush = () => {
      batches.push(...rest(gathered))
      Object.assign(gathered, nothing())
    }
    for (const entry of entries) {
      if (entry._tag === "Header" || entry._tag === "End") {
        flush()
        batches.push(entry)
        continue
      }
      if (entry._tag === "Event") gathered.events.push(entry)
      else {
        if (gathered.events.length > 0) flush()
        gathered.commands.push(entry)
      }
      gathered.size += entry.size
      if (gathered.events.length + gathered.commands.length >= most || gathered.size >= mostUnits) flush()
    }
    return [gathered, batches]
  }

/** What was gathered, as batches. */
export const rest = ({ commands, events }: Gathered): ReadonlyArray<Batch> => [
  ...(events.length > 0 ? [{ _tag: "Events" as const, entries: events }] : []),
  ...(commands.length > 0 ? [{ _tag: "Commands" as const, entries: commands }] : [])
]
