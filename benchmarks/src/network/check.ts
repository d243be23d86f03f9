/** Holds what a round has left behind to what is promised: nothing lost, doubled, invented, stuck or leaked. */
import { collecting } from "../rounds/report.ts"
import type { Counts } from "./counting.ts"

/** A command that a client is about to send. */
export interface Sent {
  readonly _tag: "Sent"
  readonly token: string
  /** One tally, or two that shall both have it or none. */
  readonly ids: readonly [string, ...ReadonlyArray<string>]
  /** The version that the tally must have. */
  readonly expected?: number
}

/** A line of a client. */
export type ClientLine =
  | Sent
  | { readonly _tag: "Receipt"; readonly token: string }
  /** The domain has rejected it, or the version was another one. */
  | { readonly _tag: "Refused"; readonly token: string }
  /** An error that no kill explains. */
  | { readonly _tag: "Unexpected"; readonly token: string; readonly error: string }

/** An event as the log has it. */
export interface LogLine {
  readonly position: number
  readonly stream: string
  readonly n: number
  readonly token: string
}

/** An event as the feed has sent it. */
export interface FeedLine extends LogLine {
  /** The id of the event in the feed. */
  readonly feed: string
}

/** A live result: the count of each tally. */
export interface ResultLine {
  readonly tallies: Readonly<Record<string, number>>
}

/** What a round has left behind. */
export interface Remains {
  readonly clients: ReadonlyArray<ClientLine>
  readonly log: ReadonlyArray<LogLine>
  readonly feed: ReadonlyArray<FeedLine>
  /** The last result of each watcher. */
  readonly results: ReadonlyArray<ResultLine | undefined>
  /** What a process holds that has served all of it, and what one holds that has served nothing. */
  readonly counts: { readonly after: Counts; readonly fresh: Counts }
}

/** What a process must give back. */
export const kinds = ["fibers", "connections", "listeners"] as const

const name = ({ n, stream, token }: LogLine) => `${stream} ${n} ${token}`

/** The problems of a round. */
export const check = ({ clients, counts, feed, log, results }: Remains): ReadonlyArray<string> => {
  const { collected, report } = collecting()
  const events = Map.groupBy(log, ({ token }) => token)
  const sent = new Map(clients.flatMap((line) => (line._tag === "Sent" ? [[line.token, line] as const] : [])))
  for (const line of clients) {
    const found = (events.get(line.token) ?? []).map(({ stream }) => stream).sort()
    const wanted = (sent.get(line.token)?.ids ?? []).map((id) => `Tally-${id}`).sort()
    if (line._tag === "Unexpected") report(`unexpected: ${line.token}: ${line.error}`)
    if (line._tag === "Refused" && found.length > 0) report(`invented: ${line.token} was refused, and is in the log`)
    if (line._tag === "Receipt" && found.join() !== wanted.join()) {
      report(
        `${found.length < wanted.length ? "lost" : "twice"}: ${line.token} is in [${found.join()}] and not in [${wanted.join()}]`
      )
    }
    const expected = line._tag === "Receipt" ? sent.get(line.token)?.expected : undefined
    const version = events.get(line.token)?.[0]?.n
    if (expected !== undefined && version !== undefined && version !== expected + 1) {
      report(`version: ${line.token} expected ${expected} and has become ${version}`)
    }
  }
  for (const token of events.keys())
    if (!sent.has(token)) report(`invented: ${token} is in the log, and nobody sent it`)
  const [inLog, inFeed] = [log.map(name), feed.map(name)]
  const at = inLog.findIndex((text, i) => text !== inFeed[i])
  if (at >= 0) report(`feed: at place ${at + 1} it has ${inFeed[at]} and the log ${inLog[at]}`)
  if (inFeed.length > inLog.length) report(`feed: it has ${inFeed.length} events and the log ${inLog.length}`)
  const tallies = new Map(log.map(({ n, stream }) => [stream.slice("Tally-".length), n]))
  results.forEach((result, i) => {
    for (const [id, count] of tallies) {
      const shown = result?.tallies[id]
      if (shown !== count) report(`live: watcher ${i} was last shown ${shown} for ${id}, which is ${count}`)
    }
  })
  for (const kind of kinds) {
    const [after, fresh] = [counts.after[kind], counts.fresh[kind]]
    if (after > fresh) report(`leaked: ${kind}: ${after} after the load, ${fresh} without any`)
  }
  return collected()
}
