import { AckPolicy, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { EventStore } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { read } from "../kills/lines.ts"
import { stores } from "../kills/open.ts"
import type { Verdict } from "../rounds/command.ts"
import { startNats } from "../rounds/nats.ts"
import { patiently } from "../rounds/patiently.ts"
import { type Kept, keep } from "../rounds/processes.ts"
import { below, type Random, randomOf } from "../rounds/random.ts"
import { type Death, startServer } from "../rounds/server.ts"
import { until } from "../rounds/until.ts"
import { names, schemas } from "./apps.ts"
import { check, expectedOf, type Received, type Sent } from "./check.ts"

const deaths: ReadonlyArray<Death> = ["main", "all", "immediate"]

/** What is killed: each side and the server of NATS at least once, and others at random. */
const planned = (random: Random, most: number) => {
  const sender = () => `sender ${["A", "B"][below(random, 2)]}`
  const receiver = () => `receiver ${["A", "B"][below(random, 2)]}`
  const other = () =>
    [sender, receiver, () => "nats", () => `server ${deaths[below(random, deaths.length)]}`][below(random, 4)]!()
  const chosen = [sender(), receiver(), "nats", ...Array.from({ length: below(random, most) }, other)]
  const order = chosen.map((victim) => ({ victim, place: random() })).sort((a, b) => a.place - b.place)
  return order.map(({ victim }) => ({ victim, pause: below(random, 600), rest: below(random, 500) }))
}

/** Makes a folder with two empty stores, which rounds copy. */
export const prepare = async (folder: string): Promise<void> => {
  const server = await startServer(folder)
  for (const schema of Object.values(schemas)) {
    await Effect.runPromise(Effect.scoped(stores(server.url, { schema, views: [] })))
  }
  await server.stop()
}

/** The log of one of the applications. */
const logOf = (url: string, schema: string) =>
  Effect.gen(function* () {
    const context = yield* stores(url, { schema, views: [] })
    const reading = Effect.flatMap(EventStore.EventStore, ({ readAll }) => Stream.runCollect(readAll()))
    return yield* patiently(Effect.provideContext(reading, context))
  }).pipe(Effect.scoped, Effect.runPromise)

const after = (text: string) => text.slice(text.indexOf("-") + 1)

const sentIn = async (url: string): Promise<ReadonlyArray<Sent>> =>
  (await logOf(url, schemas.shop)).map(({ data, streamId }) => {
    const { n, token } = data as { readonly n: number; readonly token: string }
    return { order: after(streamId), n, token }
  })

const receivedIn = async (url: string): Promise<ReadonlyArray<Received>> =>
  (await logOf(url, schemas.bank)).map(({ data, streamId, type }) => ({
    key: after(streamId),
    kind: type === "Dead" ? "poison" : "entered",
    token: (data as { readonly token: string }).token
  }))

/** The makers of the stream and the consumer, and how many messages the stream has. */
const managing = async (servers: string) => {
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
  const manager = await jetstreamManager(connection, { checkAPI: false })
  return {
    // A window that every outage is longer than: the bank alone knows what has come before.
    make: async (ackWait: number) => {
      await manager.streams.add({ name: names.stream, subjects: ["orders.v1.*"], duplicate_window: 100e6 })
      await manager.consumers.add(names.stream, {
        durable_name: names.consumer,
        ack_policy: AckPolicy.Explicit,
        max_ack_pending: 1,
        ack_wait: ackWait * 1e6
      })
    },
    messages: async () => (await manager.streams.info(names.stream)).state.messages,
    close: () => connection.close()
  }
}

/** Runs the rounds of seeds: how long leases are, and how many are killed beyond one of each kind. */
export const roundOf =
  ({ most, pace }: { readonly most: number; readonly pace: number }) =>
  async (seed: number, template: string, folder: string): Promise<Verdict> => {
    const begun = performance.now()
    mkdirSync(folder, { recursive: true })
    execFileSync("cp", ["-a", template, join(folder, "data")])
    const server = await startServer(join(folder, "data"))
    const nats = await startNats(join(folder, "nats"))
    const streams = await managing(nats.servers)
    const problems: Array<string> = []
    const kills: Array<string> = []
    const kept = new Map<string, Kept>()
    const add = (name: string, program: string, ...args: ReadonlyArray<string>) => {
      const onExit = (code: number | null) => problems.push(`ended: ${name} ended by itself with exit code ${code}`)
      const all = [server.url, nats.servers, folder, after(name.replace(" ", "-")), ...args]
      kept.set(
        name,
        keep(new URL(program, import.meta.url), all, join(folder, `output-${name}.txt`), onExit, () => 100)
      )
    }
    const linesOf = (kind: string) =>
      readdirSync(folder)
        .filter((name) => name.startsWith(kind) && name.endsWith(".jsonl"))
        .flatMap((name) => read<{ readonly token: string; readonly repeated?: boolean }>(join(folder, name)))
    try {
      await streams.make(1_000 * pace)
      for (const name of ["A", "B"]) {
        add(`sender ${name}`, "sender.ts", String(seed), String(pace))
        add(`receiver ${name}`, "receiver.ts")
      }
      let start: number | undefined
      for (const { pause, rest, victim } of planned(randomOf(seed, "kills"), most)) {
        const before = linesOf("receiver").length
        // Each kill meets work of both sides.
        if (!(await until(60 * pace, () => linesOf("receiver").length >= before + 10))) {
          problems.push(`stuck: the bank has handled too little before the kill of ${victim}`)
        }
        start ??= performance.now()
        await sleep(pause)
        kills.push(`${victim} at ${Math.round(performance.now() - start)}`)
        if (victim === "nats") {
          await nats.kill()
          await sleep(rest)
          await nats.start()
        } else if (victim.startsWith("server")) {
          await server.kill(victim.split(" ")[1] as Death)
          await sleep(rest)
          await server.start()
        } else kept.get(victim)!.kill()
      }
      await sleep(300)
      writeFileSync(join(folder, "enough"), "")
      await until(30, async () => (await sentIn(server.url)).length >= linesOf("sender").length)
      // A sender that was killed in its last command has not written its receipt down.
      await sleep(500)
      const sent = await sentIn(server.url)
      const count = expectedOf(sent).length
      await until(90 * pace, async () => (await receivedIn(server.url)).length >= count)
      // Time for a message that comes too often.
      await sleep(1_500 * pace)
      const [now, received, messages] = [
        await sentIn(server.url),
        await receivedIn(server.url),
        await streams.messages()
      ]
      const receipts = linesOf("sender").map(({ token }) => token)
      problems.push(...check({ receipts, received, sent: now }))
      problems.push(...loggedIn(folder).map((line) => `logged: ${line}`))
      const figures = {
        events: now.length,
        messages,
        "messages that the stream has again": messages - now.length,
        "deliveries that were repeats": linesOf("receiver").filter(({ repeated }) => repeated === true).length,
        entered: received.filter(({ kind }) => kind === "entered").length,
        "put aside": received.filter(({ kind }) => kind === "poison").length
      }
      return { seed, seconds: Math.round((performance.now() - begun) / 100) / 10, kills, figures, problems }
    } finally {
      await Promise.all([...kept.values()].map((each) => each.end("SIGKILL", 5_000)))
      await streams.close()
      await nats.kill()
      await server.stop()
    }
  }

/** What processes have logged that no kill explains: an inbox that has stopped or misses messages, a publication that has stopped. */
const loggedIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder)
    .filter((name) => name.startsWith("output-"))
    .flatMap((name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").split("\n") : []))
    .filter((line) => /has stopped|were gone|was made anew|InboxStopped/.test(line))
    .slice(0, 5)
