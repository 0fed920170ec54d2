/** A format specification of Python: `[[fill]align][sign][#][0][width][,_][.precision][type]`. */
const specPattern = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/u;

/** Nothing in a rule is as wide; far beyond it a text has no room in memory. */
const widest = 1000;
/** `toFixed` and `toExponential` support at most so many places. */
const mostPlaces = 100;

/**
 * Formats a value as Python's `format()` does, for the kinds that make sense in a rule: text, whole numbers, decimals.
 *
 * @returns undefined where the specification does not fit the value; never throws
 */
export function formatValue(value: string, spec: string): string | undefined {
  if (spec === '') return value;
  const fields = specPattern.exec(spec);
  if (fields === null) return undefined;
  const [, fill, align, sign = '-', , zero, width = '0', group, precision, type] = fields;
  if (Number(width) > widest) return undefined;
  const isWhole = /^-?\d+$/.test(value);
  const isNumber = isWhole || /^-?\d+\.\d*(?:e[-+]\d+)?$/.test(value);
  const isText = type === 's' || (type === undefined && !isNumber);
  if (isText) {
    const text = precision === undefined ? value : value.slice(0, Number(precision));
    return formatPadded(text, '', fill ?? (zero === undefined ? ' ' : '0'), align ?? '<', Number(width));
  }
  if (!isNumber) return undefined;
  const digits = formatDigits(value.replace(/^-/, ''), type, precision, isWhole);
  if (digits === undefined) return undefined;
  const grouped = group === undefined ? digits : digits.replace(/^\d+/, (whole) => formatGrouped(whole, group));
  const prefix = value.startsWith('-') ? '-' : sign === '-' ? '' : sign;
  return formatPadded(
    grouped,
    prefix,
    fill ?? (zero === undefined ? ' ' : '0'),
    align ?? (zero === undefined ? '>' : '='),
    Number(width),
  );
}

function formatGrouped(whole: string, separator: string): string {
  return whole.replace(/\B(?=(?:\d{3})+$)/g, separator);
}

/** Digits of a number without sign; undefined where the type wants another kind of number. */
function formatDigits(
  value: string,
  type: string | undefined,
  precision: string | undefined,
  isWhole: boolean,
): string | undefined {
  const places = precision === undefined ? 6 : Number(precision);
  if (places > mostPlaces) return undefined;
  switch (type) {
    case undefined:
      return precision === undefined ? value : undefined;
    case 'd':
    case 'n':
      return isWhole ? String(BigInt(value)) : undefined;
    case 'x':
      return isWhole ? BigInt(value).toString(16) : undefined;
    case 'X':
      return isWhole ? BigInt(value).toString(16).toUpperCase() : undefined;
    case 'o':
      return isWhole ? BigInt(value).toString(8) : undefined;
    case 'b':
      return isWhole ? BigInt(value).toString(2) : undefined;
    case 'f':
    case 'F':
      return Number(value).toFixed(places);
    case 'e':
      return Number(value)
        .toExponential(places)
        .replace(/e([-+])(\d)$/, 'e$10$2');
    case '%':
      return `${(Number(value) * 100).toFixed(places)}%`;
    default:
      return undefined;
  }
}

function formatPadded(text: string, prefix: string, fill: string, align: string, width: number): string {
  const missing = Math.max(0, width - text.length - prefix.length);
  if (align === '=') return prefix + fill.repeat(missing) + text;
  const left = align === '<' ? 0 : align === '>' ? missing : Math.floor(missing / 2);
  return fill.repeat(left) + prefix + text + fill.repeat(missing - left);
}
