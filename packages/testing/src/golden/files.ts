/** Golden files, which stand in the user's repository. */
import { randomUUID } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { cwd, env } from "node:process"
import { fileURLToPath } from "node:url"

/** The path of a file in a folder. A folder that is a text is relative to the folder that the tests run in. */
export const pathOf = (folder: string | URL, name: string): string =>
  join(typeof folder === "string" ? folder : fileURLToPath(folder), name)

/** A path as a message shows it. */
export const shownPath = (path: string): string => relative(cwd(), path) || path

/** The text of a file; undefined if it is not there. */
export const textAt = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** The names of the files in a folder, in order; none if it is not there. */
export const namesIn = (folder: string | URL): ReadonlyArray<string> => {
  try {
    return readdirSync(folder).sort()
  } catch (cause) {
    if (isMissing(cause)) return []
    throw cause
  }
}

/**
 * Writes a file as a whole: a reader finds the old text or the new one, and never a part. Several processes may write it
 * at the same time, because each first writes a file of its own and then renames it in one step.
 */
export const write = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${randomUUID()}.tmp`
  writeFileSync(temporary, text)
  renameSync(temporary, path)
}

/** Whether the tests run in continuous integration. Most services set the variable `CI`. */
export const isCI = (): boolean => !["", "0", "false"].includes((env["CI"] ?? "").toLowerCase())
