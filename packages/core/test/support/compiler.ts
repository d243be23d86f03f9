/** What the compiler prints about a program. */
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"

const root = join(import.meta.dirname, "../../../..")
const temporary = join(import.meta.dirname, "../.tmp")

/**
 * The messages for each of several programs, which are compiled in one run. A message has its lines as they are printed.
 * Each program begins with `head`.
 */
export const messagesOfAll = async <Name extends string>(
  programs: Readonly<Record<Name, string>>,
  head = ""
): Promise<Readonly<Record<Name, ReadonlyArray<string>>>> => {
  const names = Object.keys(programs) as Array<Name>
  await mkdir(temporary, { recursive: true })
  const folder = await mkdtemp(join(temporary, "compiler-"))
  try {
    for (const [i, name] of names.entries())
      await writeFile(join(folder, `program${i}.ts`), `${head}\n${programs[name]}\n`)
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(root, ".config/tsconfig.base.json"),
        compilerOptions: {
          composite: false,
          declarationMap: false,
          noEmit: true,
          customConditions: ["@hexfold/source"],
          lib: ["ES2024", "DOM"],
          noUnusedLocals: false,
          noUnusedParameters: false,
          rootDir: root
        },
        include: ["*.ts"]
      })
    )
    const printed = await tsc(folder)
    const messages = names.map((): Array<string> => [])
    let current: Array<string> | undefined
    for (const line of printed.split("\n")) {
      const head = /program(\d+)\.ts\(\d+,\d+\): error TS\d+: (.*)$/.exec(line)
      if (head !== null) (current = messages[Number(head[1])]!).push(head[2]!)
      else if (line.startsWith(" ") && current !== undefined) current.push(`${current.pop()!}\n${line}`)
      else if (line !== "") throw new Error(`the compiler failed: ${printed}`)
    }
    return Object.fromEntries(names.map((name, i) => [name, messages[i]!])) as Record<Name, Array<string>>
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The messages for a program. */
export const messagesOf = async (program: string): Promise<ReadonlyArray<string>> =>
  (await messagesOfAll({ program })).program

const tsc = (folder: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(join(root, "node_modules/.bin/tsc"), ["--project", folder, "--pretty", "false"], (error, stdout) => {
      // The compiler exits with 1 or 2 if it has found errors.
      if (error === null || typeof error.code === "number") resolve(stdout)
      else reject(error)
    })
  })
