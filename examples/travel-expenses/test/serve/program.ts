/** The program `npm run serve` as a process of its own, as a user starts it. */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

/** How the program is started. */
export const command = [
  "--conditions=@hexfold/source",
  fileURLToPath(new URL("../../src/serve/main.ts", import.meta.url)),
  "--port"
] as const

/** Starts the program on any port, and waits until it says where it serves. It is killed when the scope closes. */
export const started = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [...command, "0", ...args], { stdio: ["ignore", "pipe", "inherit"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(
    Effect.flatMap((child) =>
      Effect.promise(async () => {
        let text = ""
        for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
          text += String(chunk)
          if (text.includes("/graphql\n")) break
        }
        return { child, text, url: /(http:\S+) serves/.exec(text)![1]! }
      })
    )
  )

/** Ends a program with the signal of an operator, and gives its exit code. */
export const ended = async (child: ChildProcess): Promise<unknown> => {
  const exit = once(child, "exit")
  child.kill("SIGTERM")
  return (await exit)[0]
}
