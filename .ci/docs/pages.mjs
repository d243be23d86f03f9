// Finds the TypeScript blocks of a text and makes files of them. Every line keeps its number, so that a position in a
// file is a position in its page.
import { dirname, join } from "node:path"
import { codeOf } from "./code.mjs"

const fail = (path, line, message) => {
  throw new Error(`${path}:${line}: ${message}`)
}

// The words after the language of a fence: `file=src/main.ts`, `no-run`, `reason="…"`, `output`.
const attributesOf = (text) => {
  const attributes = {}
  for (const [, name, quoted, plain] of text.matchAll(/([\w-]+)(?:=(?:"([^"]*)"|(\S+)))?/g)) {
    attributes[name] = quoted ?? plain ?? true
  }
  return attributes
}

// A block in another language, or in another spelling of these, would be looked at by nobody.
const languages = new Set(["ts", "sh", "json", "sql", "text"])

/** The blocks of a text: language, attributes, lines, and the index of the first line. */
export const blocksOf = (path, lines) => {
  const blocks = []
  let block
  for (const [i, line] of lines.entries()) {
    const fence = /^\s*```+\s*([^\s`]*)([^`]*)$/.exec(line)
    if (block === undefined && fence !== null) {
      const [, language, attributes] = fence
      if (!languages.has(language))
        fail(path, i + 1, `the language "${language}" of the block is not one of ${[...languages].join(", ")}`)
      block = { language, attributes: attributesOf(attributes), first: i + 1, lines: [] }
    } else if (block === undefined && /```|^[\s>*+-]*~~~/.test(line)) {
      fail(path, i + 1, "a fence is three backticks, and begins its line")
    } else if (block !== undefined && /^\s*```+\s*$/.test(line)) {
      blocks.push(block)
      block = undefined
    } else block?.lines.push(line)
  }
  if (block !== undefined) fail(path, block.first, "the block has no end")
  return blocks
}

/** The text of the doc comments alone; everything else becomes empty lines. */
export const docComments = (source) => {
  const lines = source.split("\n").map(() => "")
  for (const { 0: comment, index } of source.matchAll(/\/\*\*[^]*?\*\//g)) {
    const first = source.slice(0, index).split("\n").length - 1
    for (const [i, line] of comment.split("\n").entries()) {
      lines[first + i] = line.replace(/^\s*(\/\*\*|\*\/|\*)/, (mark) => " ".repeat(mark.length))
    }
  }
  return lines
}

const breaksOf = (text) => text.match(/\n/g)?.length ?? 0

// A block that continues a file may import again what an earlier block has imported: the name is left out then.
const withoutRepeated = (text, known) =>
  text.replace(/^import (type )?\{([^}]*)\} from "([^"]+)"/gm, (_, type = "", names, module) => {
    const isNew = (name) => {
      const key = `${name.trim().replace(/^type /, "")} of ${module}`
      const isKnown = known.has(key)
      known.add(key)
      return name.trim() !== "" && !isKnown
    }
    const kept = names.split(",").filter(isNew).join(",")
    // The line breaks stay, so that the lines after them keep their numbers.
    return `import ${type}{${kept}${"\n".repeat(breaksOf(names) - breaksOf(kept))}} from "${module}"`
  })

const isTest = (text) => /from "(vitest|@effect\/vitest|@hexfold\/testing\/contracts)"/.test(text)

/**
 * The files of a page: text, whether it is a test, why it is not run, the output that is expected, the relative modules
 * that it loads, and the lines of which the printed text is expected.
 */
export const filesOf = (path, text) => {
  const files = new Map()
  const blocks = blocksOf(path, text.split("\n"))
  for (const [i, { attributes, first, language, lines }] of blocks.entries()) {
    if (language !== "ts") continue
    const { file, output: _, reason, ...others } = attributes
    const isNoRun = others["no-run"] === true
    for (const name of Object.keys(others)) if (name !== "no-run") fail(path, first, `unknown attribute ${name}`)
    if (isNoRun && typeof reason !== "string") fail(path, first, `no-run needs a reason="…"`)
    if (file !== undefined && !/^(\w[\w.-]*\/)*\w[\w.-]*\.ts$/.test(file))
      fail(path, first, `${file} is not the name of a TypeScript file`)
    const body = lines.join("\n")
    // The comment with the name is what the reader sees; the attribute is not shown.
    const [, shown] = /^\s*\/\/ (\S+\.ts)$/.exec(lines[0] ?? "") ?? []
    if (shown !== file && (shown !== undefined || !files.has(file)))
      fail(path, first + 1, `the first line of the block must be "// ${file ?? "…"}", the name of its file`)
    const name = file ?? (isTest(body) ? `${first}.test.ts` : `${first}.ts`)
    const known = files.get(name) ?? { name, lines: [], imports: new Set(), noRun: undefined, output: undefined }
    while (known.lines.length < first) known.lines.push("")
    known.lines.push(...withoutRepeated(body, known.imports).split("\n"))
    if (isNoRun) known.noRun = reason
    const next = blocks[i + 1]
    if (next?.attributes.output === true) known.output = next.lines.join("\n")
    files.set(name, known)
  }
  for (const [i, { attributes, first }] of blocks.entries()) {
    if (attributes.output === true && blocks[i - 1]?.language !== "ts")
      fail(path, first, "an output needs a program before it")
  }
  return [...files.values()].map(({ lines, name, noRun, output }) => {
    const source = `${lines.join("\n")}\nexport {}\n`
    if (isTest(source) && !name.endsWith(".test.ts"))
      fail(path, 1, `${name} is a test: its name must end with .test.ts`)
    const { loads, problems, prints } = codeOf(source)
    for (const { line, message } of problems) fail(path, line, message)
    if (prints.length > 0 && (noRun !== undefined || isTest(source)))
      fail(path, prints[0].line, "a comment after console.log is compared only in a program that runs")
    return { name, source, noRun, output, loads, prints, isTest: isTest(source) }
  })
}

const loadedBy = (files, { loads, name }) =>
  loads
    .map((module) => files.find((file) => file.name === join(dirname(name), module)))
    .filter((file) => file !== undefined)

/** A file and all files of its page that it loads. */
export const withLoaded = (files, file, seen = new Set()) => {
  if (!seen.has(file)) for (const each of loadedBy(files, file, seen.add(file))) withLoaded(files, each, seen)
  return seen
}

/**
 * The files of a page that are run by themselves: those that no other file that runs loads. A file that runs neither by
 * itself nor because another one loads it is a mistake of the page.
 */
export const rootsOf = (path, files) => {
  const running = files.filter(({ noRun }) => noRun === undefined)
  const loaded = new Set(running.flatMap((file) => loadedBy(files, file)))
  const roots = running.filter((file) => !loaded.has(file))
  const reached = new Set(roots.flatMap((file) => [...withLoaded(files, file)]))
  for (const file of running) {
    if (!reached.has(file)) fail(path, 1, `${file.name} does not run: the files that load it load each other`)
  }
  return new Set(roots)
}
