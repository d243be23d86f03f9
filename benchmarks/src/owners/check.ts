/** Holds what a round has left behind to the log. Pure: a list of problems, and figures. */
import type { EventStore, ViewStore } from "@hexfold/core"
import { isDeepStrictEqual } from "node:util"
import { collecting, type Report } from "../rounds/report.ts"
import type { Row } from "./log.ts"
import { foldsOf, inlineViews } from "./views.ts"

/** The records of a view, and what else the stores say of it. */
export interface Left {
  /** The records by key, as JSON. */
  readonly records: ReadonlyMap<string, unknown>
  /** All generations of the view. */
  readonly generations: ReadonlyArray<Pick<ViewStore.Status, "inline" | "parts" | "serves" | "version" | "build">>
  readonly deadLetters: number
  /** What `Projection.verify` has found. */
  readonly verified: { readonly different: number; readonly unjudged: number }
}

/** What a round has left behind. */
export interface Remains {
  /** The rows that were executed. */
  readonly rows: ReadonlyArray<Row>
  readonly log: ReadonlyArray<EventStore.RecordedEvent>
  /** By the name of the view. */
  readonly views: ReadonlyMap<string, Left>
}

type Givens = Parameters<typeof foldsOf>[0]
type Given = Givens[number]

const textOf = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value))

/** Each row is in the log once, with what it says, and nothing else is. */
const checkLog = ({ log, rows }: Remains, report: Report): void => {
  const nameOf = (declaration: string, step: unknown) => `${declaration}, step ${String(step)}`
  const found = new Map<string, unknown>()
  for (const { data, streamId } of log) {
    const name = nameOf(streamId.slice("Declaration-".length), (data as { readonly step?: unknown }).step)
    if (found.has(name)) report(`log: ${name} is there twice`)
    found.set(name, data)
  }
  for (const { declaration, id: _, ...row } of rows) {
    const name = nameOf(declaration, row.step)
    const { _tag, ...data } = (found.get(name) ?? {}) as Record<string, unknown>
    if (!isDeepStrictEqual(data, row)) report(`log: ${name} is ${textOf(found.get(name))}, the row says ${textOf(row)}`)
    found.delete(name)
  }
  for (const name of found.keys()) report(`log: ${name} is no row`)
}

const givenOf = ({ data, id, position, streamId, type, version, metadata, recordedAt }: EventStore.RecordedEvent) => {
  const envelope = { eventId: id, position, version, streamId, metadata, recordedAt }
  const event = { ...(data as object), _tag: type } as Given["event"]
  const given: Given = { aggregate: "Declaration", id: streamId.slice("Declaration-".length), ...envelope, event }
  return given
}

const checkView = (
  name: string,
  { deadLetters, generations, records, verified }: Left,
  expected: ReadonlyMap<string, unknown>,
  end: number,
  report: Report
): void => {
  for (const [key, record] of records) {
    if (!expected.has(key)) report(`too many: ${name}: ${key} is ${textOf(record)}, the log makes nothing`)
  }
  for (const [key, state] of expected) {
    if (!records.has(key)) report(`missing: ${name}: ${key} is nothing, the log makes ${textOf(state)}`)
    else if (!isDeepStrictEqual(records.get(key), state)) {
      report(`wrong: ${name}: ${key} is ${textOf(records.get(key))}, the log makes ${textOf(state)}`)
    }
  }
  const [generation, ...others] = generations
  if (generation === undefined || others.length > 0) report(`generations: ${name} has ${generations.length}, not 1`)
  for (const { inline, parts, serves } of generations) {
    if (!serves) report(`not serving: ${name} does not answer`)
    if (!inline && inlineViews.some((view) => view.name === name)) report(`inline: appends do not maintain ${name}`)
    for (const [i, { failure, position }] of parts.entries()) {
      if (failure !== undefined) report(`stopped: ${name}, part ${i}: ${textOf(failure)}`)
      if (position < end) report(`position: ${name}, part ${i} is at ${position}, the log ends at ${end}`)
    }
  }
  if (deadLetters > 0) report(`dead letters: ${name} has ${deadLetters}`)
  const { different, unjudged } = verified
  if (different + unjudged > 0) report(`verify: ${name}: ${different} records differ, ${unjudged} cannot be judged`)
}

/** Checks what a round has left behind. */
export const check = (remains: Remains) => {
  const { collected, report } = collecting()
  const { log, views } = remains
  checkLog(remains, report)
  const end = log.at(-1)?.position ?? 0
  for (const [name, expected] of foldsOf(log.map(givenOf))) {
    const left = views.get(name)
    if (left === undefined) report(`missing: the view ${name}`)
    else checkView(name, left, expected, end, report)
  }
  const records = [...views.values()].reduce((sum, left) => sum + left.records.size, 0)
  return { problems: collected(), figures: { events: log.length, records } }
}
