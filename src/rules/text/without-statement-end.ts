/** Matches, at the place where it is tried, one token of SQL that can hide a semicolon or a comment; else one character. */
const tokenPattern =
  /(--[^\n]*)|(\/\*)|([eE]'(?:[^'\\]|''|\\[\s\S])*(?:'|$))|('(?:[^']|'')*(?:'|$))|("(?:[^"]|"")*(?:"|$))|(\$([A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?\$)|([A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*)|(\s+)|([\s\S])/y;

/** Offset behind a block comment, which may hold others; the end of the text where it does not close. */
function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}

/**
 * Takes away what stands behind an author's query: semicolons, comments, spaces, so that it can be wrapped as a
 * subquery. Semicolons and comment marks inside of quotes, dollar quotes and names are text and stay. Never throws; what
 * is not SQL is given back as it is, for PostgreSQL to complain of.
 */
export function withoutStatementEnd(sql: string): string {
  let end = 0;
  let at = 0;
  while (at < sql.length) {
    tokenPattern.lastIndex = at;
    const token = tokenPattern.exec(sql);
    if (token === null) break;
    at = tokenPattern.lastIndex;
    const [text, lineComment, blockComment, , , , dollar, , , space, character] = token;
    if (lineComment !== undefined || space !== undefined || character === ';') continue;
    if (blockComment !== undefined) {
      at = endOfComment(sql, at - 2);
      continue;
    }
    if (dollar !== undefined) {
      const close = sql.indexOf(text, at);
      at = close < 0 ? sql.length : close + text.length;
    }
    end = at;
  }
  return sql.slice(0, end);
}
