/** Returns whether a text can be nothing but whole-number arithmetic: digits, `+ - * / %`, brackets, spaces. */
export function isIntegerExpression(text: string): boolean {
  return /^[\d+\-*/%() \t]+$/.test(text) && /\d/.test(text);
}

/**
 * Computes whole-number arithmetic as ClassAds do: division cuts off towards zero. Never throws.
 *
 * @returns undefined where the text is not such an expression, or divides by zero
 */
export function parseIntegerExpression(text: string): number | undefined {
  const tokens = text.match(/\d+|[-+*/%()]/g) ?? [];
  if (tokens.join('') !== text.replace(/[ \t]/g, '')) return undefined;
  let next = 0;
  const factor = (): number => {
    const token = tokens[next++];
    if (token === '-') return -factor();
    if (token === '+') return factor();
    if (token === '(') {
      const value = sum();
      return tokens[next++] === ')' ? value : Number.NaN;
    }
    return token !== undefined && /^\d/.test(token) ? Number(token) : Number.NaN;
  };
  const product = (): number => {
    let value = factor();
    for (let token = tokens[next]; token === '*' || token === '/' || token === '%'; token = tokens[next]) {
      next++;
      const right = factor();
      if (token === '*') value *= right;
      else if (right === 0) return Number.NaN;
      else value = token === '/' ? Math.trunc(value / right) : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (let token = tokens[next]; token === '+' || token === '-'; token = tokens[next]) {
      next++;
      const right = product();
      value = token === '+' ? value + right : value - right;
    }
    return value;
  };
  const value = sum();
  return next === tokens.length && Number.isFinite(value) ? value : undefined;
}
