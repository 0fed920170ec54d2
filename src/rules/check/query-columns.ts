import type { FuncCall, Node, ParseResult, RangeVar, SelectStmt } from 'libpg-query';

/** The columns that a query gives, as far as its text shows. */
export interface QueryColumns {
  /** In order, in lower case; `?column?` where PostgreSQL has no name for one. */
  readonly names: readonly string[];
  /** False: there is a `*` of a real table among them, so there may be more. */
  readonly isComplete: boolean;
  /** Byte offset in the query of the first of them, for messages. */
  readonly at: number;
}

type Known = ReadonlyMap<string, readonly string[] | undefined>;

/** One entry of a FROM clause by its alias; columns undefined: not known from the text. */
interface Source {
  readonly alias: string;
  readonly columns: readonly string[] | undefined;
}

/** Finds the columns of a parsed query; undefined where it is not one SELECT. */
export function findQueryColumns(parsed: ParseResult): QueryColumns | undefined {
  const statement = parsed.stmts?.[0]?.stmt;
  if (statement === undefined || !('SelectStmt' in statement)) return undefined;
  const select = leftmostOf(statement.SelectStmt);
  const columns = columnsOf(statement.SelectStmt, new Map());
  const first = select.targetList?.[0];
  const at = first !== undefined && 'ResTarget' in first ? (first.ResTarget.location ?? 0) : 0;
  return { names: columns.filter((name) => name !== undefined), isComplete: !columns.includes(undefined), at };
}

/** Names of a union are those of its first SELECT. */
function leftmostOf(select: SelectStmt): SelectStmt {
  return select.larg === undefined ? select : leftmostOf(select.larg);
}

/** Names of all columns; undefined stands for columns that are not known. */
function columnsOf(select: SelectStmt, outer: Known): readonly (string | undefined)[] {
  const known = new Map(outer);
  for (const node of select.withClause?.ctes ?? []) {
    if (!('CommonTableExpr' in node)) continue;
    const { ctename = '', ctequery, aliascolnames } = node.CommonTableExpr;
    known.set(ctename, columnsOfSubquery(ctequery, known, aliascolnames));
  }
  if (select.larg !== undefined) return columnsOf(select.larg, known);
  if (select.valuesLists !== undefined) return columnsOfValues(select.valuesLists);
  const sources = (select.fromClause ?? []).flatMap((node) => sourcesOf(node, known));
  return (select.targetList ?? []).flatMap((node) => {
    if (!('ResTarget' in node)) return [undefined];
    const { name, val } = node.ResTarget;
    if (name !== undefined) return [name];
    return val === undefined ? [undefined] : (columnsOfStar(val, sources) ?? [nameOf(val)]);
  });
}

function columnsOfValues(lists: readonly Node[]): readonly string[] {
  const first = lists[0];
  const items = first !== undefined && 'List' in first ? (first.List.items ?? []) : [];
  return items.map((_item, index) => `column${index + 1}`);
}

function stringsOf(nodes: readonly Node[] | undefined): readonly string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));
}

/** Columns of a subquery, the first of them renamed by an alias list; undefined where they are not all known. */
function columnsOfSubquery(
  query: Node | undefined,
  known: Known,
  aliases?: readonly Node[],
): readonly string[] | undefined {
  if (query === undefined || !('SelectStmt' in query)) return undefined;
  const columns = columnsOf(query.SelectStmt, known);
  const renamed = stringsOf(aliases);
  const names = columns.map((name, index) => renamed[index] ?? name);
  return names.every((name) => name !== undefined) ? names : undefined;
}

function sourcesOf(node: Node, known: Known): readonly Source[] {
  if ('RangeVar' in node) return [sourceOfTable(node.RangeVar, known)];
  if ('RangeSubselect' in node) {
    const { subquery, alias } = node.RangeSubselect;
    return [{ alias: alias?.aliasname ?? '', columns: columnsOfSubquery(subquery, known, alias?.colnames) }];
  }
  if ('JoinExpr' in node) {
    const { larg, rarg, usingClause, isNatural } = node.JoinExpr;
    const sides = [larg, rarg].flatMap((side) => (side === undefined ? [] : sourcesOf(side, known)));
    const isPlain = usingClause === undefined && isNatural !== true;
    return isPlain ? sides : sides.map(({ alias }) => ({ alias, columns: undefined }));
  }
  return [{ alias: '', columns: undefined }];
}

function sourceOfTable(table: RangeVar, known: Known): Source {
  const { relname = '', schemaname, alias } = table;
  const columns = schemaname === undefined ? known.get(relname) : undefined;
  const renamed = stringsOf(alias?.colnames);
  return { alias: alias?.aliasname ?? relname, columns: columns?.map((name, index) => renamed[index] ?? name) };
}

/** Columns of `*` or `alias.*`; undefined where the expression is not a star. */
function columnsOfStar(value: Node, sources: readonly Source[]): readonly (string | undefined)[] | undefined {
  if (!('ColumnRef' in value)) return undefined;
  const fields = value.ColumnRef.fields ?? [];
  const last = fields.at(-1);
  if (last === undefined || !('A_Star' in last)) return undefined;
  const alias = stringsOf(fields).at(-1);
  const chosen = alias === undefined ? sources : sources.filter((source) => source.alias === alias);
  return chosen.length === 0
    ? [undefined]
    : chosen.flatMap(({ columns }): readonly (string | undefined)[] => columns ?? [undefined]);
}

function functionNameOf(call: FuncCall): string {
  return stringsOf(call.funcname).at(-1) ?? '?column?';
}

/** The name that PostgreSQL gives to an expression without alias. */
function nameOf(value: Node): string {
  if ('ColumnRef' in value) return stringsOf(value.ColumnRef.fields).at(-1) ?? '?column?';
  if ('FuncCall' in value) return functionNameOf(value.FuncCall);
  if ('A_Indirection' in value) return stringsOf(value.A_Indirection.indirection).at(-1) ?? '?column?';
  if ('TypeCast' in value) {
    const { arg, typeName } = value.TypeCast;
    const inner = arg === undefined ? '?column?' : nameOf(arg);
    return inner === '?column?' ? (stringsOf(typeName?.names).at(-1) ?? inner) : inner;
  }
  if ('CaseExpr' in value) {
    const inner = value.CaseExpr.defresult === undefined ? '?column?' : nameOf(value.CaseExpr.defresult);
    return inner === '?column?' ? 'case' : inner;
  }
  if ('SubLink' in value) {
    const { subLinkType, subselect } = value.SubLink;
    if (subLinkType === 'EXISTS_SUBLINK') return 'exists';
    if (subLinkType === 'ARRAY_SUBLINK') return 'array';
    return columnsOfSubquery(subselect, new Map())?.[0] ?? '?column?';
  }
  if ('CoalesceExpr' in value) return 'coalesce';
  if ('MinMaxExpr' in value) return value.MinMaxExpr.op === 'IS_GREATEST' ? 'greatest' : 'least';
  return '?column?';
}
