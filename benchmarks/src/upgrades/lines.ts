/** What the processes of a round of upgrades write down, a line each. */
import { appendFileSync } from "node:fs"
import type { Command, Name } from "./programs.ts"

interface Of {
  readonly program: Name
}

/** A line of a process. */
export type Line =
  | (Of & { readonly _tag: "Sent"; readonly commandId: string; readonly till: string; readonly command: Command })
  | (Of & { readonly _tag: "Done"; readonly commandId: string; readonly version: number })
  /** An operation cannot go on, because a newer program has recorded what this one does not know. */
  | (Of & { readonly _tag: "Stuck"; readonly type: string; readonly schemaVersion: number })
  /** What must not be. */
  | (Of & { readonly _tag: "Wrong"; readonly problem: string })

/** The name of the file of a process. */
export const fileOf = (name: string): string => `lines-${name}.jsonl`

/** Writes lines to a file. */
export const writer =
  (path: string) =>
  (line: Line): void =>
    appendFileSync(path, `${JSON.stringify(line)}\n`)
