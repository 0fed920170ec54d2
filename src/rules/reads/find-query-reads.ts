/** What a query reads, as far as its text shows. */
export interface QueryReads {
  /** Tables and views, with the schema where it is written: `datasets`, `other.table`. */
  readonly tables: readonly string[];
  /** String constants, each once. */
  readonly strings: readonly string[];
  /** Names of functions, in lower case, without schema; each once. */
  readonly functions: readonly string[];
  /** Whether it reads the clock, the session or a random sample, other than by a function: `current_date`, `'today'`, … */
  readonly isVarying: boolean;
  /** Whether each row belongs to one run: the same rows come if the query is asked for this run alone. */
  readonly isByRun: boolean;
}

type Tree = Readonly<Record<string, unknown>>;

/**
 * Finds what a query reads. The parser is loaded at the first call.
 *
 * @returns undefined where the text is not SQL
 */
export async function findQueryReads(sql: string): Promise<QueryReads | undefined> {
  const { hasSqlDetails, loadModule, parseSync } = await import('libpg-query');
  await loadModule();
  try {
    return readTree(parseSync(sql));
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    return undefined;
  }
}

function readTree(parsed: unknown): QueryReads {
  const nodes = [...nodesOf(parsed)];
  const every = (kind: string): readonly Tree[] => nodes.flatMap((node) => (node.kind === kind ? [node.tree] : []));
  const own = new Set(every('CommonTableExpr').map(({ ctename }) => textOf(ctename)));
  const tables = every('RangeVar')
    .filter(({ relname, schemaname }) => schemaname !== undefined || !own.has(textOf(relname)))
    .map(({ relname, schemaname }) =>
      schemaname === undefined ? textOf(relname) : `${textOf(schemaname)}.${textOf(relname)}`,
    );
  const strings = every('A_Const').flatMap(({ sval }) => (isTree(sval) ? [textOf(sval['sval'])] : []));
  const calls = every('FuncCall');
  return {
    tables: [...new Set(tables)],
    strings: [...new Set(strings)],
    functions: [...new Set(calls.map(functionOf))],
    isVarying:
      every('SQLValueFunction').length > 0 ||
      every('RangeTableSample').length > 0 ||
      strings.some((text) => /^\s*(?:now|today|tomorrow|yesterday)\b/iu.test(text)),
    isByRun:
      isRunReturned(every('ResTarget')) &&
      calls.every(isCallByRun) &&
      every('A_Expr').every((expression) => !isArithmetic(expression) || !isRunIn(expression)) &&
      every('SelectStmt').every(isDistinctByRun),
  };
}

interface NodeOfKind {
  readonly kind: string;
  readonly tree: Tree;
}

function* nodesOf(value: unknown): Generator<NodeOfKind> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item);
  if (!isTree(value)) return;
  for (const [kind, tree] of Object.entries(value)) {
    if (isTree(tree)) yield { kind, tree };
    yield* nodesOf(tree);
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function functionOf({ funcname }: Tree): string {
  const names = [...nodesOf(funcname)].filter(({ kind }) => kind === 'String');
  return textOf(names.at(-1)?.tree['sval']).toLowerCase();
}

/** The last part of a column's name; undefined for another expression. */
function columnOf(value: unknown): string | undefined {
  if (!isTree(value) || !isTree(value['ColumnRef'])) return undefined;
  const parts = [...nodesOf(value['ColumnRef']['fields'])].filter(({ kind }) => kind === 'String');
  return textOf(parts.at(-1)?.tree['sval']).toLowerCase();
}

/** Whether the run number is somewhere in an expression. */
function isRunIn(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isRunIn);
  if (!isTree(value)) return false;
  return columnOf(value) === 'runnumber' || Object.values(value).some(isRunIn);
}

/** The run of a row is the column itself, wherever the query has a column of this name. */
function isRunReturned(targets: readonly Tree[]): boolean {
  const returned = targets.filter(({ name, val }) => name === 'runnumber' || (name === undefined && isRun(val)));
  return returned.length > 0 && returned.every(({ val }) => isRun(val));
}

function isRun(value: unknown): boolean {
  if (isTree(value) && isTree(value['TypeCast'])) return isRun(value['TypeCast']['arg']);
  return columnOf(value) === 'runnumber';
}

/** Functions of a single row; any other may be an aggregate. */
const rowFunctions = new Set(['lpad', 'to_char', 'format', 'concat', 'coalesce', 'replace', 'text', 'int4', 'int8']);

function isCallByRun(call: Tree): boolean {
  const { over, args } = call;
  // A window over several runs numbers their rows together.
  if (over !== undefined) return isTree(over) && isRunIn(over['partitionClause']);
  return rowFunctions.has(functionOf(call)) || !isRunIn(args);
}

function isArithmetic({ name }: Tree): boolean {
  return [...nodesOf(name)].some(({ tree }) => /^[-+*/%^]$/u.test(textOf(tree['sval'])));
}

/** `distinct on (…)` chooses one row of several. */
function isDistinctByRun({ distinctClause }: Tree): boolean {
  if (!Array.isArray(distinctClause)) return true;
  const isPlain = distinctClause.every((item) => isTree(item) && Object.keys(item).length === 0);
  return isPlain || isRunIn(distinctClause);
}
