/** What an unquoted YAML value is, and how Python's `str()` writes it. */
export interface PlainScalar {
  readonly kind: 'text' | 'integer' | 'float' | 'boolean' | 'null' | 'timestamp';
  /** The text that a format field of that value gives: `yes` → `True`, `010` → `8`, `1:30` → `90`, `~` → `None`. */
  readonly text: string;
}

const patterns = {
  null: /^(?:~|null|Null|NULL)?$/,
  boolean: /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  integer: /^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*(?::[0-5]?[0-9])*)$/,
  float:
    /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  date: /^(\d{4})-(\d\d)-(\d\d)$/,
  timestamp:
    /^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?$/,
} as const;

/** Sums up digits to base 60: `1:30` → 90. */
function sexagesimalOf(digits: string): number {
  return digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

function formatInteger(source: string): string {
  const digits = source.replaceAll('_', '').replace(/^[-+]/, '');
  const sign = source.startsWith('-') ? '-' : '';
  let value: bigint;
  if (digits.includes(':')) value = BigInt(sexagesimalOf(digits));
  else if (/^0[bx]/.test(digits)) value = BigInt(digits);
  else if (/^0[0-7]/.test(digits)) value = BigInt(`0o${digits.slice(1)}`);
  else value = BigInt(digits);
  return value === 0n ? '0' : `${sign}${value}`;
}

/** Writes a number as Python's `repr` does: always with a point or an exponent, exponents of two digits at least. */
export function renderFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const text =
    power < 0 && value !== 0
      ? value.toFixed(Math.max(0, mantissa.replace(/[-.]/g, '').length - 1 - power))
      : String(value);
  return text.includes('.') ? text : `${text}.0`;
}

function formatFloat(source: string): string {
  const digits = source.replaceAll('_', '').toLowerCase().replace(/^[-+]/, '');
  const sign = source.startsWith('-') ? -1 : 1;
  if (digits === '.inf') return renderFloat(sign * Infinity);
  if (digits === '.nan') return 'nan';
  return renderFloat(sign * (digits.includes(':') ? sexagesimalOf(digits) : Number(digits)));
}

function formatTimestamp(fields: RegExpExecArray): string {
  const two = (digits: string | undefined): string => (digits ?? '0').padStart(2, '0');
  const [, year = '', month, day, hour, minute, second, fraction = '', zone, sign = '+', zoneHour, zoneMinute] = fields;
  const micros = /[1-9]/.test(fraction.slice(0, 6)) ? `.${fraction.slice(0, 6).padEnd(6, '0')}` : '';
  const offset = zone === undefined ? '' : `${sign}${two(zoneHour)}:${two(zoneMinute)}`;
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}${micros}${offset}`;
}

/** Returns whether a text that begins like a date is one, and its time of day, if it has one, is a time. */
function isDate(text: string): boolean {
  const [day = '', time = '00:00:00'] = text.split(' ');
  const moment = new Date(`${day}T${time.slice(0, 8)}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(day) && !day.startsWith('0000');
}

/**
 * Resolves an unquoted scalar as YAML 1.1 and PyYAML do, so that a rule file means the same to us as to the original.
 * Never throws.
 *
 * @see https://yaml.org/type/
 */
export function resolvePlainScalar(source: string): PlainScalar {
  if (patterns.null.test(source)) return { kind: 'null', text: 'None' };
  if (patterns.boolean.test(source)) {
    return { kind: 'boolean', text: /^(?:yes|true|on)$/i.test(source) ? 'True' : 'False' };
  }
  if (patterns.integer.test(source) && !/^[-+]?0[bx]_*$/.test(source)) {
    return { kind: 'integer', text: formatInteger(source) };
  }
  if (patterns.float.test(source)) return { kind: 'float', text: formatFloat(source) };
  // PyYAML refuses a file with a 31st of February.
  if (patterns.date.test(source) && isDate(source)) return { kind: 'timestamp', text: source };
  const timestamp = patterns.timestamp.exec(source);
  if (timestamp !== null && isDate(formatTimestamp(timestamp)))
    return { kind: 'timestamp', text: formatTimestamp(timestamp) };
  return { kind: 'text', text: source };
}
