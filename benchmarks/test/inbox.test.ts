import { mkdtempSync, rmSync } from "node:fs"
import { execFileSync } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { check, expectedOf, keyOf, type Received, type Remains, type Sent } from "../src/inbox/check.ts"
import { prepare, roundOf } from "../src/inbox/round.ts"
import { hasNats } from "../src/rounds/nats.ts"

if (!hasNats) {
  console.warn(
    "SKIPPED: nats-server is not installed, so no two applications talk over NATS: apt-get install nats-server"
  )
}

// Item 5 of an order is rejected, and item 7 cannot be read.
const sent: ReadonlyArray<Sent> = ["a", "b"].flatMap((order) =>
  Array.from({ length: 8 }, (_, i) => ({ order, n: i + 1, token: `${order}-${i + 1}` }))
)
const whole: Remains = { sent, received: expectedOf(sent), receipts: sent.map(({ token }) => token) }
const withReceived = (change: (received: ReadonlyArray<Received>) => ReadonlyArray<Received>) =>
  check({ ...whole, received: change(whole.received) })

describe("the check of the rounds", () => {
  it("finds nothing in what is right", () => {
    expect(whole.received.map(({ kind }) => kind).filter((kind) => kind === "poison")).toHaveLength(2)
    expect(whole.received).toHaveLength(14)
    expect(check(whole)).toEqual([])
  })

  it("finds what was lost, came twice or too early, or was never sent", () => {
    expect(withReceived((all) => all.slice(1))).toEqual(["lost: Order-a: a-1 entered"])
    expect(withReceived((all) => [...all, all[0]!])).toEqual(["twice: Order-a: a-1 entered is there 2 times"])
    expect(withReceived(([one, two, ...all]) => [two!, one!, ...all])).toEqual([
      "order: Order-a: the bank has a-2 entered at place 1, the shop a-1 entered"
    ])
    expect(
      withReceived((all) => all.map((each) => (each.token === "a-7" ? { ...each, kind: "entered" } : each)))
    ).toEqual([
      "lost: Order-a: a-7 poison",
      "invented: Order-a: a-7 entered",
      "order: Order-a: the bank has a-7 entered at place 6, the shop a-7 poison"
    ])
    const rejected: Received = { key: keyOf({ order: "a" }), kind: "entered", token: "a-5" }
    expect(withReceived((all) => [...all, rejected])).toEqual(["invented: Order-a: a-5 entered"])
  })

  it("finds what the shop has lost or done twice", () => {
    expect(check({ ...whole, receipts: ["a-9"] })).toEqual(["lost in the shop: a-9 has a receipt and no event"])
    expect(check({ ...whole, sent: [...sent, { order: "a", n: 5, token: "a-5" }] })).toEqual([
      "twice in the shop: a-5 has 2 events"
    ])
  })
})

describe.skipIf(!hasNats)("two applications over NATS", () => {
  it("lose nothing, do nothing twice and keep the order of each key, although both and the server are killed", async () => {
    // A server that is started by root runs as another user, which cannot enter every folder.
    const folder = mkdtempSync(join(tmpdir(), "hexfold-inbox-test-"))
    execFileSync("chmod", ["755", folder])
    try {
      const template = join(folder, "template")
      await prepare(template)
      const { figures, kills, problems } = await roundOf({ most: 1, pace: 3 })(17, template, join(folder, "round"))
      expect(problems).toEqual([])
      expect(kills).toHaveLength(3)
      expect(figures["entered"]).toBeGreaterThan(30)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
