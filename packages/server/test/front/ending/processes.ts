/** Servers in processes of their own, and requests whose end can be seen. */
import { type ChildProcess, spawn } from "node:child_process"
import { type Agent, type IncomingMessage, request } from "node:http"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"

const program = fileURLToPath(new URL("program.ts", import.meta.url))

/** A server in a process of its own. */
export interface Server {
  readonly port: number
  /** Completes when the process has said something. */
  readonly said: (name: string) => Promise<void>
  readonly end: (signal: "SIGTERM" | "SIGKILL") => void
  /** How the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
}

/** Starts a server, which is killed with the scope if it has not ended. */
export const startServer = (...args: ReadonlyArray<string>): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const child = spawn(process.execPath, ["--conditions=@hexfold/source", program, ...args], {
          stdio: ["ignore", "pipe", "inherit"]
        })
        return { child, ...(await listening(child)) }
      }),
      ({ child, ended }) =>
        Effect.promise(async () => {
          child.kill("SIGKILL")
          await ended
        })
    ),
    ({ child, ...server }) => ({ ...server, end: (signal) => void child.kill(signal) })
  )

const listening = async (child: ChildProcess) => {
  const heard = new Map<string, unknown>()
  const waiting = new Map<string, () => void>()
  createInterface({ input: child.stdout! }).on("line", (line) => {
    for (const [name, value] of Object.entries(JSON.parse(line) as object)) {
      heard.set(name, value)
      waiting.get(name)?.()
    }
  })
  const ended = new Promise<{ readonly code: number | null; readonly signal: string | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal }))
  )
  const said = (name: string) =>
    new Promise<void>((resolve, reject) => {
      if (heard.has(name)) resolve()
      else waiting.set(name, resolve)
      void ended.then(({ code }) => reject(new Error(`the server has ended with ${code}, and has not said ${name}`)))
    })
  await said("port")
  return { port: heard.get("port") as number, said, ended }
}

/** What came of a request. */
export interface Outcome {
  readonly status: number
  readonly text: string
  /** Whether the body has come to its proper end. */
  readonly isWhole: boolean
}

/** Sends a request. `begun` completes with the first bytes of the body. */
export const send = (
  port: number,
  path: string,
  { agent, body, headers = {} }: { readonly agent?: Agent; readonly body?: object; readonly headers?: object } = {}
): { readonly begun: Promise<void>; readonly outcome: Promise<Outcome> } => {
  const { promise: begun, reject: notBegun, resolve: beginning } = Promise.withResolvers<void>()
  const outcome = new Promise<Outcome>((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: body === undefined ? "GET" : "POST",
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(agent === undefined ? {} : { agent })
      },
      (incoming: IncomingMessage) => {
        let text = ""
        incoming.setEncoding("utf8").on("data", (part: string) => {
          text += part
          beginning()
        })
        const over = () => resolve({ status: incoming.statusCode!, text, isWhole: incoming.complete })
        incoming.once("close", over).once("error", over)
      }
    )
    outgoing.once("error", reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
  outcome.catch(notBegun)
  begun.catch(() => undefined)
  return { begun, outcome }
}
