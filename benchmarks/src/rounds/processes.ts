import { type ChildProcess, spawn } from "node:child_process"
import { appendFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** A process that is started again whenever it ends, until it is told to stop. */
export interface Kept {
  /** Kills the process, which is started again. */
  readonly kill: () => void
  /** The number of the process; undefined while none runs, from a kill to the next start. */
  readonly pid: () => number | undefined
  /** Ends the process for good with a signal, and resolves with whether it did within the time, in milliseconds. */
  readonly end: (signal: NodeJS.Signals, timeout: number) => Promise<boolean>
}

/** A process that is started again whenever it is killed, until it ends by itself. */
export interface Job extends Pick<Kept, "kill"> {
  /** The exit code with which it has ended; undefined if it was given up. */
  readonly done: Promise<number | undefined>
  readonly giveUp: () => void
}

const start = (program: URL, args: ReadonlyArray<string>, output: string): ChildProcess => {
  const child = spawn(process.execPath, ["--conditions=@hexfold/source", fileURLToPath(program), ...args], {
    // The first pipe stays open for as long as this process lives: see endWithParent.ts.
    stdio: ["pipe", "pipe", "pipe"]
  })
  const keep = (text: unknown) => appendFileSync(output, String(text))
  child.stdout.on("data", keep)
  child.stderr.on("data", keep)
  return child
}

const exitOf = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once("exit", () => resolve()))

const within = (promise: Promise<void>, timeout: number): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeout)))
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer))
}

/**
 * Keeps a program running. What it prints goes to a file; an end that was not asked for is told. It is started again after a
 * rest, in milliseconds.
 */
export const keep = (
  program: URL,
  args: ReadonlyArray<string>,
  output: string,
  onExit: (code: number | null) => void,
  rest: () => number = () => 0
): Kept => {
  let isOver = false
  let child: ChildProcess
  const begin = () => {
    if (isOver) return
    child = start(program, args, output)
    child.once("exit", (code, signal) => {
      if (isOver) return
      if (signal !== "SIGKILL") onExit(code)
      const pause = rest()
      if (pause === 0) begin()
      else setTimeout(begin, pause)
    })
  }
  begin()
  return {
    kill: () => void child.kill("SIGKILL"),
    pid: () => (child.killed || child.exitCode !== null || child.signalCode !== null ? undefined : child.pid),
    end: async (signal, timeout) => {
      isOver = true
      child.kill(signal)
      const hasEnded = await within(exitOf(child), timeout)
      if (!hasEnded) child.kill("SIGKILL")
      return hasEnded
    }
  }
}

/** Runs a program until it ends by itself. */
export const work = (program: URL, args: ReadonlyArray<string>, output: string): Job => {
  let isOver = false
  let child: ChildProcess
  const done = new Promise<number | undefined>((resolve) => {
    const begin = () => {
      child = start(program, args, output)
      child.once("exit", (code, signal) => {
        if (isOver) resolve(undefined)
        else if (signal === "SIGKILL") begin()
        else resolve(code ?? -1)
      })
    }
    begin()
  })
  return {
    done,
    kill: () => void child.kill("SIGKILL"),
    giveUp: () => {
      isOver = true
      child.kill("SIGKILL")
    }
  }
}
