import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import {
  type Backend,
  EventStoreContract,
  InlineContract,
  LogTransferContract,
  ProcessContract,
  ProjectionContract,
  ProjectionStoreContract,
  ReactorContract,
  SnapshotStoreContract,
  ViewStoreContract
} from "@hexfold/testing/contracts"

const page = readFileSync(new URL("../../../../docs/adapters.md", import.meta.url), "utf8")

/** The tables of the page, by their first line: the cells of their rows. */
const tables = page
  .split(/\n(?!\|)/)
  .map((block) => block.trim())
  .filter((block) => block.startsWith("|"))
  .map((block) => block.split("\n").map((line) => line.split(/(?<!\\)\|/).slice(1, -1)))
  .map(([head, , ...rows]) => ({ head: head!.map((cell) => cell.trim()), rows }))

const rowsOf = (...head: ReadonlyArray<string>) =>
  tables.filter((table) => table.head.join() === head.join()).flatMap(({ rows }) => rows)

const quotedIn = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, text]) => text!)

// A capability that is not declared leaves its cases out, so the type of this object holds all of them.
const capabilities: Readonly<Record<Backend.Capability, true>> = {
  otherProcesses: true,
  transactions: true,
  foreignTransactions: true,
  inlineViews: true,
  silentConnections: true,
  stalls: true,
  lostCommits: true
}

const all = Object.keys(capabilities) as ReadonlyArray<Backend.Capability>

const titlesOf = (contract: { readonly plan: typeof EventStoreContract.plan }) =>
  contract.plan(all).map(({ title }) => title)

describe("the page on adapters", () => {
  it("names cases of EventStoreContract only, at least one for each rule", () => {
    const rows = rowsOf("rule", "case")
    assert.isAbove(rows.length, 20)
    const titles = new Set(titlesOf(EventStoreContract))
    for (const [rule, cases] of rows) {
      const named = quotedIn(cases!)
      assert.isNotEmpty(named, `no case for: ${rule}`)
      for (const title of named) assert.isTrue(titles.has(title), `no case has the title: ${title}`)
    }
  })

  it("names cases of the contracts about records, each under the contract that has it", () => {
    const rows = rowsOf("rule", "contract", "case")
    const contracts = {
      InlineContract,
      LogTransferContract,
      ProjectionContract,
      ProjectionStoreContract,
      SnapshotStoreContract,
      ViewStoreContract
    }
    const titles = new Map(
      Object.entries(contracts).map(([name, contract]) => [name, new Set<string>(titlesOf(contract))])
    )
    const named = rows.map(([, name]) => quotedIn(name!).join())
    for (const name of ["ProjectionStoreContract", "ViewStoreContract"]) assert.include(named, name)
    for (const [i, [rule, , cases]] of rows.entries()) {
      const has = titles.get(named[i]!)
      assert.isDefined(has, `${named[i]} is no contract about records: ${rule}`)
      assert.isNotEmpty(quotedIn(cases!), `no case for: ${rule}`)
      for (const title of quotedIn(cases!))
        assert.isTrue(has!.has(title), `${named[i]} has no case with the title: ${title}`)
    }
  })

  it("tells of all capabilities, and of no others", () => {
    const named = rowsOf("capability", "the backend …").flatMap(([capability]) => quotedIn(capability!))
    assert.deepStrictEqual(named.toSorted(), all.toSorted())
    const needed = [
      EventStoreContract,
      InlineContract,
      LogTransferContract,
      ProcessContract,
      ProjectionContract,
      ProjectionStoreContract,
      ReactorContract,
      ViewStoreContract
    ].flatMap((contract) => contract.plan(all).flatMap(({ needs }) => needs))
    assert.deepStrictEqual([...new Set(needed)].toSorted(), named.toSorted())
  })
})
