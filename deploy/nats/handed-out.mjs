import { readFileSync } from 'node:fs';
import { serverConfig } from './server-config.mjs';

const TEMPLATE = new URL('nats.conf', import.meta.url);

/** Where a user finds NATS in the network of the containers. */
export const natsUrl = (user, password) => `nats://${user}:${password}@nats:4222`;

/** What nats-server is started with. */
export const natsConfig = (services) => serverConfig(readFileSync(TEMPLATE, 'utf8'), services);
