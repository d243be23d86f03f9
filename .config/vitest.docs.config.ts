import { readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

// The tests in the pages, which .ci/docs.mjs has extracted: one project each, because each has a database of its own.
const tests: ReadonlyArray<{ readonly path: string; readonly url?: string }> = JSON.parse(
  readFileSync(".tmp/docs/tests.json", "utf8")
)
const conditions = ["@hexfold/source", ...defaultServerConditions]

export default defineConfig({
  test: {
    // By default one core is left free, which on two cores means one file after the other.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: tests.map(({ path, url }) => ({
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: {
        name: path,
        include: [path],
        testTimeout: 180_000,
        hookTimeout: 180_000,
        env: url === undefined ? {} : { DATABASE_URL: url }
      }
    }))
  }
})
