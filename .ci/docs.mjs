// Type-checks every TypeScript block in doc comments and in Markdown: an example that does not compile is a bug.
// Against the sources, so it needs no build.
import { spawnSync } from "node:child_process"
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const folder = ".tmp/docs"
// Inside of the workspace, so that the packages resolve as they do for a user.
const out = join(root, folder)

// Every line keeps its number and its column, so that the compiler's positions are those of the source.
const blocksOf = (path, lines) => {
  const blocks = []
  let block
  for (const [i, line] of lines.entries()) {
    if (block === undefined && /^\s*```(ts|typescript)\b/.test(line)) block = { start: i, lines: [] }
    else if (block !== undefined && /^\s*```\s*$/.test(line)) {
      blocks.push(block)
      block = undefined
    } else block?.lines.push(line)
  }
  if (block !== undefined) {
    console.error(`${path}:${block.start + 1}: the block has no end`)
    process.exit(1)
  }
  return blocks
}

// The text of the doc comments alone; everything else becomes empty lines.
const comments = (source) => {
  const lines = source.split("\n").map(() => "")
  for (const { 0: comment, index } of source.matchAll(/\/\*\*[^]*?\*\//g)) {
    const first = source.slice(0, index).split("\n").length - 1
    for (const [i, line] of comment.split("\n").entries()) {
      lines[first + i] = line.replace(/^\s*(\/\*\*|\*\/|\*)/, (mark) => " ".repeat(mark.length))
    }
  }
  return lines
}

rmSync(out, { recursive: true, force: true })
const sources = globSync("packages/*/src/**/*.ts", { cwd: root, exclude: (path) => path.endsWith(".d.ts") })
const pages = globSync(["*.md", "{packages,examples}/*/*.md", "benchmarks/*.md"], {
  cwd: root,
  exclude: (path) => path.endsWith("CHANGELOG.md")
})
const counts = { "doc comments": 0, Markdown: 0 }
for (const path of [...sources, ...pages].sort()) {
  const text = readFileSync(join(root, path), "utf8")
  const isPage = path.endsWith(".md")
  for (const { lines, start } of blocksOf(path, isPage ? text.split("\n") : comments(text))) {
    const file = join(out, path, `${start + 1}.ts`)
    mkdirSync(dirname(file), { recursive: true })
    // A block without imports is a module too.
    writeFileSync(file, `${"\n".repeat(start + 1)}${lines.join("\n")}\nexport {}\n`)
    counts[isPage ? "Markdown" : "doc comments"]++
  }
}
if (counts["doc comments"] === 0) throw new Error("no example found: the doc comments look different than expected")

const compilerOptions = {
  noEmit: true,
  composite: false,
  declaration: false,
  declarationMap: false,
  sourceMap: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
  allowImportingTsExtensions: true,
  customConditions: ["@hexfold/source"],
  types: ["node"]
}
const config = { extends: "../../.config/tsconfig.base.json", compilerOptions, include: ["."] }
writeFileSync(join(out, "tsconfig.json"), JSON.stringify(config))

const { error, status, stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder, "--pretty", "false"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 1 << 26
})
if (error !== undefined) throw error
// .tmp/docs/packages/core/src/domain/Aggregate.ts/83.ts(90,5) becomes packages/core/src/domain/Aggregate.ts:90:5.
process.stdout.write(stdout.replace(/^\.tmp\/docs\/(.+)\/\d+\.ts\((\d+),(\d+)\)/gm, "$1:$2:$3"))
if (status === 0)
  console.log(`${counts["doc comments"]} examples in doc comments and ${counts.Markdown} in Markdown compile`)
process.exitCode = status === 0 ? 0 : 1
