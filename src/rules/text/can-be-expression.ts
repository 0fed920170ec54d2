/** Two things side by side that an operator would have to join, or an operator without its operand, and the like. */
const refused = Symbol('refused');
/** What this reader does not look into. */
const unknown = Symbol('unknown');

interface Reader {
  /** Open brackets by what closes them. */
  readonly open: { readonly close: ')' | ']' | '}'; readonly isList: boolean; ternaries: number }[];
  ternaries: number;
  /** Behind an operand an operator has to come, and the other way round. */
  isBehindOperand: boolean;
  /** A name calls a function if a bracket follows. */
  isBehindName: boolean;
  /** An empty list of arguments or elements may end here. */
  mayClose: boolean;
}

const space = /^\s+/;
const operand =
  /^(?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|0[xX][\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[A-Za-z_]\w*)/;
const binary = /^(?:=\?=|=!=|==|!=|>>>|<<|>>|<=|>=|&&|\|\||\?:|[-+*/%<>&|^.])/;
const wordOperator = /^(?:is|isnt)\b/i;

/** Reads one token behind an operand; gives its length. */
function readOperator(rest: string, reader: Reader): number | symbol {
  const operator = (wordOperator.exec(rest) ?? binary.exec(rest))?.[0];
  const sign = rest.charAt(0);
  const last = reader.open.at(-1);
  if (operator !== undefined) {
    reader.isBehindOperand = false;
    return operator.length;
  }
  if (sign === '?' || sign === ':' || (sign === ',' && last?.isList === true)) {
    const level = last ?? reader;
    if (sign === ':' && level.ternaries === 0) return refused;
    if (sign === ',' && level.ternaries > 0) return refused;
    level.ternaries += sign === '?' ? 1 : sign === ':' ? -1 : 0;
    reader.isBehindOperand = false;
    return 1;
  }
  if (sign === last?.close && last.ternaries === 0) {
    reader.open.pop();
    reader.isBehindName = false;
    return 1;
  }
  if ((sign === '(' && reader.isBehindName) || sign === '[') {
    reader.open.push({ close: sign === '(' ? ')' : ']', isList: sign === '(', ternaries: 0 });
    reader.isBehindOperand = false;
    reader.mayClose = sign === '(';
    return 1;
  }
  return refused;
}

/** Reads one token where an operand is wanted; gives its length. */
function readOperand(rest: string, reader: Reader): number | symbol {
  const sign = rest.charAt(0);
  const last = reader.open.at(-1);
  const wasOpened = reader.mayClose;
  reader.mayClose = false;
  if (wasOpened && sign === last?.close) {
    reader.open.pop();
    reader.isBehindOperand = true;
    reader.isBehindName = false;
    return 1;
  }
  const found = operand.exec(rest)?.[0];
  if (found !== undefined) {
    // Such as `10MB` or `3L`.
    if (/^[\d.]/.test(found) && /^\w/.test(rest.slice(found.length))) return refused;
    reader.isBehindOperand = true;
    reader.isBehindName = /^[A-Za-z_]/.test(found);
    return found.length;
  }
  if (sign === '[') return unknown;
  if (sign === '(' || sign === '{') {
    reader.open.push({ close: sign === '(' ? ')' : '}', isList: sign === '{', ternaries: 0 });
    reader.mayClose = sign === '{';
    return 1;
  }
  return '+-!~.'.includes(sign) ? 1 : refused;
}

/**
 * Returns whether a text may be a ClassAd expression, which HTCondor takes for most values; not what it comes to. Where
 * macros of the batch system, comments or records are in it, the answer is yes.
 */
export function canBeExpression(text: string): boolean {
  if (/\$|\/[/*]/.test(text)) return true;
  const reader: Reader = { open: [], ternaries: 0, isBehindOperand: false, isBehindName: false, mayClose: false };
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const spaces = space.exec(rest)?.[0].length ?? 0;
    const length =
      spaces > 0 ? spaces : reader.isBehindOperand ? readOperator(rest, reader) : readOperand(rest, reader);
    if (typeof length === 'symbol') return length === unknown;
    at += length;
  }
  return reader.isBehindOperand && reader.open.length === 0 && reader.ternaries === 0;
}
