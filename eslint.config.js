import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Syntax the house does without, each with the reason a reader of the failure needs. */
const unwanted = [
  { selector: 'ExportDefaultDeclaration', message: 'No default exports: a thing has one name everywhere.' },
  { selector: 'ExportAllDeclaration, ExportNamedDeclaration[source]', message: 'No barrels: import from the file that has it.' },
  { selector: 'TSEnumDeclaration, TSModuleDeclaration, TSParameterProperty', message: 'Types are only stripped: nothing that makes code.' },
  { selector: 'ClassDeclaration:not([superClass.name=/Error$/])', message: 'No classes but errors: a function that returns an object hides as much.' },
];

/** A core is a function of its arguments: the same question gets the same answer, whenever and wherever it is asked. */
const inTheCore = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'A core has no clock: take `now: Date` as the last argument.' },
  { selector: "CallExpression[callee.name='Date']", message: 'A core has no clock: take `now: Date` as the last argument.' },
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'A core has no clock: take `now: Date` as the last argument.' },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'A core has no dice: take what was drawn as an argument.' },
];

const noGlobalsInTheCore = ['process', 'performance', 'crypto', 'console', 'fetch', 'setTimeout', 'setInterval', 'setImmediate'];

export default defineConfig(
  globalIgnores(['.data/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  { files: ['**/*.js'], languageOptions: { globals: { URL: 'readonly', process: 'readonly' } } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strict],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // A promise nobody waits for is an error nobody sees.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      // Closed unions are switched whole: a new member fails here until every switch has an answer for it.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true }],
      // It refuses `Promise.withResolvers<void>()`, which is right.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...unwanted],
      // An `as` is a promise nobody checks: parse the value, or write a type guard. `as const` promises nothing and stays.
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      // What came in as `any` is parsed before it is used.
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-call': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
      // A file and a function are read in one sitting.
      'max-lines': ['error', 200],
      'max-lines-per-function': ['error', { max: 30, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      // A switch counts once, however many members its union has.
      complexity: ['error', { max: 12, variant: 'modified' }],
    },
  },
  {
    files: ['src/**/core/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...unwanted, ...inTheCore],
      'no-restricted-globals': ['error', ...noGlobalsInTheCore],
    },
  },
  {
    // A test reads answers whose shape it is there to prove.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-explicit-any': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
