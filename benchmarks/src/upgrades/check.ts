/** What must hold when a round of upgrades has ended. */
import { type EventStore, Projection, Query, Records, EventStore as Store } from "@hexfold/core"
import { Effect, Layer, type Schema, Stream } from "effect"
import type { Line } from "./lines.ts"
import { programs, tills } from "./programs.ts"

type Recorded = EventStore.RecordedEvent

/** What a stored event says, read by hand: the check trusts no program. */
const meaningOf = ({
  data,
  schemaVersion,
  type
}: Recorded): { readonly cents: number } | { readonly note: Schema.Json } => {
  const { cents, euros, mark, text } = data as { readonly [name: string]: Schema.Json }
  if (type === "Paid" && schemaVersion === 1) return { cents: Math.round(Number(euros) * 100) }
  if (type === "Paid" && schemaVersion === 2) return { cents: Number(cents) }
  return { note: (type === "Marked" ? mark : text) ?? null }
}

interface Found {
  readonly cents: number
  readonly notes: ReadonlyArray<Schema.Json>
}

const contentsOf = (log: ReadonlyArray<Recorded>): ReadonlyMap<string, Found> => {
  const contents = new Map<string, Found>(tills.map((till) => [till, { cents: 0, notes: [] }]))
  for (const recorded of log) {
    const till = recorded.streamId.slice("Till-".length)
    const { cents, notes } = contents.get(till)!
    const meaning = meaningOf(recorded)
    if ("cents" in meaning) contents.set(till, { cents: cents + meaning.cents, notes })
    else contents.set(till, { cents, notes: [...notes, meaning.note] })
  }
  return contents
}

/** Every command that was answered has one event, as it was sent; no command has two; and no event comes from nowhere. */
export const checkCommands = (lines: ReadonlyArray<Line>, log: ReadonlyArray<Recorded>): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const byCommand = Map.groupBy(log, ({ metadata }) => metadata.causationId)
  const sent = new Map(lines.flatMap((line) => (line._tag === "Sent" ? [[line.commandId, line] as const] : [])))
  for (const line of lines) {
    if (line._tag === "Wrong") problems.push(`${line.problem} (${line.program})`)
    if (line._tag !== "Done") continue
    const { command, till } = sent.get(line.commandId)!
    const found = byCommand.get(line.commandId)?.[0]
    if (found === undefined) {
      problems.push(`lost: ${line.commandId}`)
      continue
    }
    const expected = command._tag === "Pay" ? { cents: command.cents } : { note: command.text }
    if (JSON.stringify(meaningOf(found)) !== JSON.stringify(expected)) problems.push(`misread: ${line.commandId}`)
    if (found.streamId !== `Till-${till}` || found.version !== line.version)
      problems.push(`elsewhere: ${line.commandId}`)
  }
  for (const [commandId, events] of byCommand) {
    if (events.length > 1) problems.push(`doubled: ${commandId} has ${events.length} events`)
    if (!sent.has(commandId)) problems.push(`invented: ${commandId}`)
  }
  return problems
}

/** What the last program reads at the end: states with and without snapshots, and records, are what the log says. */
export const checkEnd = (lease: number, patience: number) =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    const { load, snapshots, views } = programs.second
    const log = yield* Stream.runCollect((yield* Store.EventStore).readAll())
    const contents = contentsOf(log)
    const all = [views.balances, views.notes]
    yield* Layer.build(Projection.layer(all, { lease }))
    yield* Projection.waitUntil(all, log.at(-1)?.position ?? 0, { timeout: patience })
    const compare = (what: string, till: string, found: unknown, expected: unknown) => {
      if (JSON.stringify(found) !== JSON.stringify(expected)) problems.push(`misread: ${what} of ${till} at the end`)
    }
    for (const [till, { cents, notes }] of contents) {
      compare("the state", till, yield* load(till), { cents, notes })
      compare("the state with snapshots", till, yield* Effect.provide(load(till), snapshots), { cents, notes })
    }
    const balances = yield* Records.query(views.balances, Query.from(views.balances))
    for (const { key, state } of balances.rows) compare("the balance", key, state.cents, contents.get(key)?.cents)
    const notes = yield* Records.query(views.notes, Query.from(views.notes))
    for (const { key, state } of notes.rows) compare("the notes", key, state.notes, contents.get(key)?.notes)
    for (const view of all) {
      const { different } = yield* Projection.verify(view)
      if (different > 0) problems.push(`misread: ${view.name}: verify finds ${different} records that differ`)
    }
    return { log, problems }
  }).pipe(Effect.scoped)
