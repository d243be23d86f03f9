/** Golden files, which stand in the user's repository. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { env, cwd, pid } from "node:process"
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
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw cause
  }
}

/** Writes a file as a whole: who reads it meanwhile finds the text before or the text after. */
export const write = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${pid}.tmp`
  writeFileSync(temporary, text)
  renameSync(temporary, path)
}

/** Whether the tests run in continuous integration. Most services set the variable `CI`. */
export const isCI = (): boolean => !["", "0", "false"].includes((env["CI"] ?? "").toLowerCase())
