import { execFile } from "node:child_process"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"

const root = join(import.meta.dirname, "../../../..")

/**
 * What the compiler prints about a program, one text for each error, without
 * the place of the error: the first line, and the lines that explain it.
 */
export const messagesOf = async (program: string): Promise<ReadonlyArray<string>> => {
  const folder = join(import.meta.dirname, "../.tmp", `messages-${crypto.randomUUID()}`)
  await mkdir(folder, { recursive: true })
  try {
    await writeFile(join(folder, "program.ts"), program)
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(root, ".config/tsconfig.base.json"),
        compilerOptions: {
          composite: false,
          incremental: false,
          noEmit: true,
          isolatedDeclarations: false,
          declaration: false,
          declarationMap: false,
          emitDeclarationOnly: false,
          customConditions: ["@hexfold/source"],
          lib: ["ES2024", "DOM"],
          noUnusedLocals: false,
          rootDir: root
        },
        files: ["program.ts"]
      })
    )
    const tsc = join(root, "node_modules/.bin/tsc")
    const { stdout } = await promisify(execFile)(tsc, ["--project", folder, "--pretty", "false"]).catch(
      (failed: { readonly stdout: string }) => failed
    )
    return stdout
      .split(/^(?=\S)/m)
      .map((message) => message.replace(/^.*?\(\d+,\d+\): error TS\d+: /, "").trimEnd())
      .filter((message) => message !== "")
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
