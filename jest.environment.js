const { AsyncLocalStorage } = require('node:async_hooks');
const { TestEnvironment } = require('jest-environment-node');

/** Those that a test file has entered. Each costs every promise of the process until it is disabled. */
const entered = new Set();
for (const name of ['run', 'enterWith']) {
  const enter = AsyncLocalStorage.prototype[name];
  AsyncLocalStorage.prototype[name] = function (...given) {
    entered.add(this);
    return enter.apply(this, given);
  };
}

/**
 * Node's, and what a test file leaves in the process is switched off with it: each file makes its storages
 * anew, so that the last of a hundred would wait for those of all before it.
 */
module.exports = class extends TestEnvironment {
  async teardown() {
    for (const storage of entered) storage.disable();
    entered.clear();
    await super.teardown();
  }
};
