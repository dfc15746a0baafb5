import tseslint from 'typescript-eslint';

/** What a domain may not look up itself; Node's own globals do not compile there in the first place. */
const CLOCK_AND_CHANCE = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'A domain reads no clock: time comes in with the command.',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'A domain reads no clock: time comes in with the command.',
  },
  {
    selector: "CallExpression[callee.name='Date']",
    message: 'A domain reads no clock: time comes in with the command.',
  },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'A domain has no randomness: ids and chances come in with the command.',
  },
];

const DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'Named exports only: a thing has one name everywhere.',
};

/** A test that does not run looks like one that passes. */
const LEFT_OUT_TESTS = [
  {
    selector:
      'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(only|skip|todo|failing)$/]',
    message: 'Every test runs: a skipped test is a failed test.',
  },
  {
    selector:
      'CallExpression[callee.name=/^(xit|xtest|xdescribe|fit|fdescribe)$/][arguments.0.type=/Literal$/]',
    message: 'Every test runs: a skipped test is a failed test.',
  },
];

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'AbortController'];

const SOURCES = '**/*.ts';
const TESTS = '**/*.spec.ts';
const PURE = [
  'libs/*/domain/**/*.ts',
  'libs/contracts/**/*.ts',
  'libs/kernel/eventsourcing/**/*.ts',
];

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '.nx/', '.downbeat/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{js,mjs,cjs,ts}'],
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['**/*.{js,mjs,cjs}'], rules: { 'no-unused-vars': 'error' } },
  {
    files: [SOURCES],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      // One program for the whole tree, test files included.
      parserOptions: { project: './tsconfig.spec.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      // A union that grows must not compile until every place has an answer.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: false },
      ],
      'no-restricted-syntax': ['error', DEFAULT_EXPORT],
    },
  },
  // A library does not know where its process's output goes.
  { files: ['libs/**/*.ts'], ignores: [TESTS], rules: { 'no-console': 'error' } },
  {
    files: PURE,
    rules: {
      'no-restricted-syntax': ['error', DEFAULT_EXPORT, ...CLOCK_AND_CHANCE],
      'no-restricted-globals': ['error', 'performance', 'crypto', 'globalThis'],
    },
  },
  // The cores are given the time and the chance; timers and signals stand at their edge.
  {
    files: ['libs/resilience/src/**/*.ts'],
    ignores: ['libs/resilience/src/edge/**'],
    rules: {
      'no-restricted-syntax': ['error', DEFAULT_EXPORT, ...CLOCK_AND_CHANCE],
      'no-restricted-globals': [
        'error',
        ...TIMERS,
        'performance',
        'crypto',
        'process',
        'globalThis',
      ],
    },
  },
  {
    files: [TESTS],
    rules: { 'no-restricted-syntax': ['error', DEFAULT_EXPORT, ...LEFT_OUT_TESTS] },
  },
  {
    files: PURE.map((files) => files.replace('*.ts', '*.spec.ts')),
    rules: {
      'no-restricted-syntax': ['error', DEFAULT_EXPORT, ...CLOCK_AND_CHANCE, ...LEFT_OUT_TESTS],
    },
  },
);
