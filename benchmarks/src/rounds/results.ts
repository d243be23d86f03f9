/** Files with the results of rounds, a line of JSON for each. All rounds of a file belong to one state of the sources. */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))

/** What rounds run: the commit, and a hash of what they run with, of the uncommitted changes and of the files that git does not know. */
export interface State {
  readonly commit: string
  readonly state: string
}

const git = (...args: ReadonlyArray<string>): string => {
  const { error, status, stderr, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 })
  if (error !== undefined || status !== 0) throw new Error(`git ${args.join(" ")} failed: ${error?.message ?? stderr}`)
  return stdout
}

/** The state now. The file of the results, and files whose names begin with its name, do not count. */
export const stateNow = (results: string, runWith: unknown): State => {
  const hash = createHash("sha256")
    .update(JSON.stringify(runWith) ?? "")
    .update(git("diff", "HEAD", "--binary"))
  for (const path of git("ls-files", "--others", "--exclude-standard", "-z").split("\0").sort()) {
    if (path === "" || resolve(root, path).startsWith(results)) continue
    hash.update(`\0${path}\0`).update(readFileSync(join(root, path)))
  }
  return { commit: git("rev-parse", "HEAD").trim(), state: hash.digest("hex").slice(0, 16) }
}

/** Whether two rounds have run the same. */
export const isSame = (one: State, other: State): boolean => one.commit === other.commit && one.state === other.state

/** The rounds in a file. A line that was cut off while it was written is removed. */
export const finishedIn = <Round extends State>(results: string): Array<Round> => {
  if (!existsSync(results)) return []
  const text = readFileSync(results, "utf8")
  const whole = text.slice(0, text.lastIndexOf("\n") + 1)
  if (whole !== text) writeFileSync(results, whole)
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Round)
}

/** Says that a file has rounds of another state. Undefined if it has none. */
export const refusal = (results: string, done: ReadonlyArray<State>, now: State): string | undefined => {
  const other = done.find((round) => !isSame(round, now))
  if (other === undefined) return undefined
  const has = `commit ${other.commit} and state ${other.state}`
  const is = `commit ${now.commit} and state ${now.state}`
  return `${results} has rounds of ${has}, and this is ${is}: other sources or options. Name another file`
}
