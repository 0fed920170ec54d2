import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { isNode, LineCounter, parseDocument } from 'yaml';

import { SiteError } from '#model/errors.ts';
import { decodeText, findOddCharacters } from '#util/text/decode-text.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';
import { headOf } from '#util/text/head-of.ts';
import { findAnchors } from '#util/yaml/find-anchors.ts';

import { siteFileSchema } from './site-schema.ts';

import type { Document } from 'yaml';
import type * as z from 'zod';

import type { SiteFile } from './site-schema.ts';

interface SiteFileProblem {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** Makes the one error that names all that is wrong with a site file, a line each, in order. */
function makeSiteFileError(file: string, siteProblems: readonly SiteFileProblem[]): SiteError {
  const sorted = siteProblems.toSorted((one, other) => one.line - other.line || one.column - other.column);
  const lines = sorted.map(({ line, column, text }) => `${file}:${line}:${column}: ${text}`);
  return new SiteError(`The site file '${file}' has ${lines.length === 1 ? 'an error' : `${lines.length} errors`}`, {
    code: 'site-file',
    facts: { file },
    complaints: lines,
    advice: "'docs/site.md' lists all keys",
  });
}

function placeOf(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
): { line: number; column: number } {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) {
      const { line, col } = lines.linePos(node.range[0]);
      return { line, column: col };
    }
  }
  return { line: 1, column: 1 };
}

// A union that failed says little itself: the branch that came furthest knows more, which is the one with least to say.
function issuesOf(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const branches = issue.errors
    .map((branch) => branch.filter(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'))
    .filter((branch) => branch.length > 0)
    .toSorted((one, other) => one.length - other.length);
  const [best = []] = branches;
  const inner = best.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
  return inner.length > 0 ? inner.flatMap(issuesOf) : [issue];
}

function keysOf(path: readonly PropertyKey[]): readonly string[] {
  let shape: unknown = siteFileSchema;
  for (const key of path) shape = shapeOf(shape)?.[String(key)];
  return Object.keys(shapeOf(shape) ?? {});
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  if ('shape' in schema && typeof schema.shape === 'object' && schema.shape !== null) return { ...schema.shape };
  if ('unwrap' in schema && typeof schema.unwrap === 'function') return shapeOf(schema.unwrap());
  if ('options' in schema && Array.isArray(schema.options)) return shapeOf(schema.options.at(-1));
  return undefined;
}

function problemsOf(
  document: Document,
  lines: LineCounter,
  value: unknown,
  issue: z.core.$ZodIssue,
): readonly SiteFileProblem[] {
  const name = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const meant = findNearestWord(key, keysOf(issue.path));
      const where = name === '' ? '' : ` in '${name}'`;
      return {
        ...placeOfKey(document, lines, [...issue.path, key]),
        text: `Unknown key '${key}'${where}${meant === undefined ? '' : `: did you mean '${meant}'?`}`,
      };
    });
  }
  const found: unknown = issue.path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
  const isMissing = found === undefined;
  const shown =
    isMissing || typeof found === 'object' || isSecretKey(issue.path.at(-1))
      ? ''
      : ` '${JSON.stringify(found).replace(/^"(.*)"$/, '$1')}'`;
  const expected = /^Invalid|^Too/.test(issue.message)
    ? issue.message.replace(/^Invalid input: expected /, 'a ')
    : issue.message;
  return [
    {
      ...placeOf(document, lines, issue.path),
      text: isMissing
        ? `'${name}' is missing: expected ${expected}`
        : `Value${shown} of '${name}' is wrong: expected ${expected}`,
    },
  ];
}

function placeOfKey(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
): { line: number; column: number } {
  const parent: unknown = document.getIn(path.slice(0, -1), true);
  if (typeof parent === 'object' && parent !== null && 'items' in parent && Array.isArray(parent.items)) {
    for (const item of parent.items) {
      const key: unknown = typeof item === 'object' && item !== null && 'key' in item ? item.key : undefined;
      if (isNode(key) && String(key) === path.at(-1) && key.range) {
        const { line, col } = lines.linePos(key.range[0]);
        return { line, column: col };
      }
    }
  }
  return placeOf(document, lines, path);
}

/** Returns whether others than the owner may read a file. */
async function isReadByOthers(file: string): Promise<boolean> {
  return ((await stat(file)).mode & 0o077) !== 0;
}

/** Keys whose text is a secret; the address of a webhook may hold a token. */
function isSecretKey(key: PropertyKey | undefined): boolean {
  return key === 'password' || key === 'webhook';
}

function passwordsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === 'string') {
    const isPassword = isSecretKey(path.at(-1)) || (URL.canParse(value) && new URL(value).password !== '');
    return isPassword ? [path] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => passwordsOf(inner, [...path, key]));
}

/** What is not YAML, and what would be read as something else: aliases of nothing, and tags that nothing knows. */
function findFormProblems(document: Document, lines: LineCounter): readonly SiteFileProblem[] {
  const notYaml = [...document.errors, ...document.warnings].map(({ message, linePos }) => ({
    line: linePos?.[0].line ?? 1,
    column: linePos?.[0].col ?? 1,
    text: headOf(message, '\n').replace(/ at line \d+, column \d+:?$/, ''),
  }));
  if (notYaml.length > 0) return notYaml;
  const { problems } = findAnchors(document, (offset) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  });
  return problems.map(({ place, message, expected = '' }) => ({ ...place, text: `${message}: expected ${expected}` }));
}

/**
 * Reads and checks a site file.
 *
 * @param file absolute path
 * @throws SiteError `site-file` that names every mistake with its line; also for a password in a file that others may read
 */
export async function readSiteFile(file: string): Promise<SiteFile> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new SiteError(`The site file '${file}' cannot be read`, {
      code: 'site-file-unreadable',
      cause,
      advice: 'Make it readable for this user, or name another one: --site PATH',
    });
  });
  const { text, problems } = decodeText(bytes);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const unreadable = [
    ...[...problems, ...findOddCharacters(text)].map(({ message, expected, ...place }) => ({
      ...place,
      text: `${message}: expected ${expected}`,
    })),
    ...findFormProblems(document, lines),
  ];
  if (unreadable.length > 0) throw makeSiteFileError(file, unreadable);
  const value: unknown = document.toJS() ?? {};
  const parsed = siteFileSchema.safeParse(value);
  const siteProblems = (parsed.error?.issues ?? [])
    .flatMap(issuesOf)
    .flatMap((issue) => problemsOf(document, lines, value, issue));
  const passwords = passwordsOf(value);
  if (passwords.length > 0 && (await isReadByOthers(file))) {
    for (const path of passwords) {
      siteProblems.push({
        ...placeOf(document, lines, path),
        text: `'${path.join('.')}' contains a password or token, but other users can read this file: run 'chmod 600' on it, or use {env: NAME} or {file: PATH}`,
      });
    }
  }
  if (!parsed.success || siteProblems.length > 0) throw makeSiteFileError(file, siteProblems);
  return parsed.data;
}

/**
 * Reads a secret that stands in a file of its own; without the newline at its end.
 *
 * @throws SiteError if it cannot be read, or if others may read it
 */
export async function readSecretFile(siteFile: string, path: string): Promise<string> {
  const file = resolve(dirname(siteFile), path);
  try {
    if (await isReadByOthers(file)) {
      throw new SiteError(`Other users can read the secret in '${file}'`, {
        code: 'site-secret-open',
        advice: `chmod 600 '${file}'`,
      });
    }
    return (await readFile(file, 'utf8')).trimEnd();
  } catch (cause) {
    if (cause instanceof SiteError) throw cause;
    throw new SiteError(`The secret in '${file}', which '${siteFile}' names, cannot be read`, {
      code: 'site-secret-unreadable',
      cause,
      advice: 'It must belong to this user, have mode 0600 and contain nothing but the secret',
    });
  }
}
