import { setTimeout as sleep } from "node:timers/promises"
import { alternate, type Contender, type Measured, median, type Report } from "../measure.ts"
import { ask, load, type Request, type Server, start } from "./load.ts"

const connections = 64

const body = () => JSON.stringify({ by: 1 })

const event = `meta { id version position streamId recordedAt correlationId causationId } by`
const receipt = `streamId version position history attempts repeated events { ... on CounterIncremented { ${event} } }`
const mutation = `mutation($id: String!, $by: SafeInt!) { counterIncrement(id: $id, input: { by: $by }) { ... on CounterReceipt { ${receipt} } } }`
const question = `query($first: Int!) { counts(first: $first) { nodes { key count last label } pageInfo { endCursor } } }`

const requests = {
  bare: { path: (i: number) => `/bare/${i}/Increment`, body },
  byHand: { path: (i: number) => `/by-hand/${i}/Increment`, body },
  http: { path: (i: number) => `/aggregates/Counter/${i}/Increment`, body },
  graphql: {
    path: () => "/graphql",
    body: (i: number) => JSON.stringify({ query: mutation, variables: { id: String(i), by: 1 } })
  },
  barePage: { path: () => "/bare-page", body: () => JSON.stringify({ first: 20 }) },
  httpPage: { path: () => "/views/Counts", body: () => JSON.stringify({ _tag: "Records", view: "Counts", limit: 20 }) },
  graphqlPage: {
    path: () => "/graphql",
    body: () => JSON.stringify({ query: question, variables: { first: 20 } })
  }
} satisfies Record<string, Request>

// Each request is for a stream of its own: of this round, and of this contender.
const contender = (server: Server, name: string, request: Request, count: number, place: number): Contender => ({
  name,
  count,
  run: (round) => load(server, request, { connections, count, first: (round * 10 + place) * 1_000_000 })
})

const ratio = (one: Measured, other: Measured) => one.median / other.median

const doubling = (times: number) =>
  `{ ...F0 } ${Array.from({ length: times }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(" ")} fragment F${times} on Query { counts { nodes { key } } }`

const hostile: Readonly<Record<string, string>> = {
  aliases: `{ ${Array.from({ length: 60 }, (_, i) => `a${i}: counts(first: 100) { nodes { key } }`).join(" ")} }`,
  circle: `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`,
  "powers of two": doubling(24),
  tokens: `{ ${"a ".repeat(400_000)} }`,
  depth: `{ counts { nodes { ${"a { ".repeat(200)} b ${"} ".repeat(200)} } } }`,
  introspection: `{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }`
}

/** The time that each hostile document takes to be refused, in milliseconds: the median of many. */
const refusals = async (server: Server): Promise<ReadonlyArray<readonly [name: string, millis: number]>> => {
  const found: Array<readonly [string, number]> = []
  for (const [name, query] of Object.entries(hostile)) {
    const times: Array<number> = []
    for (let i = 0; i < 21; i++) {
      // A text that was not seen before.
      const sent = JSON.stringify({ query: `${query} #${i}` })
      const begun = performance.now()
      const answer = await ask(server, "/graphql", sent)
      times.push(performance.now() - begun)
      if (!answer.includes("BAD_USER_INPUT")) throw new Error(`${name} is not refused: ${answer.slice(0, 200)}`)
    }
    found.push([name, median(times)])
  }
  return found
}

/** Commands and pages over HTTP and GraphQL, on stores in memory and on Postgres. */
export const commands = async (url: string): Promise<ReadonlyArray<Report>> => {
  const [count, pages] = [10_000, 5_000]
  const commandsOn = (server: Server) =>
    alternate(
      [
        contender(server, "bare route, executes nothing", requests.bare, count, 0),
        contender(server, "route by hand", requests.byHand, count, 1),
        contender(server, "HTTP", requests.http, count, 2),
        contender(server, "GraphQL", requests.graphql, count, 3)
      ],
      5
    )
  const memory = await start("server.ts", "", "no-views")
  const inMemory = await commandsOn(memory)
  memory.close()
  // Here the process that is measured also projects each event into a record.
  const followed = await start("server.ts")
  const withView = await commandsOn(followed)
  followed.close()
  // The pages are read from few records, by a server that has nothing else to do.
  const reading = await start("server.ts")
  for (let i = 0; i < 20; i++) await ask(reading, `/aggregates/Counter/page-${i}/Increment`, body())
  while ((await ask(reading, "/views/Counts", requests.httpPage.body())).split('"key"').length < 21) await sleep(50)
  const read = await alternate(
    [
      contender(reading, "bare route, reads nothing", requests.barePage, pages, 0),
      contender(reading, "HTTP", requests.httpPage, pages, 1),
      contender(reading, "GraphQL", requests.graphqlPage, pages, 2)
    ],
    5
  )
  const refused = await refusals(reading)
  reading.close()
  const postgres = await start("server.ts", url)
  const onPostgres = await alternate(
    [
      contender(postgres, "route by hand", requests.byHand, count, 0),
      contender(postgres, "HTTP", requests.http, count, 1),
      contender(postgres, "GraphQL", requests.graphql, count, 2)
    ],
    5
  )
  postgres.close()
  const [bare, , http, graphql] = inMemory
  const [barePage, , graphqlPage] = read
  const [byHand, httpOnPostgres] = onPostgres
  return [
    {
      title: `Commands over HTTP in memory, ${connections} connections`,
      measured: inMemory,
      bars: [
        { claim: "HTTP, of the bare route", figure: ratio(http!, bare!), atLeast: 0.5 },
        { claim: "GraphQL, of the bare route", figure: ratio(graphql!, bare!), atLeast: 0.35 }
      ]
    },
    {
      title: "The same, in a process that projects each event into a record",
      measured: withView,
      bars: [
        { claim: "HTTP, of the bare route", figure: ratio(withView[2]!, withView[0]!) },
        { claim: "GraphQL, of the bare route", figure: ratio(withView[3]!, withView[0]!) }
      ]
    },
    {
      title: `Pages of 20 records in memory, ${connections} connections`,
      measured: read,
      bars: [{ claim: "GraphQL, of the bare route", figure: ratio(graphqlPage!, barePage!), atLeast: 0.5 }]
    },
    {
      title: "Milliseconds until a hostile document is refused",
      measured: [],
      bars: refused.map(([name, millis]) => ({ claim: name, figure: millis, atMost: 50 }))
    },
    {
      title: `Commands over HTTP on Postgres, ${connections} connections`,
      measured: onPostgres,
      bars: [{ claim: "HTTP, of the route by hand", figure: ratio(httpOnPostgres!, byHand!), atLeast: 0.8 }]
    }
  ]
}
