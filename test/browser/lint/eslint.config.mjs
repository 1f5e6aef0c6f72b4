// What eslint looks for in the extension and in what drives it in the tests: mistakes, not manners.
// KEYPLATE_NODE_MODULES: where setup has put the packages.
import { createRequire } from 'node:module';

const require = createRequire(process.env.KEYPLATE_NODE_MODULES + '/');
const js = require('@eslint/js');
const globals = require('globals');

const rules = {
  ...js.configs.recommended.rules,
  'eqeqeq': 'error',
  'no-control-regex': 'off', // addresses and names are judged by them
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  'no-var': 'error',
  'no-unused-vars': ['error', { args: 'none', caughtErrors: 'none' }],
};

export default [
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['browser/extension/**/*.js'],
    languageOptions: {
      sourceType: 'module',
      globals: { ...globals.browser, ...globals.webextensions },
    },
    rules: { ...rules, 'no-console': ['error', { allow: ['error'] }], 'prefer-const': 'error' },
  },
  {
    files: ['test/browser/**/*.mjs', 'test/browser/unit/**/*.js'],
    ignores: ['test/browser/lint/node_modules/**'],
    languageOptions: {
      sourceType: 'module',
      // Parts of it run inside pages.
      globals: { ...globals.node, ...globals.browser },
    },
    rules,
  },
];
