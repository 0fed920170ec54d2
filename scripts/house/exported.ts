import ts from 'typescript';

/** One export of a file. */
export interface Exported {
  readonly name: string;
  /** From 1. */
  readonly line: number;
  readonly hasDocstring: boolean;
  /** For an exported interface: its fields and methods. */
  readonly members: readonly { readonly name: string; readonly line: number; readonly hasDocstring: boolean }[];
}

/** Lists what a TypeScript file exports, in the order of the text. Overloads count once. */
export function exportedOf(path: string, text: string): readonly Exported[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const lineOf = (node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  const found = new Map<string, Exported>();
  const put = (name: string, node: ts.Node, members: Exported['members'] = []): void => {
    if (!found.has(name)) found.set(name, { name, line: lineOf(node), hasDocstring: hasDocstring(node), members });
  };
  for (const statement of file.statements) {
    if (!ts.canHaveModifiers(statement)) continue;
    if (ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) !== true) continue;
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) put(declaration.name.getText(), statement);
    } else if (ts.isInterfaceDeclaration(statement)) {
      const members = statement.members.map((member) => ({
        name: member.name?.getText() ?? '',
        line: lineOf(member),
        hasDocstring: hasDocstring(member),
      }));
      put(statement.name.text, statement, members);
    } else if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement)
    ) {
      put(statement.name?.text ?? 'default', statement);
    }
  }
  return [...found.values()];
}

function hasDocstring(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).length > 0;
}
