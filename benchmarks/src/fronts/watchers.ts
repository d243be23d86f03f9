import { Agent, get, request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { percentile, type Report } from "../measure.ts"
import { type Server, start } from "./load.ts"

const watchers = 1_000
const rate = 50
const seconds = 20
/** In the first seconds the code is not compiled yet. They are not measured. */
const warming = 5

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

const text = (url: string, body?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" }
    const sent = request(url, { agent, method: body === undefined ? "GET" : "POST", headers }, (response) => {
      let whole = ""
      response.setEncoding("utf8")
      response.on("data", (part: string) => (whole += part))
      response.on("end", () => resolve(whole))
    })
    sent.on("error", reject)
    sent.end(body)
  })

/** Watches the total, and tells of each result. Gives how to stop. */
const watch = (origin: string, shown: (count: number) => void): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const sent = get(`${origin}/live/Totals`, { agent: false }, (response) => {
      response.setEncoding("utf8")
      let open = ""
      response.on("data", (part: string) => {
        open += part
        for (let end = open.indexOf("\n\n"); end >= 0; end = open.indexOf("\n\n")) {
          const count = /"count":(\d+)/.exec(open.slice(0, end))?.[1]
          open = open.slice(end + 2)
          if (count !== undefined) shown(Number(count))
        }
      })
      resolve(() => sent.destroy())
    })
    sent.on("error", reject)
  })

/** How many values each bucket of a histogram has, and those with smaller bounds. */
const bucketsIn = (metrics: string, name: string): ReadonlyMap<number, number> =>
  new Map(
    Array.from(
      metrics.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, "gm")),
      (found) => [Number(found[1]), Number(found[2])] as const
    )
  )

/** The upper bound of the bucket in which a share of the values lies that came between two moments. */
const quantileOf = (share: number, before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number => {
  const counts = Array.from(after, ([bound, count]) => ({ bound, count: count - (before.get(bound) ?? 0) }))
  const all = Math.max(...counts.map(({ count }) => count))
  return counts.find(({ count }) => count >= all * share)?.bound ?? Number.NaN
}

const measured = async (title: string, { close, origin }: Server): Promise<Report> => {
  const increment = (i: number) => text(`${origin}/aggregates/Counter/${i % 100}/Increment`, JSON.stringify({ by: 1 }))
  await increment(0)
  // A view that is built answers no watcher yet.
  while (!(await text(`${origin}/views/Totals`)).includes('"count":1')) await sleep(20)
  const answeredAt: Array<number> = []
  const lags: Array<number> = []
  let [frames, isWarm] = [0, false]
  // A result may stand for several events: it shows the first of them at the latest.
  const shownTo = () => {
    let last = 1
    return (count: number) => {
      const now = performance.now()
      frames++
      for (let n = last + 1; isWarm && n <= count; n++) lags.push(now - (answeredAt[n] ?? now))
      last = Math.max(last, count)
    }
  }
  const stops: Array<() => void> = []
  for (let i = 0; i < watchers; i++) stops.push(await watch(origin, shownTo()))
  const queriesOf = async () => (JSON.parse(await text(`${origin}/queries`)) as { readonly queries: number }).queries
  const lagsOf = async () => bucketsIn(await text(`${origin}/metrics`), "hexfold_live_result_lag_seconds")
  // The count of an event is its index here. The event that was sent before the watchers came has the count 1.
  answeredAt.push(0, 0)
  const send = async (events: number) => {
    const begun = performance.now()
    const sending: Array<Promise<void>> = []
    for (let i = 1; i <= events; i++) {
      sending.push(increment(i).then(() => void answeredAt.push(performance.now())))
      await sleep(Math.max(0, begun + (i * 1_000) / rate - performance.now()))
    }
    await Promise.all(sending)
    const took = (performance.now() - begun) / 1_000
    await sleep(1_000)
    return took
  }
  await send(rate * warming)
  isWarm = true
  const [queries, first, lagsBefore] = [await queriesOf(), frames, await lagsOf()]
  const events = rate * seconds
  const took = await send(events)
  const asked = (await queriesOf()) - queries
  const ownLag = quantileOf(0.99, lagsBefore, await lagsOf())
  for (const stop of stops) stop()
  close()
  const share = (of: number) => percentile(lags, of)
  return {
    title,
    measured: [],
    bars: [
      { claim: "events a second", figure: events / took },
      { claim: "store queries an event", figure: asked / events, atMost: 2 },
      { claim: "results a second to a watcher", figure: (frames - first) / watchers / took, atMost: 10.5 },
      { claim: "ms from the answer of a command to a watcher that shows it, p50", figure: share(0.5) },
      { claim: "the same, p99", figure: share(0.99), atMost: 400 },
      {
        claim: "p99 of the front's own metric, at most this many ms",
        figure: 1_000 * ownLag,
        atMost: 400
      }
    ]
  }
}

/** Many watchers of one live query. */
export const watching = async (url: string): Promise<ReadonlyArray<Report>> => [
  await measured(`${watchers} watchers of one live query over HTTP, in memory`, await start("watching.ts")),
  await measured(`${watchers} watchers of one live query over HTTP, on Postgres`, await start("watching.ts", url))
]
