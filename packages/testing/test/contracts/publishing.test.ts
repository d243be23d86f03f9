import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { type PublisherBackend, PublisherContract } from "@hexfold/testing/contracts"

const page = readFileSync(new URL("../../../../docs/publishing.md", import.meta.url), "utf8")

// A capability that is not declared leaves its cases out, so the type of this object holds all of them.
const capabilities: Readonly<Record<PublisherBackend.Capability, true>> = {
  refusals: true,
  outages: true,
  silence: true,
  lostAnswers: true,
  pauses: true
}

const all = Object.keys(capabilities) as ReadonlyArray<PublisherBackend.Capability>

describe("the contract of publishers", () => {
  it("has at least one case for each promise, and the page on publishing names the cases of the promises", () => {
    const titles = PublisherContract.plan(all).map(({ title }) => title)
    const rows = page.split("\n").filter((line) => /^\| \d\. /.test(line))
    assert.strictEqual(rows.length, 9)
    for (const row of rows) {
      const [, promise, cases] = row.split("|")
      const number = promise!.trim()[0]!
      const named = Array.from(cases!.matchAll(/`([^`]+)`/g), ([, title]) => title!)
      assert.isNotEmpty(named, promise)
      for (const title of named) {
        assert.include(titles, title)
        assert.isTrue(title.startsWith(`${number} `), title)
      }
    }
  })

  it("lists the cases that need what a backend does not declare, and leaves out no other", () => {
    for (const capability of all) {
      const declared = all.filter((each) => each !== capability)
      const [complete, lacking] = [PublisherContract.plan(all), PublisherContract.plan(declared)]
      assert.deepStrictEqual(
        lacking.map(({ title }) => title),
        complete.map(({ title }) => title)
      )
      assert.isTrue(complete.every(({ undeclared }) => undeclared.length === 0))
      assert.isTrue(lacking.some(({ undeclared }) => undeclared.length > 0))
      for (const { needs, undeclared } of lacking) {
        assert.deepStrictEqual(undeclared, needs.includes(capability) ? [capability] : [])
      }
    }
  })
})
