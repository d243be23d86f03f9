export * as Webhooks from "./webhooks/Webhooks.ts"
