import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs"
import type { Observed } from "./lines.ts"
import type { Version } from "./views.ts"

/** Counts the lines of a file that is still written, by version and tag. It reads only what is new. */
export const counting = (file: string) => {
  let offset = 0
  let rest = ""
  const counts = new Map<string, number>()
  const more = () => {
    if (!existsSync(file)) return
    const descriptor = openSync(file, "r")
    try {
      const bytes = Buffer.alloc(fstatSync(descriptor).size - offset)
      offset += readSync(descriptor, bytes, 0, bytes.length, offset)
      const lines = (rest + bytes.toString("latin1")).split("\n")
      rest = lines.pop()!
      for (const line of lines) {
        // A line that was cut off by a kill has another one behind it.
        if (!line.startsWith("{") || !line.endsWith("}")) continue
        const { _tag, version } = JSON.parse(line) as Observed
        counts.set(`${version} ${_tag}`, (counts.get(`${version} ${_tag}`) ?? 0) + 1)
      }
    } finally {
      closeSync(descriptor)
    }
  }
  return (version: Version, ...tags: ReadonlyArray<Observed["_tag"]>): number => {
    more()
    return tags.reduce((sum, tag) => sum + (counts.get(`${version} ${tag}`) ?? 0), 0)
  }
}
