import { alternate, type Contender, type Report } from "../measure.ts"
import { load, type Request, type Server, start } from "./load.ts"

const connections = 64

const body = () => JSON.stringify({ by: 1 })

const requests = {
  bare: { path: (i: number) => `/bare/${i}/Increment`, body },
  byHand: { path: (i: number) => `/by-hand/${i}/Increment`, body },
  http: { path: (i: number) => `/aggregates/Counter/${i}/Increment`, body }
} satisfies Record<string, Request>

// Each request is for a stream of its own: of this round, and of this contender.
const contender = (server: Server, name: string, request: Request, count: number, place: number): Contender => ({
  name,
  count,
  run: (round) => load(server, request, { connections, count, first: (round * 10 + place) * 1_000_000 })
})

/** Commands over HTTP, on stores in memory and on Postgres. */
export const commands = async (url: string): Promise<ReadonlyArray<Report>> => {
  const memory = await start("server.ts")
  const inMemory = await alternate(
    [
      contender(memory, "bare route, executes nothing", requests.bare, 20_000, 0),
      contender(memory, "route by hand", requests.byHand, 20_000, 1),
      contender(memory, "HTTP", requests.http, 20_000, 2)
    ],
    5
  )
  memory.close()
  const postgres = await start("server.ts", url)
  const onPostgres = await alternate(
    [
      contender(postgres, "route by hand", requests.byHand, 10_000, 0),
      contender(postgres, "HTTP", requests.http, 10_000, 1)
    ],
    5
  )
  postgres.close()
  const [bare, , http] = inMemory
  const [byHand, httpOnPostgres] = onPostgres
  return [
    {
      title: `Commands over HTTP in memory, ${connections} connections`,
      measured: inMemory,
      bars: [{ claim: "HTTP, of the bare route", figure: http!.median / bare!.median, atLeast: 0.5 }]
    },
    {
      title: `Commands over HTTP on Postgres, ${connections} connections`,
      measured: onPostgres,
      bars: [{ claim: "HTTP, of the route by hand", figure: httpOnPostgres!.median / byHand!.median, atLeast: 0.8 }]
    }
  ]
}
