import { serviceUser } from './service-user.mjs';

const PLACE = /^ *# Services with an identity of their own stand here.*$/m;
const PASSWORDS = 'include "secrets/passwords.conf"';

/**
 * nats.conf with a user for each of the services, to stand beside its passwords. In the language of
 * NATS a list cannot be continued from another file, so the file is made.
 *
 * @throws {Error} nats.conf has no place for them any more.
 */
export function serverConfig(template, services) {
  if (!PLACE.test(template) || !template.includes(PASSWORDS))
    throw new Error('nats.conf says no more where passwords and services go');
  const users = Object.entries(services).map(([name, identity]) => serviceUser(name, identity));
  return template
    .replace(PASSWORDS, 'include "passwords.conf"')
    .replace(PLACE, () => users.join('\n'));
}
