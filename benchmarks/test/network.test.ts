import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { check, type ClientLine, type LogLine, type Remains } from "../src/network/check.ts"
import { prepare, roundOf } from "../src/network/round.ts"

const log: ReadonlyArray<LogLine> = [
  { position: 1, stream: "Tally-a", n: 1, token: "one" },
  { position: 2, stream: "Tally-a", n: 2, token: "both" },
  { position: 3, stream: "Tally-b", n: 1, token: "both" }
]
const clients: ReadonlyArray<ClientLine> = [
  { _tag: "Sent", token: "one", ids: ["a"], expected: 0 },
  { _tag: "Receipt", token: "one" },
  { _tag: "Sent", token: "both", ids: ["a", "b"] },
  { _tag: "Receipt", token: "both" },
  { _tag: "Sent", token: "none", ids: ["a"], expected: 7 },
  { _tag: "Refused", token: "none" }
]
const held = { fibers: 9, connections: 1, listeners: 4, heap: 1 }
const whole: Remains = {
  clients,
  log,
  feed: log.map((line) => ({ ...line, feed: `1-${line.position}` })),
  results: [{ tallies: { a: 2, b: 1 } }],
  counts: { after: held, fresh: held }
}
const with_ = (change: Partial<Remains>) => check({ ...whole, ...change })

describe("the check of the rounds", () => {
  it("finds nothing in what is right", () => {
    expect(check(whole)).toEqual([])
  })

  it("finds what was lost, happened twice, was invented, or met another version", () => {
    expect(with_({ log: log.slice(0, 2), feed: whole.feed.slice(0, 2) })).toContain(
      "lost: both is in [Tally-a] and not in [Tally-a,Tally-b]"
    )
    const twice = [...log, { position: 4, stream: "Tally-a", n: 3, token: "one" }]
    expect(with_({ log: twice })).toContain("twice: one is in [Tally-a,Tally-a] and not in [Tally-a]")
    const refused = [...log, { position: 4, stream: "Tally-a", n: 3, token: "none" }]
    expect(with_({ log: refused })).toContain("invented: none was refused, and is in the log")
    expect(with_({ clients: clients.slice(2) })).toContain("invented: one is in the log, and nobody sent it")
    const late = clients.map((line) => (line._tag === "Sent" ? { ...line, expected: 5 } : line))
    expect(with_({ clients: late })).toContain("version: one expected 5 and has become 1")
    const odd: ClientLine = { _tag: "Unexpected", token: "one", error: "RemoteError: 500" }
    expect(with_({ clients: [...clients, odd] })).toEqual(["unexpected: one: RemoteError: 500"])
  })

  it("finds a feed that misses, repeats or swaps events, and a live result that is not the latest", () => {
    const [one, two, three] = whole.feed
    for (const feed of [
      [one!, three!],
      [one!, one!, two!, three!],
      [two!, one!, three!],
      [one!, two!]
    ]) {
      expect(with_({ feed })[0]).toMatch(/^feed: at place/)
    }
    expect(with_({ feed: [...whole.feed, three!] })).toEqual(["feed: it has 4 events and the log 3"])
    expect(with_({ results: [{ tallies: { a: 1, b: 1 } }, undefined] })).toEqual([
      "live: watcher 0 was last shown 1 for a, which is 2",
      "live: watcher 1 was last shown undefined for a, which is 2",
      "live: watcher 1 was last shown undefined for b, which is 1"
    ])
  })

  it("finds what a process has not given back", () => {
    expect(with_({ counts: { after: { ...held, fibers: 10 }, fresh: held } })).toEqual([
      "leaked: fibers: 10 after the load, 9 without any"
    ])
  })
})

describe("two processes that serve one API", () => {
  it("lose, double and leak nothing, although they and the server are killed or end in good order", async () => {
    // A server that is started by root runs as another user, which cannot enter every folder.
    const folder = mkdtempSync(join(tmpdir(), "hexfold-network-test-"))
    execFileSync("chmod", ["755", folder])
    try {
      const template = join(folder, "template")
      await prepare(template)
      const { figures, problems } = await roundOf({ most: 1, seconds: 1 })(17, template, join(folder, "round"))
      expect(problems).toEqual([])
      expect(figures["receipts"]).toBeGreaterThan(30)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
