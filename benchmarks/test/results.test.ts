import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { finishedIn, refusal, stateNow } from "../src/rounds/results.ts"

describe("a file with results of rounds", () => {
  let folder: string
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "hexfold-results-"))))
  afterAll(() => rmSync(folder, { recursive: true }))

  it("has the rounds that are finished, without a line that was cut off", () => {
    const file = join(folder, "cut.jsonl")
    writeFileSync(file, '{"round":1}\n{"round":2}\n{"rou')
    expect(finishedIn(file)).toEqual([{ round: 1 }, { round: 2 }])
    expect(readFileSync(file, "utf8")).toBe('{"round":1}\n{"round":2}\n')
  })

  it("has no rounds if it is missing", () => {
    expect(finishedIn(join(folder, "missing.jsonl"))).toEqual([])
  })

  it("belongs to a state of the sources, also of a command that runs with nothing else", () => {
    const file = join(folder, "state.jsonl")
    const state = stateNow(file, undefined)
    expect(stateNow(file, undefined)).toEqual(state)
    expect(stateNow(file, { pace: 2 })).not.toEqual(state)
  })

  it("takes no rounds of other sources", () => {
    const state = { commit: "one", state: "clean" }
    expect(refusal("file", [state], state)).toBeUndefined()
    expect(refusal("file", [state], { ...state, state: "changed" })).toContain("Name another file")
    expect(refusal("file", [state], { ...state, commit: "two" })).toContain("Name another file")
  })
})
