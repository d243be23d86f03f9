import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

const conditions = ["@hexfold/source", ...defaultServerConditions]

// The sources themselves, without a build.
// `__vitest__` is where Vitest loads the global setup.
const sources = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  environments: { __vitest__: { resolve: { conditions } } }
}

const project = (name: string, folder: string, options: { readonly globalSetup?: string } = {}) => ({
  ...sources,
  test: { name, root: folder, include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000, ...options }
})

export default defineConfig({
  test: {
    projects: [
      project("core", "packages/core"),
      project("testing", "packages/testing"),
      project("adapters-memory", "packages/adapters-memory"),
      project("adapters-pg", "packages/adapters-pg", { globalSetup: "test/support/server.ts" }),
      project("banking", "examples/banking"),
      project("travel-expenses", "examples/travel-expenses")
    ]
  }
})
