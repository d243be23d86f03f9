/** Kills processes that own a view or a part of one. */
import type { ViewStore } from "@hexfold/core"
import { setTimeout as sleep } from "node:timers/promises"
import type { Kept } from "../rounds/processes.ts"
import { below, type Random } from "../rounds/random.ts"
import { inlineViews } from "./views.ts"

/** What a process owned when it was killed. */
const kinds = ["async", "part", "inline", "inline, by appends"] as const
type Kind = (typeof kinds)[number]

/** Something that a process owns. */
interface Owned {
  readonly kind: Kind
  readonly name: string
  readonly pid: number
}

/** What the status of a store says of owners. The name of an owner ends with the number of its process and an id. */
const ownedIn = (all: ReadonlyArray<ViewStore.Status>): ReadonlyArray<Owned> =>
  all.flatMap(({ inline, parts, view }) =>
    parts.flatMap(({ owner }, i) => {
      const pid = /:(\d+)#/.exec(owner ?? "")?.[1]
      if (pid === undefined) return []
      const ofAppends = inlineViews.some(({ name }) => name === view)
      const kind = inline ? "inline, by appends" : ofAppends ? "inline" : parts.length > 1 ? "part" : "async"
      return [{ kind, pid: Number(pid), name: parts.length > 1 ? `${view} ${i + 1}/${parts.length}` : view }]
    })
  )

/** What the kills of a round have met. */
export interface Hits {
  readonly kills: Array<string>
  /** The number of kills that met an owner. */
  hits: number
  /** The number of kills that met an owner of each kind. One kill may meet owners of several. */
  readonly byKind: Record<Kind, number>
}

/** Nothing yet. */
export const noHits = (): Hits => ({
  kills: [],
  hits: 0,
  byKind: { async: 0, part: 0, inline: 0, "inline, by appends": 0 }
})

/** Kills owners at random moments for as long as it is told to. */
export const killing = async (
  random: Random,
  status: () => Promise<ReadonlyArray<ViewStore.Status>>,
  workers: ReadonlyMap<string, Kept>,
  isOver: () => boolean,
  hits: Hits
): Promise<void> => {
  const start = performance.now()
  while (!isOver()) {
    await sleep(100 + below(random, 1_200))
    const [ofKind, ofOwned] = [random(), random()]
    // Who was killed still owns what it owned until its lease ends, but its number is not that of a worker any more.
    const nameOf = new Map([...workers].map(([name, { pid }]) => [pid(), name]))
    const owned = ownedIn(await status()).filter(({ pid }) => nameOf.has(pid))
    const present = kinds.filter((kind) => owned.some((each) => each.kind === kind))
    if (present.length === 0 || isOver()) continue
    const kind = present[Math.floor(ofKind * present.length)]!
    const candidates = owned.filter((each) => each.kind === kind)
    const { pid } = candidates[Math.floor(ofOwned * candidates.length)]!
    const worker = nameOf.get(pid)!
    workers.get(worker)!.kill()
    // A process that is killed releases nothing: what it still owns now it owned at its end.
    const met = ownedIn(await status()).filter((each) => each.pid === pid)
    const names = met.map(({ name }) => name).join(" and ")
    hits.kills.push(`worker ${worker}, owner of ${names || "nothing"}, at ${Math.round(performance.now() - start)}`)
    if (met.length > 0) hits.hits++
    for (const each of new Set(met.map((one) => one.kind))) hits.byKind[each]++
  }
}
