const [unit] = require('../../jest.config.js').projects;

/** Drills run in Jest as the end-to-end tests do, but never with them: they take minutes. */
module.exports = {
  ...unit,
  displayName: 'drill',
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/drills/*.drill.ts'],
};
