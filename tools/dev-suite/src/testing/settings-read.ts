import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** A place in the source that takes a setting from the environment, or declares one in a schema. */
export interface SettingRead {
  readonly file: string;
  readonly name: string;
}

const SETTING = /^[A-Z][A-Z0-9_]*$/;
/** Variables that hold an environment are called so everywhere. */
const ENVIRONMENT = new Set(['env', 'environment']);
/** What each way of reading has in it; most files have none, and need no parsing. */
const MAY_READ = /\b(env|environment)\b|([oO]bject|xtend)\(/;
const SOURCE = /\.(ts|mts|cts|js|mjs|cjs)$/;
const NOT_PRODUCT = /(^|\/)(node_modules|dist|testing|test-bench)(\/|$)|\.(spec|d)\.ts$/;

/** All of the folders below `root`, tests and what only tests use left out. */
export function settingsReadBelow(
  root: string,
  folders: readonly string[],
): readonly SettingRead[] {
  return folders
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && SOURCE.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !NOT_PRODUCT.test(file))
    .flatMap((file) =>
      settingsReadIn(readFileSync(join(root, file), 'utf8')).map((name) => ({ file, name })),
    );
}

/**
 * `process.env.X`, `environment['X']`, `const { X } = process.env`, and the keys of
 * `z.object({ X: … })`: the names, in the order they stand.
 */
export function settingsReadIn(text: string): readonly string[] {
  if (!MAY_READ.test(text)) return [];
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, false);
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    names.push(...namesAt(node).filter((name) => SETTING.test(name)));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

function namesAt(node: ts.Node): readonly string[] {
  if (ts.isPropertyAccessExpression(node) && isEnvironment(node.expression))
    return [node.name.text];
  if (ts.isElementAccessExpression(node) && isEnvironment(node.expression))
    return ts.isStringLiteralLike(node.argumentExpression) ? [node.argumentExpression.text] : [];
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name))
    return node.initializer && isEnvironment(node.initializer)
      ? node.name.elements.map(({ propertyName, name }) => textOf(propertyName ?? name))
      : [];
  return isSchema(node) ? keysOf(node.arguments[0]) : [];
}

function isEnvironment(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return ENVIRONMENT.has(node.text);
  return ts.isPropertyAccessExpression(node) && ENVIRONMENT.has(node.name.text);
}

const isSchema = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) &&
  ts.isPropertyAccessExpression(node.expression) &&
  /^((strict|loose)?[oO]bject|(safeE|e)xtend)$/.test(node.expression.name.text);

const keysOf = (node: ts.Expression | undefined): readonly string[] =>
  node && ts.isObjectLiteralExpression(node)
    ? node.properties.map(({ name }) => (name ? textOf(name) : ''))
    : [];

const textOf = (name: ts.PropertyName | ts.BindingName): string =>
  ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : '';
