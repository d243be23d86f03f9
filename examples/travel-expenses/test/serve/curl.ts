/** The curl of the machine. */
import { Effect } from "effect"
import { execFile, spawn, spawnSync } from "node:child_process"
import { promisify } from "node:util"

/** Whether curl is installed. */
export const isInstalled = spawnSync("curl", ["--version"]).error === undefined

type Headers = Readonly<Record<string, string>>

const flagsOf = (headers: Headers) =>
  Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`])

interface Sent {
  readonly headers: Headers
  readonly json?: object
}

/** Asks once, with a body by POST. */
export const curl = (url: string, { headers, json }: Sent) =>
  Effect.promise(async () => {
    const data = json === undefined ? [] : ["--json", JSON.stringify(json)]
    const written = String.raw`\n%{http_code}\n%{content_type}\n%header{etag}`
    const { stdout } = await promisify(execFile)("curl", ["-s", "-w", written, ...flagsOf(headers), ...data, url])
    const [text, status, type, etag] = stdout.split("\n")
    return { status: Number(status), type, etag, body: JSON.parse(text!) as object }
  })

/** Reads a stream until its text has something, as often as wanted. */
export const curlUntil = (url: string, headers: Headers, wanted: string, times = 1) =>
  Effect.acquireUseRelease(
    Effect.sync(() => spawn("curl", ["-sN", ...flagsOf(headers), url], { stdio: ["ignore", "pipe", "inherit"] })),
    ({ stdout }) =>
      Effect.promise(async () => {
        let text = ""
        for await (const chunk of stdout) {
          text += String(chunk)
          if (text.split(wanted).length > times) break
        }
        return text
      }),
    (child) => Effect.sync(() => child.kill())
  )
