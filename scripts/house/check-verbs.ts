import ts from 'typescript';

import { nameForms, verbs } from './verbs.ts';

import type { SourceTree } from './source-tree.ts';

/**
 * N3: each top-level function of `src/`, exported or private, begins with a verb of `scripts/house/verbs.ts`, or its
 * name has one of the forms there; and each verb of the list is used. Returns all complaints.
 */
export function checkVerbs(tree: SourceTree): readonly string[] {
  const used = new Set<string>();
  const complaints = [...tree]
    .filter(([path]) => path.startsWith('src/') && path.endsWith('.ts'))
    .flatMap(([path, text]) =>
      functionsOf(path, text).flatMap(({ name, line }) => {
        const [verb = ''] = /^[a-z0-9]+/u.exec(name) ?? [];
        if (verbs.has(verb)) used.add(verb);
        if (verbs.has(verb) || nameForms.some(({ pattern }) => pattern.test(name))) return [];
        return [`${path}:${line}: '${name}' does not begin with a verb of docs/verbs.md, nor has a form there (N3)`];
      }),
    );
  const unused = [...verbs.keys()].filter((verb) => !used.has(verb));
  return [
    ...complaints,
    ...unused.map((verb) => `scripts/house/verbs.ts: No function begins with '${verb}': remove it (N3)`),
  ];
}

/** The functions at the top of a file, declared or in a constant. */
function functionsOf(path: string, text: string): readonly { readonly name: string; readonly line: number }[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  return file.statements
    .flatMap((statement): readonly (ts.Node | undefined)[] => {
      if (ts.isFunctionDeclaration(statement)) return [statement.name];
      if (!ts.isVariableStatement(statement)) return [];
      return statement.declarationList.declarations
        .filter(
          ({ initializer }) => initializer && (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer)),
        )
        .map(({ name }) => name);
    })
    .flatMap((name) =>
      name === undefined
        ? []
        : [{ name: name.getText(), line: file.getLineAndCharacterOfPosition(name.getStart()).line + 1 }],
    );
}

/** The page about names of functions, from the list that the check uses. */
export function renderVerbs(): string {
  return [
    '<!-- Made by scripts/generate.ts from scripts/house/verbs.ts: change it there. -->',
    '',
    '# Function names',
    '',
    'A function at the top of a file in `src/` begins with one of these verbs. Each has one meaning; a new verb is added',
    'only if none fits. `npm run house` checks it.',
    '',
    '| verb | meaning |',
    '|---|---|',
    ...[...verbs].map(([verb, meaning]) => `| \`${verb}\` | ${meaning} |`),
    '',
    'Other names have one of these forms:',
    '',
    '| form | meaning |',
    '|---|---|',
    ...nameForms.map(({ examples, meaning }) => `| ${examples} | ${meaning} |`),
    '',
  ].join('\n');
}
