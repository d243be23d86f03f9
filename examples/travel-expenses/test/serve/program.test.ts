import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { command, ended, started } from "./program.ts"

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
        const [sent] = /\{"query":[^']+/.exec(text)!
        const asked = { method: "POST", body: sent, headers: { ...headers, "content-type": "application/json" } }
        assert.deepStrictEqual(await (await fetch(`${url}/graphql`, asked)).json(), {
          data: {
            declarations: {
              totalCount: 2,
              nodes: ["declaration-1", "declaration-2"].map((key) => ({ key, status: "submitted" }))
            }
          }
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
        const child = spawn(process.execPath, [...command, new URL(url).port])
        const exit = once(child, "exit")
        const text = await child.stderr.toArray()
        return { code: (await exit)[0] as unknown, text: text.join("") }
      })
      assert.deepStrictEqual([second.code, /EADDRINUSE/.test(second.text)], [1, true])
    })
  )
})
