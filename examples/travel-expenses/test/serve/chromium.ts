/** A real browser: the Chromium of the machine, which npm does not bring along. */
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { chromium } from "playwright-core"

const executablePath = process.env["HEXFOLD_CHROMIUM"] ?? "/usr/bin/chromium"

/** Whether Chromium is installed. */
export const isInstalled = existsSync(executablePath)

/** A page of a new browser, and what its scripts have complained about. Both end with the scope. */
export const browserPage = Effect.gen(function* () {
  const browser = yield* Effect.acquireRelease(
    Effect.promise(() =>
      chromium.launch({
        executablePath,
        // Chromium's sandbox refuses root, as whom containers run their tests.
        args: process.getuid?.() === 0 ? ["--no-sandbox"] : []
      })
    ),
    (browser) => Effect.promise(() => browser.close())
  )
  const page = yield* Effect.promise(() => browser.newPage())
  // A busy machine is slow. The limit only ends what hangs, before the test's own limit does.
  page.setDefaultTimeout(120_000)
  const complaints: Array<string> = []
  page.on("pageerror", ({ message }) => complaints.push(message))
  page.on("console", (message) => {
    // Chromium itself reports each answer that is an error, and each server that is away. The scripts expect them.
    const isExpected = message.text().startsWith("Failed to load resource")
    if (["error", "warning"].includes(message.type()) && !isExpected) complaints.push(message.text())
  })
  return { page, complaints }
})
