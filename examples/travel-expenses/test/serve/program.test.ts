import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../../src/serve/main.ts", import.meta.url))

/** Starts the program on any port, and waits until it says where it serves. */
const started = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=@hexfold/source", main, "--port", "0", ...args], {
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(
    Effect.flatMap((child) =>
      Effect.promise(async () => {
        let text = ""
        for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
          text += String(chunk)
          if (text.includes("Try:")) break
        }
        return { child, text, url: /(http:\S+) serves/.exec(text)![1]! }
      })
    )
  )

const ended = async (child: ChildProcess): Promise<unknown> => {
  const exit = once(child, "exit")
  child.kill("SIGTERM")
  return (await exit)[0]
}

describe("npm run serve", () => {
  it.live.each([["memory"], ["embedded"]])("serves the log from the store %s, and ends on a signal", ([store]) =>
    Effect.gen(function* () {
      const { child, text, url } = yield* started("--store", store!, "--rows", "5")
      assert.include(text, "5 of the log's 28 rows executed, 5 accepted")
      // What it says to try works.
      const [path] = /\/views\/[^']+/.exec(text)!
      const [token] = /demo-\w+/.exec(text)!
      const headers = { authorization: `Bearer ${token}` }
      yield* Effect.promise(async () => {
        const answer = (await (await fetch(`${url}${path}`, { headers })).json()) as object
        assert.deepStrictEqual(answer, {
          key: "declaration-1",
          state: { cents: 12_050, since: "2026-01-05T08:00:00.000Z", budget: "budget-1", status: "submitted" }
        })
        // A reader of live results does not hold it up.
        const live = await fetch(`${url}/live/Declarations?limit=1`, { headers })
        const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader()
        let frames = ""
        while (!frames.includes("event: page")) frames += (await reader.read()).value
        assert.strictEqual(await ended(child), 130)
      })
    })
  )

  it.live("says why it cannot listen", () =>
    Effect.gen(function* () {
      const { url } = yield* started()
      const second = yield* Effect.promise(async () => {
        const child = spawn(process.execPath, ["--conditions=@hexfold/source", main, "--port", new URL(url).port])
        const exit = once(child, "exit")
        const text = await child.stderr.toArray()
        return { code: (await exit)[0] as unknown, text: text.join("") }
      })
      assert.deepStrictEqual([second.code, /EADDRINUSE/.test(second.text)], [1, true])
    })
  )
})
