import { readYaml } from '#util/yaml/read-yaml.ts';

/** Problems of a YAML text, a line each: `line:column: severity: message: expected …`. */
export function problemsOf(source: string): readonly string[] {
  return readYaml(source).problems.map(
    ({ severity, place: { line, column }, message, expected }) =>
      `${line}:${column}: ${severity}: ${message}${expected === undefined ? '' : `: expected ${expected}`}`,
  );
}
