// What docs.mjs needs to know of the code of a page: which files it loads, and what it says that it prints.
import { parseAst } from "rolldown/parseAst"

const nodesOf = function* (node) {
  if (node === null || typeof node !== "object") return
  if (typeof node.type === "string") yield node
  for (const value of Object.values(node)) yield* nodesOf(value)
}

const nameOf = ({ computed, property }) => (computed ? property.value : property.name)

/**
 * The relative modules that a program loads when it runs, the lines of console.log with the text that a comment at the
 * end of the line says it prints, and what a page must not contain.
 */
export const codeOf = (source) => {
  const loads = []
  const prints = []
  const problems = []
  const lineOf = (index) => source.slice(0, index).split("\n").length
  for (const node of nodesOf(parseAst(source, { lang: "ts" }))) {
    const isTypeOnly = node.importKind === "type" || node.exportKind === "type"
    if (/^(Import(Declaration|Expression)|Export(Named|All)Declaration)$/.test(node.type) && !isTypeOnly) {
      const module = node.source?.value
      if (typeof module === "string" && module.startsWith(".")) loads.push(module)
    }
    if (node.type === "Identifier" && /^run(Fork|Callback)/.test(node.name)) {
      const message = `${node.name} hides a failure from the exit code: use Effect.runPromise`
      problems.push({ line: lineOf(node.start), message })
    }
    if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") continue
    const { object, property } = node.callee
    if (object.type !== "Identifier" || !/^(console|Console)$/.test(object.name)) continue
    const comment = /^[^\S\n]*[);,]*[^\S\n]*\/\/ ?(.*)/.exec(source.slice(node.end))
    if (comment === null) continue
    const line = lineOf(property.start)
    if (object.name !== "console" || nameOf(node.callee) !== "log")
      problems.push({ line, message: "a comment after a call that prints is compared only after console.log" })
    else if (prints.some((other) => other.line === line))
      problems.push({ line, message: "two calls of console.log with a comment are in one line" })
    else prints.push({ line, expected: comment[1] })
  }
  return { loads, prints, problems }
}

/** A printed text without the differences that do not count: kinds of quotes, and white space beside brackets. */
export const normalPrint = (text) =>
  text
    .replace(/["`]/g, "'")
    .replace(/\s+/g, " ")
    .replace(/ ?([[\]{}(),]) ?/g, "$1")
    .trim()
