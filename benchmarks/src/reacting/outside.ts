/**
 * The payment provider, the warehouse and the mail server of a round: HTTP, in the process that is not killed. They take what
 * comes again under its key for done, and write down everything that they are asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { Answer } from "@hexfold/example-orders"
import { below, randomOf } from "../rounds/random.ts"
import type { Behaviour } from "./script.ts"

/** Something that was asked for. */
export interface Asked {
  readonly path: "charge" | "reverse" | "pack" | "send"
  readonly key: string
  /** The payment, the order, or the receiver of the mail. */
  readonly about: string
  readonly text: string
}

/** What is left outside. */
export interface Outside {
  readonly asked: ReadonlyArray<Asked>
  /** What the provider has of each payment, in cents. What it has given back is 0. */
  readonly money: ReadonlyMap<string, number>
  /** The tracking numbers that the warehouse has given. */
  readonly trackings: ReadonlyMap<string, string>
  /** What others have done wrong. */
  readonly problems: ReadonlyArray<string>
}

interface Manner {
  readonly seed: number
  readonly behaviourOf: (payment: string) => Behaviour
  /** After which time a late answer comes. */
  readonly late: number
}

const bodyOf = async (request: IncomingMessage): Promise<Readonly<Record<string, string>>> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === "" ? {} : (JSON.parse(text) as Record<string, string>)
}

export const startOutside = async ({ behaviourOf, late, seed }: Manner) => {
  const random = randomOf(seed, "outside")
  const asked: Array<Asked> = []
  const problems: Array<string> = []
  const money = new Map<string, number>()
  const trackings = new Map<string, string>()
  const reversed = new Set<string>()
  const contents = new Map<string, string>()
  /** The answers that are not acknowledged, with the time from which on they are given. */
  const answers = new Map<string, { readonly answer: Answer; readonly from: number }>()

  /** Whether it comes for the first time under its key. */
  const isNew = ({ about, key, path, text }: Asked): boolean => {
    const content = JSON.stringify([path, about, text])
    const before = contents.get(key)
    contents.set(key, content)
    if (before !== undefined && before !== content) problems.push(`key: ${key} is for ${content}, and for ${before}`)
    return before === undefined
  }
  const answer = (id: string, payment: string, outcome: Answer["outcome"], after: number) =>
    answers.set(id, { answer: { id, payment, outcome }, from: performance.now() + after })

  const charge = (key: string, payment: string, cents: number) => {
    const behaviour = behaviourOf(payment)
    if (money.has(payment)) problems.push(`charged: ${payment} is charged again under ${key}`)
    if (behaviour === "refuses") {
      answer(key, payment, { _tag: "Refused", reason: "card expired" }, below(random, 300))
      return
    }
    money.set(payment, reversed.has(payment) ? 0 : cents)
    const charged = { _tag: "Charged", reference: `r-${payment}` } as const
    if (behaviour === "never") return
    answer(key, payment, charged, behaviour === "late" ? late : below(random, 300))
    if (behaviour === "twice") answer(`${key} again`, payment, charged, below(random, 2_000))
  }

  const take = async (path: string, body: Readonly<Record<string, string>>): Promise<unknown> => {
    if (path === "answers") {
      const now = performance.now()
      return [...answers.values()].flatMap(({ answer, from }) => (from <= now ? [answer] : []))
    }
    if (path === "acknowledge") return answers.delete(body["id"]!)
    const { about, key, text } = body as unknown as Asked
    const given: Asked = { path: path as Asked["path"], key, about, text }
    asked.push(given)
    const isFirst = isNew(given)
    if (path === "pack") {
      await sleep(below(random, 800))
      if (isFirst) trackings.set(about, `T-${key}`)
      return `T-${key}`
    }
    if (!isFirst) return null
    if (path === "charge") charge(key, about, Number(text))
    if (path === "reverse") {
      reversed.add(about)
      if (money.has(about)) money.set(about, 0)
    }
    return null
  }

  const server = createServer((request, response: ServerResponse) => {
    void (async () => {
      const path = (request.url ?? "").slice(1)
      const body = await bodyOf(request)
      // Some requests are not taken, and some are taken without an answer that says so.
      const chance = random()
      const result = chance < 0.03 ? undefined : await take(path, body)
      response.statusCode = chance < 0.06 ? 503 : 200
      response.end(JSON.stringify(result ?? null))
    })().catch((error: unknown) => {
      // The process that asked was killed while it sent.
      if (!request.destroyed) problems.push(`broken: ${String(error)}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Whether everything was said, and heard. */
    isSilent: () => answers.size === 0,
    left: (): Outside => ({ asked, money, trackings, problems }),
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      })
  }
}
