export * as CloudEvent from "./messages/CloudEvent.ts"
export * as HttpPublisher from "./http/HttpPublisher.ts"
export * as Webhook from "./http/Webhook.ts"
